// Changes single settings of the [network] table in a configuration text and leaves every other byte. Pure, and
// careful rather than clever: what it does not understand it leaves to the person; the daemon checks the result.

/** @typedef {{ readonly ok: true, readonly text: string } | { readonly ok: false, readonly problem: string }} Edited */

/**
 * Sets keys of `[network]`; each value is TOML as it shall stand there, undefined takes the key away.
 * @param {string} text
 * @param {Readonly<Record<string, string | undefined>>} settings
 * @returns {Edited}
 */
export function setNetworkKeys(text, settings) {
  // Inside a text over several lines anything may look like a table or a key.
  if (/"""|'''/.test(text)) {
    return { ok: false, problem: 'the file holds texts over several lines; set it by hand' };
  }
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(newline);
  for (const [key, value] of Object.entries(settings)) {
    const problem = setKey(lines, key, value);
    if (problem !== undefined) return { ok: false, problem };
  }
  return { ok: true, text: lines.join(newline) };
}

/**
 * @param {string[]} lines changed in place
 * @param {string} key
 * @param {string | undefined} value
 * @returns {string | undefined} the problem
 */
function setKey(lines, key, value) {
  if (lines.some((line) => /^\s*network\s*[.=]/.test(line))) {
    return 'the file writes [network] in another form; set it by hand';
  }
  const start = lines.findIndex((line) => /^\s*\[\s*network\s*\]\s*(#.*)?$/.test(line));
  if (start < 0) {
    if (value === undefined) return undefined;
    if (lines.at(-1) === '') lines.pop();
    lines.push(...(lines.length === 0 ? [] : ['']), '[network]', `${key} = ${value}`, '');
    return undefined;
  }
  const after = lines.findIndex((line, at) => at > start && /^\s*\[/.test(line));
  const end = after < 0 ? lines.length : after;
  const at = lines.findIndex(
    (line, n) => n > start && n < end && new RegExp(`^\\s*${key}\\s*=`).test(line),
  );
  if (at < 0) {
    if (value !== undefined) lines.splice(start + 1, 0, `${key} = ${value}`);
    return undefined;
  }
  return replaceLine(lines, at, key, value);
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {string} key
 * @param {string | undefined} value
 * @returns {string | undefined}
 */
function replaceLine(lines, at, key, value) {
  const match = /^(\s*)[\w-]+\s*=\s*("[^"\\]*"|'[^']*'|\[[^\][#]*\]|\w+)(\s*(?:#.*)?)$/.exec(
    lines[at] ?? '',
  );
  if (match === null) return `"${key}" is written over several lines; set it by hand`;
  if (value === undefined) lines.splice(at, 1);
  else lines[at] = `${match[1]}${key} = ${value}${match[3]}`;
  return undefined;
}

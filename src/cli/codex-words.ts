// Codex reads its model address from its configuration alone (it ignores OPENAI_BASE_URL), so `exec -- codex …`
// gets one more option. Pure but for the text of Codex's own configuration, which is passed in.

/** The command with `-c openai_base_url=…` right after Codex's name, and what was left alone and why. */
export interface CodexWords {
  readonly words: readonly string[];
  readonly note: string | undefined;
}

/** Adds the option when the words start Codex and neither they nor its config.toml (`configText`) name an address. */
export function addCodexBaseUrl(
  words: readonly string[],
  gateway: string,
  configText: string | undefined,
): CodexWords {
  const at = codexAt(words);
  if (at < 0 || namesBaseUrl(words.slice(at + 1))) return { words, note: undefined };
  if (configText !== undefined && /^[ \t]*["']?openai_base_url["']?[ \t]*=/m.test(configText)) {
    const note = `left the openai_base_url of your Codex configuration as it is; the gateway would be ${gateway}`;
    return { words, note };
  }
  const option = ['-c', `openai_base_url=${JSON.stringify(gateway)}`];
  return { words: [...words.slice(0, at + 1), ...option, ...words.slice(at + 1)], note: undefined };
}

/** Where Codex's name stands: as the program, or as the package right after a runner such as npx; else -1. */
function codexAt(words: readonly string[]): number {
  const program = nameOf(words[0] ?? '');
  if (program === 'codex') return 0;
  if (!['npx', 'bunx', 'pnpx'].includes(program)) return -1;
  const at = words[1] === '-y' || words[1] === '--yes' ? 2 : 1;
  return /^(@openai\/)?codex(@[^/]+)?$/.test(words[at] ?? '') ? at : -1;
}

function nameOf(word: string): string {
  return word.replace(/^.*[/\\]/s, '').replace(/\.(exe|cmd|js)$/i, '');
}

/** True when Codex's own words already name an address; after `--` come words of the prompt. */
function namesBaseUrl(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  return own.some((word, index) => {
    const value = /^(-c|--config)$/.test(own[index - 1] ?? '') ? word : optionValue(word);
    return value !== undefined && /^\s*openai_base_url\s*=/.test(value);
  });
}

function optionValue(word: string): string | undefined {
  return /^(?:--config=|-c=?)(.*)$/s.exec(word)?.[1];
}

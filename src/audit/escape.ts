// Text from outside as the trail shows it: bounded, printable ASCII, and without what may be a secret. PURE.

const plainText = /^[\x20-\x5b\x5d-\x7e]*$/;

/** Printable ASCII of at most `limit` characters; the rest as \\, \xNN or \uNNNN, a cut marked by `...`. */
export function escapeText(text: string, limit: number): string {
  if (text.length <= limit && plainText.test(text)) return text;
  let out = '';
  let cut = ''; // the longest start that leaves room for the mark and splits no escape
  for (const unit of text.slice(0, limit + 1).split('')) {
    out += plainText.test(unit) ? unit : escapeUnit(unit);
    if (out.length > limit) return `${cut}...`;
    if (out.length <= limit - 3) cut = out;
  }
  return out;
}

function escapeUnit(unit: string): string {
  if (unit === '\\') return '\\\\';
  const code = unit.charCodeAt(0);
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

/** What stands before an `@` may be a password. By words and not by a pattern: the cost stays linear. */
export function maskUserinfo(text: string): string {
  if (!text.includes('@')) return text;
  const words = text.split(' ').map((word) => {
    const at = word.lastIndexOf('@');
    return at === -1 ? word : `***${word.slice(at)}`;
  });
  return words.join(' ');
}

/** Scheme, userinfo, path, query and fragment cut away; a doubtful `@` hides everything. */
export function authorityOnly(text: string): string {
  const rest = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const end = rest.search(/[/?#]/);
  const head = end === -1 ? rest : rest.slice(0, end);
  const at = head.lastIndexOf('@');
  if (at !== -1) return `***@${head.slice(at + 1)}`;
  return rest.includes('@') ? '***' : head;
}

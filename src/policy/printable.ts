// Text from outside, made safe to look at: every surface shows the same escapes, so that no name, folder or
// command line can move a cursor, turn the reading direction or hide a part of itself.

/** Characters that move the cursor or turn the reading direction, are private, unassigned or half a pair; every blank but one. */
const unsafeCategories = /[[\p{C}\p{Z}]--[ ]]/gv;
/** Characters of other categories that leave no mark: fillers, joiners, variation selectors, the blank Braille cell. */
const invisible =
  /[\p{Variation_Selector}\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{2800}\u{3164}\u{ffa0}]/gu;

/** What most text is: nothing in it needs a second look. */
const plain = /^[\x20-\x7e]*$/;

/** The text with control, bidi, zero-width and other invisible characters as `\uXXXX`; ordinary letters stay. */
export function escapePrintable(text: string): string {
  if (plain.test(text)) return text;
  return text.replace(unsafeCategories, escapeUnits).replace(invisible, escapeUnits);
}

function escapeUnits(character: string): string {
  let escaped = '';
  for (let index = 0; index < character.length; index += 1) {
    escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }
  return escaped;
}

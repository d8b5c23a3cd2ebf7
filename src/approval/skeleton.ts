// What a label looks like at a glance: letters that are easily taken for one another become one. The idea is
// that of Unicode TS 39 (§4, skeletons), the table is ours: letters that names may have, and pairs in
// lower-case Latin that screens draw alike. Pure.

/** Letters of other scripts and shapes, each after the Latin letter it is taken for. */
const drawnAlike = `aаαɑᴀ bвьβɓʙ cсϲᴄ dԁժɗđðᴅ eеεєɛҽᴇ fƒғẝ gɡցɢ hһնհнħʜ iіιıɩɪ jјϳյᴊ kкκĸᴋ lӏɭłʟ
mмʍᴍ nпηոռռɴ oоοօσøơᴏ pрρþᴘ qԛզգ rгɼʀ sѕꜱʂ tтτŧᴛ uυսцʋµμᴜ vνѵᴠ wωԝաᴡ xхχҳ yуγүʏ zζʐᴢ 3зҙ 4ч 6б
-‐‑‒–−ー一ㅡ`;

const latinOf: ReadonlyMap<string, string> = new Map(
  drawnAlike
    .split(/\s+/)
    .flatMap(([latin = '', ...others]) => others.map((other) => [other, latin] as const)),
);
/** Two letters drawn as one, and one as two. */
const ligatures: Readonly<Record<string, string>> = { æ: 'ae', œ: 'oe', ӕ: 'ae', ß: 'ss', ĳ: 'ij' };

/** The label in Latin letters without marks, each letter as what it is taken for; ASCII stays as it is. */
export function toLatin(label: string): string {
  if (/^[\x20-\x7e]*$/.test(label)) return label;
  // Cyrillic й is и with a breve and not a letter of its own here: marks are dropped like all others.
  const bare = label.normalize('NFD').replace(/\p{M}/gu, '');
  return Array.from(bare, (letter) => ligatures[letter] ?? latinOf.get(letter) ?? letter).join('');
}

const pairs: Readonly<Record<string, string>> = {
  rn: 'm',
  vv: 'w',
  cl: 'd',
  0: 'o',
  1: 'l',
  i: 'l',
};

/** What the label looks like: labels with the same skeleton are easily mistaken for one another. */
export function skeletonOf(label: string): string {
  return toLatin(label).replace(/rn|vv|cl|[01i]/g, (part) => pairs[part] ?? part);
}

const scripts = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Hebrew', /\p{Script=Hebrew}/u],
  ['Arabic', /\p{Script=Arabic}/u],
  ['Han', /\p{Script=Han}/u],
  ['Hangul', /\p{Script=Hangul}/u],
  ['Hiragana', /\p{Script=Hiragana}/u],
  ['Katakana', /\p{Script=Katakana}/u],
  ['Thai', /\p{Script=Thai}/u],
] as const;
/** Scripts that languages write together, Latin aside: Japanese, Korean. */
const together = [
  ['Han', 'Hiragana', 'Katakana'],
  ['Han', 'Hangul'],
] as const;

/** The scripts a text has letters of, by name, in a fixed order; scripts we do not know are left out. */
export function scriptsOf(text: string): string[] {
  return scripts.filter(([, pattern]) => pattern.test(text)).map(([name]) => name);
}

/** Whether one label mixes scripts that no language writes together, such as Latin and Cyrillic. */
export function isMixed(label: string): boolean {
  const found = scriptsOf(label);
  if (found.length < 2) return false;
  const others = found.filter((script) => script !== 'Latin');
  return !together.some((written) =>
    others.every((script) => written.some((each) => each === script)),
  );
}

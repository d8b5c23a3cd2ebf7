// Where the domain lists of one document stand, in whatever of TOML's forms they are written: `[network]` with
// its keys, dotted keys, inline tables, `[network.domains]`. Pure; judges nothing, rule-edit.ts does.
import type { AST } from './locate.ts';
import type { Span } from './lines.ts';

/** A key with its value and what it stands in. */
export interface PairPlace extends Span {
  /** All names from the root. */
  readonly path: readonly string[];
  readonly keyEnd: number;
  /** Where the last name of the key starts: what is before it is the written prefix, such as `network.`. */
  readonly nameStart: number;
  readonly value: AST.TOMLContentNode;
  readonly home: Home;
}

/** What a pair stands in: lines of the document, of a `[table]`, or an inline table. */
export type Home =
  | { readonly kind: 'lines'; readonly table: AST.TOMLTable | undefined }
  | { readonly kind: 'inline'; readonly node: AST.TOMLInlineTable };

/** Every pair of the document below one top-level name, and the headers of its tables. */
export interface RulePlaces {
  readonly pairs: readonly PairPlace[];
  /** The `[name]` header with its body. */
  readonly table: AST.TOMLTable | undefined;
  /** The `[name.domains]` header with its body. */
  readonly mapTable: AST.TOMLTable | undefined;
}

/** Finds them; `name` is `network` or `experimental_network`. */
export function findRulePlaces(top: AST.TOMLTopLevelTable, name: string): RulePlaces {
  const pairs: PairPlace[] = [];
  let table: AST.TOMLTable | undefined;
  let mapTable: AST.TOMLTable | undefined;
  for (const node of top.body) {
    if (node.type === 'TOMLKeyValue') {
      addPair(pairs, [], node, { kind: 'lines', table: undefined }, name);
      continue;
    }
    const path = node.resolvedKey.map(String);
    if (path[0] !== name || node.kind !== 'standard') continue;
    if (path.length === 1) table = node;
    if (path.length === 2 && path[1] === 'domains') mapTable = node;
    for (const pair of node.body) addPair(pairs, path, pair, { kind: 'lines', table: node }, name);
  }
  return { pairs, table, mapTable };
}

/** Rules stand at most three names deep; what is deeper is not looked at. */
const depth = 3;

function addPair(
  pairs: PairPlace[],
  above: readonly string[],
  node: AST.TOMLKeyValue,
  home: Home,
  wanted: string,
): void {
  const { keys, range: keyRange } = node.key;
  const path = [...above, ...keys.map(nameOf)];
  if (path[0] !== wanted || path.length > depth) return;
  const [start, end] = node.range;
  const nameStart = keys.at(-1)?.range[0] ?? start;
  pairs.push({ path, start, end, keyEnd: keyRange[1], nameStart, value: node.value, home });
  if (node.value.type !== 'TOMLInlineTable') return;
  for (const inner of node.value.body) {
    addPair(pairs, path, inner, { kind: 'inline', node: node.value }, wanted);
  }
}

function nameOf(name: AST.TOMLBare | AST.TOMLQuoted): string {
  return name.type === 'TOMLBare' ? name.name : name.value;
}

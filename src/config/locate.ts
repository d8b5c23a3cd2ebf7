// Where a key or value stands in a TOML text. The only importer of toml-eslint-parser.
import { parseTOML, type AST } from 'toml-eslint-parser';

/** The syntax of TOML, for those who edit it in place. */
export type { AST } from 'toml-eslint-parser';

/** A 1-based place; columns count UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A way through tables (names) and arrays (0-based indices). */
export type Path = readonly (string | number)[];

/**
 * The place of the value at `path`, or with `'key'` of the key that names it. A path that is not in
 * the text gives the place of its nearest ancestor; the root is 1:1.
 */
export type Locate = (path: Path, part?: 'key' | 'value') => Place;

interface Spot {
  readonly key: Place;
  value: Place;
  /** Made when first needed: most spots are list entries without children. */
  children: Map<string | number, Spot> | undefined;
}

/** The syntax of the text, ranges in UTF-16 units. Throws toml-eslint-parser's ParseError when it is not TOML. */
export function parseSyntax(text: string): AST.TOMLTopLevelTable {
  return parseTOML(text, { tomlVersion: 'next' }).body[0];
}

/** Indexes the text. Throws toml-eslint-parser's ParseError when it is not TOML. */
export function createLocator(text: string): Locate {
  const top = parseSyntax(text);
  const root = spotAt({ line: 1, column: 1 });
  for (const node of top.body) {
    if (node.type === 'TOMLKeyValue') addPair(root, node);
    if (node.type === 'TOMLTable') addTable(root, node);
  }
  return (path, part = 'value') => {
    let spot = root;
    for (const step of path) {
      const next = spot.children?.get(step);
      if (next === undefined) break;
      spot = next;
    }
    return spot[part];
  };
}

function addTable(root: Spot, node: AST.TOMLTable): void {
  const first = node.key.keys[0] ?? node.key;
  let spot = root;
  for (const step of node.resolvedKey) spot = childOf(spot, step, placeOf(first));
  for (const pair of node.body) addPair(spot, pair);
}

function addPair(parent: Spot, node: AST.TOMLKeyValue): void {
  let spot = parent;
  for (const name of node.key.keys) {
    spot = childOf(spot, name.type === 'TOMLBare' ? name.name : name.value, placeOf(name));
  }
  addValue(spot, node.value);
}

/** Nesting is bounded: smol-toml has refused deeper documents before this is called. */
function addValue(spot: Spot, node: AST.TOMLContentNode): void {
  spot.value = placeOf(node);
  if (node.type === 'TOMLInlineTable') for (const pair of node.body) addPair(spot, pair);
  if (node.type !== 'TOMLArray') return;
  for (const [index, element] of node.elements.entries()) {
    addValue(childOf(spot, index, placeOf(element)), element);
  }
}

function childOf(parent: Spot, step: string | number, place: Place): Spot {
  parent.children ??= new Map();
  let child = parent.children.get(step);
  if (child === undefined) {
    child = spotAt(place);
    parent.children.set(step, child);
  }
  return child;
}

function spotAt(place: Place): Spot {
  return { key: place, value: place, children: undefined };
}

function placeOf(node: AST.TOMLNode): Place {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 };
}

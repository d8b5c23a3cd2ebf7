// Which route a request target means, and what its path and query say. Pure; nothing is guessed: a target is a
// path of the table and parameters that its route has declared, each once.
import type { Parsed } from '../policy/destination.ts';
import type { Route } from './route.ts';

/** A route whose path fits. */
export interface Match {
  readonly route: Route;
  /** The text in the place of `{id}`; empty for routes without. */
  readonly id: string;
}

const queryLimit = 2048;

/** A request target's path, and its query where it has one. */
export function splitTarget(target: string): {
  readonly path: string;
  readonly query: string | undefined;
} {
  const at = target.indexOf('?');
  if (at < 0) return { path: target, query: undefined };
  return { path: target.slice(0, at), query: target.slice(at + 1) };
}

/** Every route with this path, whatever its method. */
export function matchRoutes(routes: readonly Route[], path: string): readonly Match[] {
  const given = path.split('/');
  return routes.flatMap((route) => {
    const id = matchPath(route.path.split('/'), given);
    return id === undefined ? [] : [{ route, id }];
  });
}

function matchPath(wanted: readonly string[], given: readonly string[]): string | undefined {
  if (wanted.length !== given.length) return undefined;
  let id = '';
  for (const [at, segment] of wanted.entries()) {
    const text = given[at] ?? '';
    if (segment === '{id}') {
      if (!/^[A-Za-z0-9_-]{1,32}$/.test(text)) return undefined;
      id = text;
    } else if (segment !== text) return undefined;
  }
  return id;
}

/** The parameters of a query; one that is not declared, or stands twice, is a mistake. */
export function readQuery(
  query: string | undefined,
  names: readonly string[],
): Parsed<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (query === undefined || query === '') return { ok: true, value: found };
  if (query.length > queryLimit) return bad(`longer than ${queryLimit} characters`);
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=');
    const [name, value] = [decode(pair.slice(0, at)), decode(pair.slice(at + 1))];
    if (at < 0 || name === undefined || value === undefined) return bad('not name=value');
    if (!names.includes(name)) return bad(`unknown parameter; expected ${names.join(', ')}`);
    if (found.has(name)) return bad(`${name} stands twice`);
    found.set(name, value);
  }
  return { ok: true, value: found };
}

function bad(what: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: `the query: ${what}` };
}

/** Undefined for what is no percent-encoding of UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

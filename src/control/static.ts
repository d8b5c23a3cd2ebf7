// The page's files: read once at start, served from memory by name. Nothing a request says is ever turned into a
// path of the disk. What the browser is told about them is reply.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Route, StaticFile } from './route.ts';

/** What is served at all, by the ending of its name. */
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

/** Where a browser looks for these when the page names nothing else. */
const otherNames: readonly (readonly [path: string, names: readonly string[]])[] = [
  ['/', ['index.html']],
  ['/favicon.ico', ['favicon.ico', 'icon.png', 'icon.svg', 'favicon.svg']],
];

/** The files of the folder as routes of the TCP listener, open to anyone who passes its Host and Origin checks. */
export function readPage(folder: string): readonly Route[] {
  const names = readdirSync(folder).filter(
    (name) => /^[a-z0-9][a-z0-9.-]*$/.test(name) && Object.hasOwn(types, extname(name)),
  );
  const files = new Map(
    names.map((name) => [
      name,
      { type: types[extname(name)] ?? '', bytes: readFileSync(join(folder, name)) },
    ]),
  );
  const others = otherNames.flatMap(([path, candidates]) => {
    const name = candidates.find((candidate) => files.has(candidate));
    const file = name === undefined ? undefined : files.get(name);
    return file === undefined || path === `/${name}` ? [] : [fileRoute(path, file)];
  });
  return [...others, ...[...files].map(([name, file]) => fileRoute(`/${name}`, file))];
}

function fileRoute(path: string, file: StaticFile): Route {
  return {
    method: 'GET',
    path,
    permission: 'anyone',
    reach: 'unchanged',
    listener: 'tcp',
    handle: () => Promise.resolve({ file }),
  };
}

// A package source of one package for npm, made at run time.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package npm can install; `text` is what requiring it gives. */
export interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly text: string;
}

/** Serves the package's document at `/<name>` and its archive below `base`; everything else is 404. */
export function createNpmHandler(folder: string, base: string, one: TestPackage): RequestListener {
  const archive = makeArchive(folder, one);
  const file = `/${one.name}/-/${one.name}-${one.version}.tgz`;
  const manifest = {
    name: one.name,
    version: one.version,
    main: 'index.js',
    dist: {
      tarball: `${base}${file}`,
      integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
    },
  };
  const document = JSON.stringify({
    name: one.name,
    'dist-tags': { latest: one.version },
    versions: { [one.version]: manifest },
  });
  return (request, response) => {
    if (request.url === `/${one.name}`) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(document);
    } else if (request.url === file) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(archive);
    } else response.writeHead(404).end('{}');
  };
}

function makeArchive(folder: string, { name, version, text }: TestPackage): Buffer {
  const contents = join(folder, 'package');
  mkdirSync(contents, { recursive: true });
  writeFileSync(join(contents, 'package.json'), JSON.stringify({ name, version }));
  writeFileSync(join(contents, 'index.js'), `module.exports = ${JSON.stringify(text)};\n`);
  return execFileSync('tar', ['-czf', '-', 'package'], { cwd: folder });
}

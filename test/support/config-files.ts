// Configuration files in a temporary folder that goes away with the process.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder of files. */
export interface ConfigFiles {
  readonly folder: string;
  /** Absolute path of a name in the folder. */
  readonly file: (name: string) => string;
  readonly write: (name: string, text: string | Uint8Array) => void;
}

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Writes the files into a new folder; it is removed when the process ends. */
export function writeFiles(files: Readonly<Record<string, string | Uint8Array>>): ConfigFiles {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
  folders.push(folder);
  const write = (name: string, text: string | Uint8Array): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { folder, file: (name) => join(folder, name), write };
}

// The version of this sallyport, from the one place that has it: its own package.json.
import { readFileSync } from 'node:fs';

/** `0.1.0`, read anew at each call. */
export function readVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }; // our own file
  return version;
}

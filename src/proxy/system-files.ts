// What the system's own files say about names: hosts(5), resolv.conf(5), nsswitch.conf(5). Each is
// read again when it has changed, and looked at no more than once a second.
import { readFileSync, statSync } from 'node:fs';
import { parseAddress, parseHost } from '../policy/destination.ts';

/** Larger files are not read; the largest block lists people put into a hosts file are a few MiB. */
const sizeLimitBytes = 16 * 1024 * 1024;
const lookEveryMs = 1000;

/**
 * A file's content as `parse` sees it, kept until the file changes. A file that is missing, too
 * large or unreadable counts as empty.
 */
export function createFileView<T>(
  file: string,
  parse: (text: string) => T,
  now: () => number,
): () => T {
  let view = parse('');
  let stamp = 'never read';
  let lookedAt = -Infinity;
  return () => {
    if (now() - lookedAt < lookEveryMs) return view;
    lookedAt = now();
    const seen = readStamp(file);
    if (seen === stamp) return view;
    stamp = seen;
    view = parse(seen === '' ? '' : readText(file));
    return view;
  };
}

function readStamp(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return size > sizeLimitBytes ? '' : `${mtimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** hosts(5): canonical name to canonical addresses, in the order of the file. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [written = '', ...names] = words(line);
    const address = parseAddress(written); // a zone id (fe80::1%lo0) makes it no address of ours
    if (!address.ok) continue;
    for (const name of names) {
      const host = parseHost(name);
      if (!host.ok || host.value.kind !== 'name') continue;
      const known = found.get(host.value.text);
      if (known === undefined) found.set(host.value.text, [address.value.text]);
      else if (!known.includes(address.value.text)) known.push(address.value.text);
    }
  }
  return found;
}

/** resolv.conf(5): the name servers, `address` or `address:port`; nothing else in it is ours to follow. */
export function parseNameservers(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [key, server] = words(line);
    return key === 'nameserver' && server !== undefined ? [server] : [];
  });
}

/**
 * nsswitch.conf(5): whether names may be known to a source that speaks no DNS. `none`: files and dns
 * say everything; `local`: multicast DNS, for names under .local; `any`: anything may be.
 */
export type OtherSources = 'none' | 'local' | 'any';

/** Reads the `hosts` line; without one glibc uses `files dns`. */
export function parseSources(text: string): OtherSources {
  const line = text.split('\n').find((one) => /^\s*hosts\s*:/.test(one)) ?? '';
  const sources = words(line.replace(/^[^:]*:/, '').replaceAll(/\[[^\]]*\]/g, ' '));
  const others = sources.filter((source) => source !== 'files' && source !== 'dns');
  if (others.length === 0) return 'none';
  return others.every((source) => source.startsWith('mdns')) ? 'local' : 'any';
}

function words(line: string): string[] {
  return line.replace(/#.*$/s, '').split(/\s+/).filter(Boolean);
}

// NO_PROXY as curl and Go read it: names with everything below them, addresses, CIDR blocks, `*`,
// each with an optional port. PURE.
import { BlockList, isIP } from 'node:net';
import { type Destination, parseAddress } from '../policy/destination.ts';

/** True when the destination is to be reached without a parent. */
export type NoProxy = (destination: Pick<Destination, 'host' | 'port'>) => boolean;

/** Reads a list separated by commas or blanks; what cannot be read matches nothing. */
export function parseNoProxy(text: string): NoProxy {
  const entries = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(parseEntry);
  return (destination) => entries.some((matches) => matches(destination));
}

function parseEntry(entry: string): NoProxy {
  if (entry === '*') return () => true;
  if (entry.includes('/')) return parseBlock(entry);
  if (isIP(bare(entry)) !== 0) return parseName(bare(entry)); // before its last group is taken for a port
  const [, written = entry, portText] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const isNamed = parseName(bare(written));
  if (portText === undefined) return isNamed;
  const port = Number(portText);
  return (destination) => destination.port === port && isNamed(destination);
}

/** An address is met by itself alone, a name also by everything below it. */
function parseName(written: string): NoProxy {
  if (isIP(written) !== 0) {
    const address = canonical(written);
    return ({ host }) => host === address;
  }
  const name = written.replace(/^\*?\./, '').replace(/\.$/, '');
  return ({ host }) => host === name || host.endsWith(`.${name}`);
}

function parseBlock(entry: string): NoProxy {
  const [, network = '', bits] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const list = new BlockList();
  try {
    // Without its length a block is a mistake; read as a length of 0 it would be the whole internet.
    if (bits === undefined) return () => false;
    list.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  } catch {
    return () => false;
  }
  return ({ host }) => {
    const family = isIP(host);
    return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4');
  };
}

function bare(text: string): string {
  return text.replace(/^\[(.*)\]$/, '$1');
}

/** The spelling destinations have; a zone id stays and so matches none of them. */
function canonical(address: string): string {
  const parsed = parseAddress(address);
  return parsed.ok ? parsed.value.text : address;
}

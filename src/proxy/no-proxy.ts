// NO_PROXY as curl and Go read it: names with everything below them, addresses, CIDR blocks, `*`,
// each with an optional port. PURE.
import { BlockList, isIP } from 'node:net';
import type { Destination } from '../policy/destination.ts';

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
  const bare = entry.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return ({ host }) => host === bare;
  const [, name = entry, portText] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const suffix = name
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^\*?\./, '')
    .replace(/\.$/, '');
  const port = portText === undefined ? undefined : Number(portText);
  return (destination) =>
    (port === undefined || port === destination.port) &&
    (destination.host === suffix ||
      (isIP(suffix) === 0 && destination.host.endsWith(`.${suffix}`)));
}

function parseBlock(entry: string): NoProxy {
  const [network = '', bits = ''] = entry.split('/');
  const list = new BlockList();
  try {
    list.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  } catch {
    return () => false;
  }
  return ({ host }) => {
    const family = isIP(host);
    return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4');
  };
}

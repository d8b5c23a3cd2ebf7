// PAC files: what a file answers for a destination, and the functions it may call. It sees scheme, host
// and port only, and can look up no name but the one it is asked about: names reach it once allowed.
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { DecisionRequest, Parent, Resolution } from '../policy/decision.ts';
import { formatHostPort, parseHost, parsePort } from '../policy/destination.ts';
import type { FindProxy, PacFunctions } from './dial.ts';

const reloadMs = 300_000;
const keepMs = 60_000;
const keepLimit = 1024;

/** What a PAC file needs. */
export interface PacParts {
  readonly openPac: (uri: string, functions: PacFunctions) => Promise<FindProxy>;
  readonly resolve: (host: string, signal: AbortSignal) => Promise<Resolution>;
}

/** Gives a function that asks the file at `uri`; loaded at the first question and every five minutes. */
export function createPac(
  parts: PacParts,
  uri: string,
): (request: DecisionRequest) => Promise<string> {
  const asking = new Map<string, number>(); // hosts under evaluation; only these may be looked up
  const functions = pacFunctions((host) => (asking.has(host) ? lookUp(parts, host) : undefined));
  const answers = new Map<string, { readonly answer: Promise<string>; readonly until: number }>();
  let loaded: { readonly find: Promise<FindProxy>; readonly until: number } | undefined;

  const load = (): Promise<FindProxy> => {
    if (loaded === undefined || loaded.until <= Date.now()) {
      const find = parts.openPac(uri, functions);
      const entry = { find, until: Date.now() + reloadMs };
      loaded = entry;
      find.catch(() => {
        if (loaded === entry) loaded = undefined; // tried again with the next question
      });
    }
    return loaded.find;
  };
  const evaluate = async (url: string, host: string): Promise<string> => {
    const find = await load();
    asking.set(host, (asking.get(host) ?? 0) + 1);
    try {
      return await find(url, host);
    } finally {
      const left = (asking.get(host) ?? 1) - 1;
      if (left > 0) asking.set(host, left);
      else asking.delete(host);
    }
  };
  return ({ destination: { protocol, host, kind, port }, listener }) => {
    const scheme = protocol === 'http' && listener === 'http' ? 'http' : 'https';
    const url = new URL(`${scheme}://${formatHostPort(host, kind, port)}/`).href;
    const known = answers.get(url);
    if (known !== undefined && known.until > Date.now()) return known.answer;
    const answer = evaluate(url, host);
    answers.delete(url);
    answers.set(url, { answer, until: Date.now() + keepMs });
    const [oldest] = answers.keys();
    if (answers.size > keepLimit && oldest !== undefined) answers.delete(oldest);
    answer.catch(() => answers.delete(url));
    return answer;
  };
}

async function lookUp({ resolve }: PacParts, host: string): Promise<string | undefined> {
  const found = await resolve(host, AbortSignal.timeout(5000));
  return found.kind === 'addresses' ? found.addresses.find((one) => isIPv4(one)) : undefined;
}

/** The library's own versions of these look names up, print, or connect to a public server. */
function pacFunctions(
  lookUpAsked: (host: string) => Promise<string | undefined> | undefined,
): PacFunctions {
  const addressOf = async (host: string): Promise<string | undefined> =>
    isIPv4(host) ? host : await lookUpAsked(host);
  return {
    alert: () => undefined,
    dnsResolve: async (host: string) => (await addressOf(host)) ?? null,
    isResolvable: async (host: string) => (await addressOf(host)) !== undefined,
    isInNet: async (host: string, pattern: string, mask: string) => {
      const address = await addressOf(host);
      if (address === undefined || !isIPv4(pattern) || !isIPv4(mask)) return false;
      return (toNumber(address) & toNumber(mask)) === (toNumber(pattern) & toNumber(mask));
    },
    myIpAddress: async () => ownAddress(),
  };
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0);
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find((one) => one.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
}

const types: Readonly<Record<string, Parent['protocol']>> = {
  PROXY: 'http',
  HTTP: 'http',
  HTTPS: 'https',
  SOCKS: 'socks5',
  SOCKS5: 'socks5',
  SOCKS4: 'socks4',
};

/** The first entry of an answer; nothing said is DIRECT; undefined: not to be understood. */
export function parsePacAnswer(answer: unknown): Parent | 'direct' | undefined {
  if (answer === null || answer === undefined || answer === '') return 'direct';
  if (typeof answer !== 'string') return undefined;
  const first = answer.split(';').find((one) => one.trim() !== '') ?? 'DIRECT';
  const [type = '', target = ''] = first.trim().split(/\s+/);
  if (type.toUpperCase() === 'DIRECT') return 'direct';
  const protocol = types[type.toUpperCase()];
  const [, hostText = '', portText = ''] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(target) ?? [];
  const host = parseHost(hostText);
  const port = parsePort(portText);
  if (protocol === undefined || !host.ok || !port.ok) return undefined;
  return { protocol, host: host.value.text, port: port.value, credentials: undefined };
}

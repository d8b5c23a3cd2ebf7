// Which upstream proxy (parent) a destination goes through: from the proxy variables the daemon itself
// was started with. It opens nothing. A setting that cannot be read closes the way out: going direct
// would be against the wish of whoever set it.
import { isIP } from 'node:net';
import type { DecisionRequest, Parent, Resolution } from '../policy/decision.ts';
import { parseHost } from '../policy/destination.ts';
import type { FindProxy, PacFunctions } from './dial.ts';
import { parseNoProxy } from './no-proxy.ts';
import { createPac, parsePacAnswer } from './pac.ts';

/** What the choice needs; all given by the daemon. */
export interface ParentsParts {
  /** The environment the daemon was started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly allowUpstreamProxy: boolean;
  /** Ports of our own listeners; asked each time, since they are known only once bound. */
  readonly ownPorts: () => ReadonlySet<number>;
  /** Told once of each thing wrong with the settings; never with credentials in it. */
  readonly warn: (text: string) => void;
  /** Loads a PAC file: `openPac` of dial.ts with the daemon's roots. */
  readonly openPac: (uri: string, functions: PacFunctions) => Promise<FindProxy>;
  /** Looks up the host a PAC file is asked about, and a parent's own name. */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<Resolution>;
}

/** The parents in force. */
export interface Parents {
  /** The parent for a request the policy allows; undefined: direct. Never rejects. */
  readonly parentFor: (request: DecisionRequest) => Promise<Parent | undefined>;
  /** For people, without credentials; undefined when nothing is set. */
  readonly describe: () => string | undefined;
}

/** Stands for a setting that cannot be used: every dial through it fails with ERR_PARENT_FAILED. */
export const brokenParent: Parent = {
  protocol: 'http',
  host: 'invalid',
  port: 0,
  credentials: undefined,
};

type Setting =
  | { readonly kind: 'parent'; readonly parent: Parent }
  | { readonly kind: 'pac'; readonly find: (request: DecisionRequest) => Promise<string> };

const schemes: Readonly<Record<string, readonly [Parent['protocol'], number]>> = {
  'http:': ['http', 80],
  'https:': ['https', 443],
  'socks:': ['socks5', 1080],
  'socks5:': ['socks5', 1080],
  'socks5h:': ['socks5', 1080],
  'socks4:': ['socks4', 1080],
  'socks4a:': ['socks4', 1080],
};

/** Reads the settings once. */
export function createParents(parts: ParentsParts): Parents {
  if (!parts.allowUpstreamProxy) {
    return { parentFor: () => Promise.resolve(undefined), describe: () => undefined };
  }
  const { env } = parts;
  const known = new Map<string, Setting>(); // one PAC file in two variables is loaded once
  const read = (name: string): Setting | undefined => {
    const text = (env[name.toLowerCase()] || env[name.toUpperCase()] || '').trim();
    if (text === '') return undefined;
    const setting = known.get(text) ?? parseSetting(parts, name, text);
    known.set(text, setting);
    return setting;
  };
  const all = read('ALL_PROXY');
  const plain = read('HTTP_PROXY') ?? all;
  const tunnel = read('HTTPS_PROXY') ?? all;
  const isExempt = parseNoProxy(env['no_proxy'] || env['NO_PROXY'] || '');
  const isOurs = createLoopCheck(parts);
  return {
    describe: () =>
      plain === undefined && tunnel === undefined
        ? undefined
        : `http: ${describe(plain)}, tunnels: ${describe(tunnel)}`,
    async parentFor(request) {
      const { destination, listener } = request;
      const isPlain = destination.protocol === 'http' && listener === 'http';
      const setting = isPlain ? plain : tunnel;
      // The parent's loopback is another machine's; ours is refused or allowed by the gate.
      if (setting === undefined || isLoopback(destination.host) || isExempt(destination)) {
        return undefined;
      }
      const parent =
        setting.kind === 'parent' ? setting.parent : await askPac(setting.find, request);
      return parent === undefined || (await isOurs(parent)) ? undefined : parent;
    },
  };
}

async function askPac(
  find: (request: DecisionRequest) => Promise<string>,
  request: DecisionRequest,
): Promise<Parent | undefined> {
  try {
    const answer = parsePacAnswer(await find(request));
    return answer === 'direct' ? undefined : (answer ?? brokenParent);
  } catch {
    return brokenParent; // not loaded or not evaluated: closed, never direct
  }
}

function parseSetting(parts: ParentsParts, name: string, text: string): Setting {
  if (/^pac\+(https?|file):/i.test(text)) return { kind: 'pac', find: createPac(parts, text) };
  const parent = parseParent(text);
  if (parent === undefined) {
    parts.warn(
      `${name}: not a usable proxy address, so nothing is let out through it; write it as http://host:port`,
    );
  }
  return { kind: 'parent', parent: parent ?? brokenParent };
}

/** Reads `[scheme://][user:password@]host[:port]`; without a scheme it is http, as curl has it. */
export function parseParent(text: string): Parent | undefined {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  const scheme = url === null ? undefined : schemes[url.protocol];
  if (url === null || scheme === undefined || url.search !== '' || url.hash !== '')
    return undefined;
  const host = parseHost(url.hostname);
  const credentials = readCredentials(url);
  if (!host.ok || credentials === 'bad' || !/^\/?$/.test(url.pathname)) return undefined;
  const port = url.port === '' ? scheme[1] : Number(url.port);
  if (port === 0) return undefined;
  return { protocol: scheme[0], host: host.value.text, port, credentials: credentials?.text };
}

/** A name with a colon would be another name (RFC 7617 §2), and a NUL would end its field of SOCKS4 early. */
function readCredentials(url: URL): { readonly text: string } | undefined | 'bad' {
  if (url.username === '' && url.password === '') return undefined;
  try {
    const name = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    const isUsable = !name.includes(':') && [name, password].every(isCredential);
    return isUsable ? { text: `${name}:${password}` } : 'bad';
  } catch {
    return 'bad';
  }
}

/** RFC 1929 bounds name and password to 255 bytes each; RFC 7617 allows no control characters. */
function isCredential(text: string): boolean {
  return Buffer.byteLength(text) <= 255 && !/\p{Cc}/u.test(text);
}

/** True for a parent that is one of our own listeners, by its resolved address; told once. */
function createLoopCheck({
  ownPorts,
  resolve,
  warn,
}: ParentsParts): (parent: Parent) => Promise<boolean> {
  let told = false;
  return async ({ host, port }) => {
    if (!ownPorts().has(port)) return false;
    const isName = isIP(host) === 0 && !isLoopback(host);
    const found = isName ? await resolve(host, AbortSignal.timeout(5000)) : undefined;
    const addresses = found?.kind === 'addresses' ? found.addresses : [host];
    if (!addresses.some(isLoopback)) return false;
    if (!told) warn(`the proxy setting names sallyport itself (port ${port}) and is ignored`);
    told = true;
    return true;
  };
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return host === '::1' || host === '::' || host === '0.0.0.0' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function describe(setting: Setting | undefined): string {
  if (setting === undefined) return 'direct';
  if (setting.kind === 'pac') return 'by PAC file';
  const { protocol, host, port } = setting.parent;
  if (port === 0) return 'closed, the setting is not usable';
  return `${protocol}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

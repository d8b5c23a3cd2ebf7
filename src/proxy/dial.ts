// Permit -> connected socket. The only file that opens upstream connections: to exactly the permit's
// addresses, or to the upstream proxy (parent) and through it by name. A destination's name is never
// looked up here; only a parent's own name is, by the function that is passed in.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { proxies } from 'proxy-agent';
import { SocksClient, type SocksClientOptions } from 'socks';
import { SallyportError } from '../errors.ts';
import { type Destination, formatHostPort } from '../policy/destination.ts';
import type { Parent, Permit, Resolution } from '../policy/decision.ts';
import { connectFailure, lookupFailure, tlsFailure } from './dial-errors.ts';
import { race } from './race.ts';

/** What a dialer may be given; everything has a default but `resolve`, which only parents need. */
export interface DialerOptions {
  /** Limit for a whole dial, the parent's handshake and TLS included, in milliseconds. Default 10,000. */
  readonly dialMs?: number;
  /** RFC 8305 connection attempt delay, in milliseconds. Default 250. */
  readonly staggerMs?: number;
  /** PEM certificates trusted besides the system's roots. */
  readonly ca?: readonly string[];
  /** Looks up a parent's own name (never a destination's). Without it a parent must be an address. */
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<Resolution>;
}

/** How the server of a TLS connection is to prove itself. */
export interface TlsTarget {
  /** Name or address the certificate must be for. */
  readonly servername: string;
  /** Protocols offered by ALPN (RFC 7301), preferred first. */
  readonly alpn?: readonly string[];
}

/** Opens what a permit permits; every failure is a SallyportError. */
export interface Dialer {
  /**
   * A connected socket: half-open allowed, no delay, keep-alive, not flowing, early bytes kept, with
   * an `error` listener. A plain HTTP request through an http(s) parent gets a socket to the parent
   * itself, see `goesAbsolute`. Rejects with ERR_UPSTREAM_*, ERR_DNS_*, ERR_PARENT_FAILED, and
   * ERR_CLIENT_GONE when the signal is aborted, which frees everything at once.
   */
  readonly dial: (permit: Permit, signal: AbortSignal) => Promise<net.Socket>;
  /** Like `dial`, but always end to end, also for a plain HTTP request through an http(s) parent. */
  readonly dialTunnel: (permit: Permit, signal: AbortSignal) => Promise<net.Socket>;
  /** TLS over `dialTunnel`; the certificate is verified whatever the environment says. */
  readonly dialTls: (
    permit: Permit,
    target: TlsTarget,
    signal: AbortSignal,
  ) => Promise<tls.TLSSocket>;
  /**
   * Reads the trusted roots now, which else the first TLS connection waits for. Stands in everybody's way for some
   * 100 ms and keeps 6 MiB, once: to be called when nobody waits.
   */
  readonly warmUp: () => void;
}

interface Wiring {
  readonly race: (
    addresses: readonly string[],
    port: number,
    signal: AbortSignal,
  ) => Promise<net.Socket>;
  readonly resolve: NonNullable<DialerOptions['resolve']>;
  readonly trust: () => tls.SecureContext;
  readonly limitMs: number;
}

/**
 * True when `dial` gives a socket to the http(s) parent itself, on which the request is written in
 * absolute form with Proxy-Authorization (RFC 9112 §3.2.2): many parents refuse CONNECT to port 80.
 */
export function goesAbsolute({ request, route }: Permit): boolean {
  if (route.via !== 'parent' || request.listener !== 'http') return false;
  if (request.destination.protocol !== 'http' || request.form !== 'request') return false;
  return route.parent.protocol === 'http' || route.parent.protocol === 'https';
}

/** The value of Proxy-Authorization for this parent (RFC 7617), or undefined; never to be logged. */
export function parentAuthorization({ credentials }: Parent): string | undefined {
  return credentials === undefined
    ? undefined
    : `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`;
}

/** Makes a dialer; it keeps no connections of its own. */
export function createDialer(options: DialerOptions = {}): Dialer {
  const limitMs = options.dialMs ?? 10_000;
  const wiring: Wiring = {
    limitMs,
    trust: createTrust(options.ca ?? []),
    resolve: options.resolve ?? noResolver,
    race: (addresses, port, signal) =>
      race(addresses, {
        open: (address) => openSocket(address, port),
        staggerMs: options.staggerMs ?? 250,
        signal,
      }),
  };
  return {
    dial: (permit, signal) =>
      within(limitMs, signal, permit, (inner) =>
        open(wiring, permit, inner, !goesAbsolute(permit)),
      ),
    dialTunnel: (permit, signal) =>
      within(limitMs, signal, permit, (inner) => open(wiring, permit, inner, true)),
    dialTls: (permit, target, signal) =>
      within(limitMs, signal, permit, async (inner) => {
        const socket = await open(wiring, permit, inner, true);
        try {
          return await secure(socket, target, wiring.trust(), inner);
        } catch (error) {
          throw tlsFailure(error, whereOf(permit.request.destination), false);
        }
      }),
    warmUp: () => void wiring.trust(),
  };
}

/** Answers `FindProxyForURL(url, host)` of a PAC file, such as `PROXY p.example:3128; DIRECT`. */
export type FindProxy = (url: string, host: string) => Promise<string>;
/** Functions that stand in a PAC file's sandbox instead of the library's. */
export type PacFunctions = Readonly<Record<string, (...args: never[]) => unknown>>;

/**
 * Loads a PAC file (`pac+http:`, `pac+https:` or `pac+file:` address) into proxy-agent's sandbox, an
 * interpreter of its own without access to us. Only the file's answer is used: the library never
 * connects for us. Rejects when the file cannot be had or read within `limitMs`.
 */
export async function openPac(
  uri: string,
  options: {
    readonly functions: PacFunctions;
    readonly ca: readonly string[];
    readonly limitMs: number;
  },
): Promise<FindProxy> {
  const Agent = await proxies['pac+http'][0]();
  const settings: object = {
    sandbox: { ...options.functions },
    rejectUnauthorized: true,
    ca: [...tls.getCACertificates('default'), ...tls.getCACertificates('system'), ...options.ca],
    signal: AbortSignal.timeout(options.limitMs),
  };
  const agent: unknown = new Agent(uri, settings);
  return (agent as { getResolver: () => Promise<FindProxy> }).getResolver(); // a PacProxyAgent
}

/** Runs one dial under its deadline and the client's signal, and puts failures into our words. */
async function within<T>(
  limitMs: number,
  signal: AbortSignal,
  { request, route }: Permit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const where = whereOf(request.destination);
  const control = new AbortController();
  const stop = (code: 'ERR_CLIENT_GONE' | 'ERR_UPSTREAM_TIMEOUT', words: string): void =>
    control.abort(new SallyportError(code, `${where}: ${words}`));
  const leave = (): void => stop('ERR_CLIENT_GONE', 'the client left before the connection stood');
  const timer = setTimeout(() => {
    stop('ERR_UPSTREAM_TIMEOUT', `no connection within ${limitMs / 1000} s`);
  }, limitMs);
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await work(control.signal);
  } catch (error) {
    const told = control.signal.aborted ? control.signal.reason : error;
    throw connectFailure(told, where, route.via === 'parent');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

function open(
  wiring: Wiring,
  permit: Permit,
  signal: AbortSignal,
  whole: boolean,
): Promise<net.Socket> {
  const { request, route } = permit;
  switch (route.via) {
    case 'direct':
      return wiring.race(route.addresses, request.destination.port, signal);
    case 'parent':
      return openThrough(wiring, route.parent, request.destination, signal, whole);
    case 'nowhere':
      return Promise.reject(lookupFailure(route.failure, request.destination.host));
    default:
      return route satisfies never;
  }
}

/** Everything that may be dialled is an address: a name here would be looked up behind the gate's back. */
function openSocket(address: string, port: number): net.Socket {
  if (net.isIP(address) === 0) throw new TypeError(`not an address: ${address}`);
  return net.connect({
    host: address,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  });
}

async function openThrough(
  wiring: Wiring,
  parent: Parent,
  destination: Destination,
  signal: AbortSignal,
  whole: boolean,
): Promise<net.Socket> {
  // parent.ts hands out port 0 for a proxy setting it could not read: closed, never around it.
  if (parent.port === 0) throw parentFailure('its address is not usable; mend the proxy setting');
  const addresses = await parentAddresses(wiring, parent, signal);
  let socket = await wiring.race(addresses, parent.port, signal);
  if (parent.protocol === 'https') socket = await secureParent(wiring, socket, parent, signal);
  if (!whole) return socket;
  try {
    return parent.protocol === 'socks4' || parent.protocol === 'socks5'
      ? await throughSocks(socket, parent, destination, signal, wiring.limitMs)
      : await throughConnect(socket, parent, destination, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function parentAddresses(
  wiring: Wiring,
  parent: Parent,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (net.isIP(parent.host) !== 0) return [parent.host];
  const resolution = await wiring.resolve(parent.host, signal);
  signal.throwIfAborted();
  if (resolution.kind === 'addresses') return resolution.addresses;
  throw parentFailure('its name does not resolve');
}

async function secureParent(
  wiring: Wiring,
  socket: net.Socket,
  parent: Parent,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  try {
    const target = { servername: parent.host, alpn: ['http/1.1'] };
    return await secure(socket, target, wiring.trust(), signal);
  } catch (error) {
    throw tlsFailure(error, 'the upstream proxy', true);
  }
}

/**
 * One CONNECT (RFC 9110 §9.3.6) on a socket to the parent. Node's own reader is used and not
 * https-proxy-agent, which drops what arrives together with the 200.
 */
async function throughConnect(
  socket: net.Socket,
  parent: Parent,
  destination: Destination,
  signal: AbortSignal,
): Promise<net.Socket> {
  const authority = whereOf(destination);
  const authorization = parentAuthorization(parent);
  const request = http.request({
    createConnection: () => socket,
    method: 'CONNECT',
    path: authority,
    setHost: false,
    maxHeaderSize: 65_536,
    headers: {
      Host: authority,
      Connection: 'keep-alive',
      ...(authorization !== undefined && { 'Proxy-Authorization': authorization }),
    },
  });
  request.on('error', ignore); // `once` lets go when it is aborted, and the error comes after that
  request.end();
  const [response, , early] = (await once(request, 'connect', { signal })) as [
    http.IncomingMessage,
    net.Socket,
    Buffer,
  ];
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw parentFailure(`it answered CONNECT with ${status}`);
  if (early.length > 0) socket.unshift(early);
  return socket;
}

/** SOCKS4a or SOCKS5 (RFC 1928) by name on a socket to the parent. */
async function throughSocks(
  socket: net.Socket,
  parent: Parent,
  { host, port }: Destination,
  signal: AbortSignal,
  limitMs: number,
): Promise<net.Socket> {
  const client = new SocksClient({
    command: 'connect',
    proxy: { host: parent.host, port: parent.port, ...socksIdentity(parent) },
    destination: { host, port },
    timeout: limitMs,
  });
  const stop = (): void => void socket.destroy(); // the client tells of it as an error
  signal.addEventListener('abort', stop, { once: true });
  socket.once('end', stop); // half-open is allowed, so that a parent's FIN alone would leave us waiting
  try {
    return await new Promise<net.Socket>((resolve, reject) => {
      // The error carries the options, credentials included: only its text goes on.
      client.once('error', ({ message }) => reject(parentFailure(`SOCKS: ${message}`)));
      client.once('established', (info) => {
        // One turn later the client emits bytes that came early and makes the socket flow, whether
        // or not anybody listens yet. It gets a stand-in for that, and the bytes are put back.
        const catcher = new net.Socket();
        catcher.once('data', (early: Buffer) => socket.unshift(early));
        info.socket = catcher;
        setImmediate(() => {
          catcher.destroy();
          socket.readableFlowing = null; // as node:http leaves a socket: not paused by anybody
          resolve(socket);
        });
      });
      client.connect(socket);
    });
  } finally {
    signal.removeEventListener('abort', stop);
    socket.off('end', stop);
  }
}

function socksIdentity({
  protocol,
  credentials,
}: Parent): Pick<SocksClientOptions['proxy'], 'type' | 'userId' | 'password'> {
  const type = protocol === 'socks4' ? 4 : 5;
  if (credentials === undefined) return { type };
  const colon = credentials.indexOf(':');
  if (colon < 0) return { type, userId: credentials };
  return { type, userId: credentials.slice(0, colon), password: credentials.slice(colon + 1) };
}

/** TLS over an open socket. Rejects with the handshake's own error; both sockets are then gone. */
async function secure(
  socket: net.Socket,
  { servername, alpn }: TlsTarget,
  secureContext: tls.SecureContext,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const secured = tls.connect({
    socket,
    host: servername, // what the certificate is checked for; SNI takes names only (RFC 6066 §3)
    ...(net.isIP(servername) === 0 && { servername }),
    ...(alpn !== undefined && { ALPNProtocols: [...alpn] }),
    secureContext,
    rejectUnauthorized: true, // said here, so that NODE_TLS_REJECT_UNAUTHORIZED has no say
  });
  secured.on('error', ignore); // stays: whoever gets the socket may listen a moment later
  try {
    await once(secured, 'secureConnect', { signal });
    return secured;
  } catch (error) {
    secured.destroy();
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  }
}

/** The trusted roots, made once and late: reading some hundred certificates takes tens of milliseconds. */
function createTrust(extra: readonly string[]): () => tls.SecureContext {
  let context: tls.SecureContext | undefined;
  return () => {
    context ??= tls.createSecureContext({
      ca: [
        ...new Set([
          ...tls.getCACertificates('default'),
          ...tls.getCACertificates('system'),
          ...extra,
        ]),
      ],
      minVersion: 'TLSv1.2',
    });
    return context;
  };
}

function ignore(): void {}

function noResolver(): Promise<Resolution> {
  return Promise.resolve({ kind: 'failed', failure: 'dns_failed' });
}

function parentFailure(problem: string): SallyportError {
  return new SallyportError('ERR_PARENT_FAILED', `the upstream proxy: ${problem}`);
}

function whereOf({ host, kind, port }: Destination): string {
  return formatHostPort(host, kind, port);
}

// The HTTP/1.1 server that both HTTP doors stand on: strict framing, the limits of an untrusted client, and
// no upgrade but a WebSocket handshake. What is served is the doors' business.
import http, { type IncomingMessage } from 'node:http';
import { hasBody } from './door.ts';

const headLimitBytes = 64 * 1024;
const headTimeoutMs = 30_000;
const checkIntervalMs = 5_000;
// Long, since a kept connection that is dropped without notice makes yarn classic fail; Node also says
// it to the client as `Keep-Alive: timeout=…`.
const keepAliveMs = 600_000;

/** A server that is not listening yet and has no listeners of ours. */
export function createStrictServer(): http.Server {
  const server = http.createServer({
    insecureHTTPParser: false,
    maxHeaderSize: headLimitBytes,
    headersTimeout: headTimeoutMs,
    connectionsCheckingInterval: checkIntervalMs,
    requestTimeout: 0, // an upload may take as long as it takes
    keepAliveTimeout: keepAliveMs,
    requireHostHeader: false, // checked by us, so that it is recorded
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    shouldUpgradeCallback: isWebSocket,
  });
  server.maxHeadersCount = 0; // Node would cut the list silently; 64 KiB is the bound
  return server;
}

/**
 * True for the one upgrade that is served: a WebSocket handshake in a GET without a body. Every other Upgrade
 * is ignored, as RFC 9110 §7.8 allows, and its request served as if it were not there.
 */
export function isWebSocket(message: IncomingMessage): boolean {
  return (
    message.method === 'GET' &&
    message.httpVersion === '1.1' &&
    message.headers.upgrade?.toLowerCase() === 'websocket' &&
    !hasBody(message)
  );
}

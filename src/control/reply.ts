// Writes what a route gives back: JSON, a file of the page, or an event stream that stays open.
import type { ServerResponse } from 'node:http';
import type { ErrorResponse } from './messages.ts';
import type { ControlReply, Refused, StaticFile, StreamOut } from './route.ts';

/** On every answer. No CORS field, ever: a foreign page may neither send nor read. */
const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** On the page's own files: its code and styles come from here, it talks to here, and to nobody else. */
const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types sallyport',
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy':
    'camera=(), clipboard-read=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), payment=(), serial=(), usb=()',
} as const;

/** Answers the request; of a stream that stays open `onStream` is told, to end it when the daemon stops. */
export function writeReply(
  response: ServerResponse,
  reply: ControlReply,
  onStream: (response: ServerResponse) => void,
): void {
  if (response.destroyed) return;
  if ('stream' in reply) {
    onStream(response);
    writeStream(response, reply.stream);
  } else if ('file' in reply) writeFile(response, reply.file);
  else if ('refused' in reply) writeRefusal(response, reply.refused);
  else writeJson(response, 200, reply.body);
}

function writeJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  more: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...securityHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...more,
  });
  response.end(text);
}

function writeRefusal(response: ServerResponse, { status, code, message }: Refused): void {
  const body: ErrorResponse = { error: { code, message } };
  writeJson(response, status, body, {
    // The rest of the request may be unread: the connection is not used again.
    connection: 'close',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : undefined),
  });
}

function writeFile(response: ServerResponse, { type, bytes }: StaticFile): void {
  response.writeHead(200, {
    ...securityHeaders,
    ...pageHeaders,
    'content-type': type,
    'content-length': bytes.length,
  });
  response.end(bytes);
}

function writeStream(response: ServerResponse, begin: (out: StreamOut) => () => void): void {
  response.writeHead(200, {
    ...securityHeaders,
    'content-type': 'text/event-stream; charset=utf-8',
    connection: 'close', // when it ends there is nothing more to ask here
  });
  const end = begin({
    write: (text) => void response.write(text), // how much lies unsent is the feed's to judge
    unsentBytes: () => response.writableLength,
    cut: () => response.destroy(),
  });
  if (response.destroyed) end();
  else response.once('close', end);
}

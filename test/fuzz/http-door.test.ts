// Whatever comes in at the HTTP door, what goes out to an origin is canonical: one reading only, one
// request for each permit, to the host that was permitted. So no request can be smuggled past the gate.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { connectRaw, openDoor, permitFor, refusalOf, type Door } from '../support/http-door.ts';
import { startTcpOrigin, type Origin } from '../support/origin.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? '300');
const corpus = JSON.parse(
  readFileSync(join(import.meta.dirname, 'corpus', 'http-door.json'), 'utf8'),
) as readonly string[];

/** Reads one canonical request off the front; undefined while it is not whole; throws when it is anything else. */
function readCanonical(text: string, host: string): { readonly rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [line, ...fields] = text.slice(0, end).split('\r\n');
  assert.match(line ?? '', /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ \/[\x21-\x7e\x80-\xff]* HTTP\/1\.1$/);
  const framing: string[] = [];
  const hosts: string[] = [];
  for (const field of fields) {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\t\x20-\x7e\x80-\xff]*)$/.exec(field);
    assert.ok(match, `not a field: ${JSON.stringify(field)}`);
    const name = (match[1] ?? '').toLowerCase();
    assert.doesNotMatch(name, /^(?:proxy-.*|te|upgrade|keep-alive|expect|trailer)$/);
    if (name === 'host') hosts.push(match[2] ?? '');
    if (name === 'content-length' || name === 'transfer-encoding')
      framing.push(`${name}=${match[2] ?? ''}`);
  }
  assert.deepEqual(hosts, [host]);
  assert.ok(framing.length <= 1, `two framings: ${framing.join(' ')}`);
  return skipBody(text.slice(end + 4), framing[0]);
}

function skipBody(
  text: string,
  framing: string | undefined,
): { readonly rest: string } | undefined {
  if (framing === undefined) return { rest: text };
  if (framing === 'transfer-encoding=chunked') return skipChunks(text);
  const length = /^content-length=(0|[1-9]\d*)$/.exec(framing)?.[1];
  assert.ok(length !== undefined, framing);
  return text.length < Number(length) ? undefined : { rest: text.slice(Number(length)) };
}

function skipChunks(text: string): { readonly rest: string } | undefined {
  let at = 0;
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const size = text.slice(at, end);
    assert.match(size, /^(?:0|[1-9a-f][0-9a-f]*)$/);
    at = end + 2 + Number.parseInt(size, 16);
    if (text.length < at + 2) return undefined;
    assert.equal(text.slice(at, at + 2), '\r\n');
    at += 2;
    if (size === '0') return { rest: text.slice(at) };
  }
}

const part = fc.constantFrom(
  'GET ', 'POST ', 'PUT ', 'HEAD ', 'OPTIONS ', 'CONNECT ', 'http://HOST/', 'http://HOST/a?b', 'http://no.test/', '/', '*', 'ws://HOST/',
  'HOST', ' HTTP/1.1\r\n', ' HTTP/1.0\r\n', ' HTTP/2.0\r\n', '\r\n', '\r\n\r\n', '\n', '\r', '\0', ' ', '\t', ':', ',', ';', '@', '#', '\xe9',
  'Host: HOST\r\n', 'Host: no.test\r\n', 'host:HOST\r\n', 'Content-Length: 3\r\n', 'Content-Length: 0\r\n', 'Content-Length: 30\r\n',
  'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n', 'Connection: close\r\n', 'Connection: Host, Content-Length\r\n',
  'Connection: Transfer-Encoding\r\n', 'Expect: 100-continue\r\n', 'Upgrade: websocket\r\n', 'Connection: Upgrade\r\n', 'X: y\r\n', ' folded\r\n',
  'Proxy-Authorization: x\r\n', 'TE: trailers\r\n', 'Trailer: X\r\n', 'abc', '3\r\nabc\r\n', '0\r\n\r\n', '0\r\nX: y\r\n\r\n', '3;a=b\r\nabc\r\n', 'ffffffffffffffff\r\n',
  'GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n',
  'GET http://no.test/smuggled HTTP/1.1\r\nHost: no.test\r\n\r\n',
  'POST http://HOST/p HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc',
  'POST http://HOST/c HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n',
); // prettier-ignore

const head = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'FOO'),
    fc.constantFrom('http://HOST/', 'http://HOST', 'http://HOST/?q', 'http://no.test/', '/'),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0'),
    fc.array(part, { maxLength: 4 }),
    fc.array(part, { maxLength: 4 }),
  )
  .map(
    ([method, target, version, fields, body]) =>
      `${method} ${target} ${version}\r\nHost: HOST\r\n${fields.join('')}\r\n${body.join('')}`,
  );

const whole = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'FOO'),
    fc.array(
      fc.constantFrom('X: y\r\n', 'Connection: Host, Content-Length\r\n', 'TE: trailers\r\n'),
    ),
    fc.constantFrom(
      '\r\n',
      'Content-Length: 3\r\n\r\nabc',
      'Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nHost: no.test\r\n\r\n',
    ),
  )
  .map(
    ([method, fields, rest]) =>
      `${method} http://HOST/ HTTP/1.1\r\nHost: HOST\r\n${fields.join('')}${rest}`,
  );

const input = fc
  .array(fc.oneof(part, head, whole, whole), { maxLength: 6 })
  .map((parts) => parts.join(''));

describe('the HTTP door, whatever it is sent', () => {
  let origin: Origin;
  let door: Door;
  let host = '';
  let answered = 0;
  let permitted = 0;
  const faults: unknown[] = [];

  before(async () => {
    origin = await startTcpOrigin((socket) => {
      let text = '';
      socket.on('end', () => socket.end());
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        try {
          for (
            let read = readCanonical(text, host);
            read !== undefined;
            read = readCanonical(text, host)
          ) {
            text = read.rest;
            answered += 1;
            socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          }
        } catch (error) {
          faults.push(error);
          socket.destroy();
        }
      });
    });
    host = `127.0.0.1:${origin.port}`;
    door = await openDoor({
      decide: async (request) => {
        if (request.form !== 'request' || request.destination.host !== '127.0.0.1') {
          return refusalOf(request, 'not_allowed');
        }
        permitted += 1;
        return permitFor(request);
      },
    });
  });
  after(async () => {
    await door.close();
    await origin.idle(); // a descriptor left behind would keep this waiting
    await origin.close();
  });

  /** Sends it all, lets everything turn for a while, and leaves. */
  async function exercise(text: string): Promise<void> {
    const client = await connectRaw(door.port, text.replaceAll('HOST', host));
    const gone = client.gone().then(() => true);
    for (let turn = 0; turn < 25 || (turn < 500 && door.live.count > 0); turn += 1) {
      const next = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
      if (await Promise.race([gone, next])) break;
    }
    client.socket.destroy();
    assert.deepEqual(faults, []);
    assert.deepEqual(door.bugs, []);
    assert.ok(answered <= permitted, `${answered} requests went out on ${permitted} permits`);
  }

  it('sends out canonical requests only, one for each permit', async () => {
    await fc.assert(fc.asyncProperty(input, exercise), { numRuns: runs });
    assert.ok(answered > runs / 20, `only ${answered} requests got through: nothing was tried`);
  });

  for (const [index, text] of corpus.entries()) {
    it(`holds for kept input ${index + 1}`, () => exercise(text));
  }
});

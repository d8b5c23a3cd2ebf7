import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { hasBody, readDestination, refuseMalformed, requestFor } from '../../../src/proxy/door.ts';
import type { Malformed } from '../../../src/policy/decision.ts';
import type { DoorParts } from '../../../src/proxy/door.ts';

function messageWith(rawHeaders: readonly string[], method = 'GET'): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  message.method = method;
  message.httpVersion = '1.1';
  message.rawHeaders = [...rawHeaders];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    message.headers[(rawHeaders[index] ?? '').toLowerCase()] = rawHeaders[index + 1];
  }
  return message;
}

function partsThat(onMalformed: DoorParts['onMalformed']): DoorParts {
  const unused = (): never => assert.fail('not used');
  const live = {
    open: unused,
    rejudge: unused,
    closeGrant: unused,
    closeQuestion: unused,
    closeAll: unused,
    count: 0,
  };
  return { gate: unused, dial: unused, live, onMalformed };
}

describe('readDestination', () => {
  it('normalises the authority of the target', () => {
    const message = messageWith(['Host', 'EXAMPLE.test.:0443'], 'CONNECT');
    const authority = { host: 'Example.TEST.', port: '0443' };
    assert.deepEqual(readDestination(message, 'https_connect', authority), {
      ok: true,
      value: { protocol: 'https_connect', host: 'example.test', kind: 'name', port: 443 },
    });
  });

  it('takes port 80 where a plain target has none', () => {
    const message = messageWith(['Host', 'a.test']);
    assert.deepEqual(readDestination(message, 'http', { host: 'a.test', port: undefined }), {
      ok: true,
      value: { protocol: 'http', host: 'a.test', kind: 'name', port: 80 },
    });
  });

  for (const [name, authority, fields] of [
    ['a Host that differs', { host: 'a.test', port: undefined }, ['Host', 'b.test']],
    ['a host that is none', { host: '1.2.3', port: undefined }, ['Host', '1.2.3']],
    ['a port that is none', { host: 'a.test', port: '0' }, ['Host', 'a.test:0']],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.equal(readDestination(messageWith(fields), 'http', authority).ok, false);
    });
  }
});

describe('requestFor', () => {
  it('asks with what was read and where it came from', () => {
    const destination = { protocol: 'http', host: 'a.test', kind: 'name', port: 80 } as const;
    const message = messageWith([], 'POST');
    message.url = 'http://a.test/items?all';
    const asked = {
      destination,
      listener: 'http',
      method: 'POST',
      client: { address: '', port: 0, localPort: 0 },
    };
    assert.deepEqual(requestFor(message, destination, 'request'), {
      ...asked,
      form: 'request',
      target: 'http://a.test/items?all',
    });
    assert.deepEqual(requestFor(message, destination, 'tunnel'), { ...asked, form: 'tunnel' });
  });
});

describe('refuseMalformed', () => {
  const cases = [
    { target: 'http://me:pw@a.test:99/secret?q', text: 'a.test:99' },
    { target: 'me:pw@a.test:443', text: 'a.test:443' },
    { target: '/secret', text: '' },
    { target: 'a.test', text: 'a.test' },
    { target: 'http://a.test\\@b.test/', text: 'a.test' },
    { target: '', text: '' },
  ];
  for (const { target, text } of cases) {
    it(`records of ${JSON.stringify(target)} the authority alone`, async () => {
      const seen: Malformed[] = [];
      const parts = partsThat(async (info) => void seen.push(info));
      const answer = await refuseMalformed(parts, new Socket(), 'it is odd', target);
      assert.equal(answer.status, 400);
      assert.deepEqual(seen, [
        {
          listener: 'http',
          client: { address: '', port: 0, localPort: 0 },
          what: 'it is odd',
          text,
        },
      ]);
    });
  }

  it('still answers 400 when the record cannot be written', async () => {
    const parts = partsThat(() => Promise.reject(new Error('disk full')));
    const answer = await refuseMalformed(parts, new Socket(), 'it is odd', 'a');
    assert.equal(answer.status, 400);
  });
});

describe('hasBody', () => {
  const cases = [
    { name: 'no framing', fields: [], want: false },
    { name: 'length 0', fields: ['Content-Length', '0'], want: false },
    { name: 'a length', fields: ['Content-Length', '1'], want: true },
    { name: 'chunks', fields: ['Transfer-Encoding', 'chunked'], want: true },
  ];
  for (const { name, fields, want } of cases) {
    it(`says ${want} for ${name}`, () => assert.equal(hasBody(messageWith(fields)), want));
  }
});

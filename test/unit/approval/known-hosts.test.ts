import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { knownHost, knownHostNames } from '../../../src/approval/known-hosts.ts';
import { parseHost } from '../../../src/policy/destination.ts';

describe('knownHost', () => {
  const cases = [
    ['github.com', 'code hosting; anybody can upload', false],
    ['api.github.com', 'code hosting; anybody can upload', false],
    ['gist.github.com', 'paste site: anybody can read what is sent', true],
    [['registry', 'npmjs', 'org'].join('.'), 'package registry; uploads possible', false],
    ['api.openai.com', 'model service; prompts and files are sent there', false],
    ['abc.ngrok-free.app', 'tunnel service: data leaves to whoever runs the other end', true],
    [
      'webhook.site',
      'webhook catcher: records whatever is sent, for whoever made the address',
      true,
    ],
    [
      'bucket.s3.amazonaws.com',
      'cloud services and storage of any customer; uploads possible',
      false,
    ],
  ] as const;
  for (const [host, about, isRisky] of cases) {
    it(`knows what ${host} is for`, () => assert.deepEqual(knownHost(host), { about, isRisky }));
  }
  for (const host of ['example.com', 'notgithub.com', 'github.com.evil.test', 'com', '192.0.2.1']) {
    it(`knows nothing of ${host}`, () => assert.equal(knownHost(host), undefined));
  }
});

describe('knownHostNames', () => {
  it('lists some hundreds of canonical names', () => {
    const names = [...knownHostNames()];
    assert.ok(names.length > 350, String(names.length));
    const odd = names.filter((name) => {
      const host = parseHost(name);
      return !host.ok || host.value.text !== name || !name.includes('.');
    });
    assert.deepEqual(odd, []);
  });
});

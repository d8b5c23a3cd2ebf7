import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { configuredAddress } from '../../../src/cli/configured-address.ts';
import { makeFolder } from '../../support/command.ts';

function configure(t: TestContext, text: string): Readonly<Record<string, string>> {
  const file = join(makeFolder(t), 'config.toml');
  writeFileSync(file, text);
  return { SALLYPORT_CONFIG: file };
}

describe('configuredAddress', () => {
  it('gives the addresses of the configuration', (t) => {
    const env = configure(
      t,
      '[network]\nhttp_port = 5128\n[gateway]\nport = 5130\n[exec]\nno_proxy = "none"\n',
    );
    assert.deepEqual(configuredAddress(env), {
      http: 'http://127.0.0.1:5128',
      gateway: 'http://127.0.0.1:5130/v1',
      noProxy: 'none',
    });
  });

  it('gives no gateway that is off', (t) => {
    const env = configure(t, '[gateway]\nenabled = false\n');
    assert.deepEqual(configuredAddress(env), {
      http: 'http://127.0.0.1:4128',
      gateway: null,
      noProxy: 'local',
    });
  });

  it('cannot know an ephemeral port', (t) => {
    const env = configure(t, '[network]\nhttp_port = 0\n');
    const message =
      'http_port is 0, so the port is known only while the daemon runs; start it first';
    assert.throws(() => configuredAddress(env), { code: 'ERR_CONTROL_UNREACHABLE', message });
  });

  it('names every mistake by its place', (t) => {
    const env = configure(t, '[network]\nhttp_prt = 1\nmode = "half"\n');
    const file = env['SALLYPORT_CONFIG'] ?? '';
    assert.throws(
      () => configuredAddress(env),
      (error: Error & { code: string }) => {
        const places = error.message.split('\n').map((line) => line.split(': ')[0]);
        assert.deepEqual(
          [error.code, places],
          ['ERR_CONFIG_INVALID', [`${file}:2:1`, `${file}:3:8`]],
        );
        return true;
      },
    );
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createOpenCommand, openCommand, openerWords } from '../../../src/cli/open.ts';
import { makeFolder, recordIo, startStandIn } from '../../support/command.ts';

const url = 'http://127.0.0.1:4131/#code=abc';
const code = { url, expires: '2026-11-20T12:01:00.000Z' };

describe('open', () => {
  it('hands the address to the desktop and prints it nowhere', async (t) => {
    const daemon = await startStandIn(t, () => [200, code]);
    const io = recordIo(daemon.env);
    const opened: string[] = [];
    const command = createOpenCommand((address) => Promise.resolve(opened.push(address) > 0));
    assert.equal(await command.run([], io), 0);
    assert.deepEqual(opened, [url]);
    assert.deepEqual(io.written, { out: '', err: 'sallyport: the page opens in your browser\n' });
    assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/page-codes', body: {} }]);
  });

  it('prints the address where there is no desktop', async (t) => {
    const daemon = await startStandIn(t, () => [200, code]);
    const io = recordIo(daemon.env);
    assert.equal(await createOpenCommand(() => Promise.resolve(false)).run([], io), 0);
    assert.deepEqual(io.written, { out: `${url}\n`, err: '' });
  });

  it('opens nothing with --print or --json', async (t) => {
    const daemon = await startStandIn(t, () => [200, code]);
    const io = recordIo(daemon.env);
    const command = createOpenCommand(() => Promise.reject(new Error('opened')));
    assert.equal(await command.run(['--print'], io), 0);
    assert.equal(io.written.out, `${url}\n`);
    const json = recordIo(daemon.env);
    assert.equal(await command.run(['--json'], json), 0);
    assert.deepEqual(JSON.parse(json.written.out), code);
  });

  it('prints the address when the opener is not there', async (t) => {
    const daemon = await startStandIn(t, () => [200, code]);
    const io = recordIo({ ...daemon.env, PATH: '/nowhere', DISPLAY: ':9' });
    assert.equal(await openCommand.run([], io), 0);
    assert.equal(io.written.out, `${url}\n`);
  });

  it('prints the address when the desktop has no browser', async (t) => {
    const daemon = await startStandIn(t, () => [200, code]);
    const folder = makeFolder(t);
    writeFileSync(join(folder, 'xdg-open'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
    const io = recordIo({ ...daemon.env, PATH: folder, DISPLAY: ':9' });
    assert.equal(await openCommand.run([], io), 0);
    assert.equal(io.written.out, `${url}\n`);
  });

  it('says that the page needs the control port', async (t) => {
    const daemon = await startStandIn(t, () => [200, { ...code, url: null }]);
    await assert.rejects(openCommand.run([], recordIo(daemon.env)), {
      message: 'the page needs the control port, which is off; set [control] port and restart',
    });
  });

  it('takes no words', async () => {
    await assert.rejects(openCommand.run(['page'], recordIo()), { code: 'ERR_USAGE' });
  });
});

describe('openerWords', () => {
  const cases = [
    { platform: 'linux', env: { DISPLAY: ':0' }, want: ['xdg-open', url] },
    { platform: 'linux', env: { WAYLAND_DISPLAY: 'wayland-0' }, want: ['xdg-open', url] },
    { platform: 'linux', env: { DISPLAY: '' }, want: undefined },
    { platform: 'darwin', env: {}, want: ['open', url] },
    { platform: 'win32', env: {}, want: ['rundll32.exe', 'url.dll,FileProtocolHandler', url] },
  ] as const;
  for (const { platform, env, want } of cases) {
    it(`on ${platform} with ${JSON.stringify(env)}`, () =>
      assert.deepEqual(openerWords(url, env, platform), want));
  }
});

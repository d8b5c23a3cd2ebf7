// A new policy takes over whole, at once, without dropping what it still allows; a bad one changes nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { StatusResponse } from '../../src/control/messages.ts';
import { eventually, removeFolder, startSallyport, type RunningDaemon } from '../support/daemon.ts';
import { closed, connectThrough } from '../support/proxy-client.ts';

describe('reload', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  let origin: net.Server;
  let base = '';
  let port = 0;
  const write = (allowed: string, denied = ''): void =>
    writeFileSync(
      daemon.configFile,
      `[network]\nhttp_port = 0\nsocks_port = 0\nallowed_domains = [${allowed} "127.0.0.1:${port}"]\ndenied_domains = [${denied}]\n[gateway]\nport = 0\n[control]\nport = 0\n`,
    );
  const status = async (): Promise<StatusResponse> =>
    JSON.parse((await daemon.sallyport(['status', '--json'])).stdout) as StatusResponse;
  const changed = (from: string): Promise<string> =>
    eventually('a new policy version', async () => {
      const { policy } = await status();
      return policy.version === from ? undefined : policy.version;
    });

  before(async () => {
    origin = net.createServer((socket) => {
      socket.on('error', () => undefined); // tunnels are cut on purpose
      socket.pipe(socket);
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    port = (origin.address() as AddressInfo).port;
    base = `[network]\nallowed_domains = ["stays.test", "goes.test", "127.0.0.1:${port}"]\n`;
    daemon = await startSallyport({
      hosts: { 'stays.test': '127.0.0.1', 'goes.test': '127.0.0.1', 'new.test': '127.0.0.1' },
      config: base,
    });
  });
  after(async () => {
    await daemon.stop();
    origin.close();
    removeFolder(daemon.folder);
  });

  it('closes what the new policy denies, keeps the rest, and lets in what it allows', async () => {
    const stays = connectThrough(daemon.http, `stays.test:${port}`);
    const goes = connectThrough(daemon.http, `goes.test:${port}`);
    const held = connectThrough(daemon.http, `new.test:${port}`);
    assert.match(await stays.answer, / 200 /);
    assert.match(await goes.answer, / 200 /);
    await daemon.question('new.test');
    const cut = closed(goes.socket);
    write('"stays.test", "new.test",', '"goes.test"');
    await cut;
    assert.match(await held.answer, / 200 /, 'a hold that the new policy allows goes on');
    const echo = once(stays.socket, 'data');
    stays.socket.write('still here');
    assert.equal(String((await echo)[0]), 'still here');
    const end = await eventually('the record of the closed tunnel', () =>
      daemon
        .journal()
        .find(
          ({ name, attributes }) =>
            name === 'sallyport.connection.closed' && attributes['server.address'] === 'goes.test',
        ),
    );
    assert.equal(end.attributes['sallyport.connection.reason'], 'policy_changed');
    assert.match(await connectThrough(daemon.http, `goes.test:${port}`).answer, / 403 /);
    stays.socket.destroy();
    held.socket.destroy();
  });

  it('keeps the last good policy when the file is broken, and says so', async () => {
    const { policy } = await status();
    writeFileSync(daemon.configFile, '[network]\nallowed_domains = ["*"\n');
    const rejected = await eventually(
      'the rejection is shown',
      async () => (await status()).policy.rejected ?? undefined,
    );
    assert.match(rejected, /config\.toml:\d+:\d+/);
    assert.equal((await status()).policy.version, policy.version);
    assert.match(await connectThrough(daemon.http, `goes.test:${port}`).answer, / 403 /);
    assert.ok(daemon.journal().some(({ name }) => name === 'sallyport.policy.rejected'));
    const reload = await daemon.sallyport(['reload']);
    assert.equal(reload.status, 1);
    assert.match(reload.stderr, /config\.toml:\d+:\d+/);
  });

  it('keeps the last policy when the file goes missing, and takes an empty one as an empty policy', async () => {
    write('"stays.test",');
    await eventually('the file is good again', async () =>
      (await status()).policy.rejected === null ? true : undefined,
    );
    const { policy } = await status();
    rmSync(daemon.configFile);
    await daemon.sallyport(['reload']);
    assert.equal((await status()).policy.version, policy.version);
    assert.match(await connectThrough(daemon.http, `stays.test:${port}`).answer, / 200 /);
    writeFileSync(daemon.configFile, '');
    await changed(policy.version);
    const { policy: empty } = await status();
    assert.deepEqual(empty.rules, { allow: 0, deny: 0 });
  });

  it('gives programs that start from now on the new exec.no_proxy', async () => {
    const noProxy = async (): Promise<unknown> =>
      (JSON.parse((await daemon.sallyport(['env', '--json'])).stdout) as Record<string, unknown>)[
        'NO_PROXY'
      ];
    assert.equal(await noProxy(), 'localhost,127.0.0.1,::1');
    writeFileSync(daemon.configFile, '[exec]\nno_proxy = "none"\n');
    await eventually('nothing goes around the gate', async () =>
      (await noProxy()) === '' ? true : undefined,
    );
  });

  it('says what waits for the next start, and what lets more through, by name', async () => {
    const { policy } = await status();
    writeFileSync(
      daemon.configFile,
      '[network]\nhttp_port = 5\nallowed_domains = ["wider.test"]\n',
    );
    await changed(policy.version);
    const { stdout } = await daemon.sallyport(['reload']);
    assert.match(stdout, /^changed, in force at the next start: .*network\.http_port/m);
    assert.match(daemon.stderr(), /lets more through/);
    assert.match(daemon.stderr(), /\+ allow wider\.test/);
  });
});

// Bad input and bad luck: each gives a person the error they need, and nothing opens.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  eventually,
  launcher,
  plainEnvironment,
  removeFolder,
  run,
  startSallyport,
  type Finished,
  type RunningDaemon,
} from '../support/daemon.ts';
import { connectThrough } from '../support/proxy-client.ts';

/** Tries to start a daemon that must refuse to; gives what it said. */
async function refusedStart(
  folder: string,
  config: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const file = join(folder, 'config.toml');
  writeFileSync(file, config);
  const state = join(folder, 'state');
  return run(launcher, ['run', '--json', '--config', file], {
    env: plainEnvironment({ SALLYPORT_STATE: state, ...env }),
    timeoutMs: 20_000,
  });
}

const freePorts =
  '[network]\nhttp_port = 0\nsocks_port = 0\n[gateway]\nport = 0\n[control]\nport = 0\n';

describe('a start that must not happen', { timeout: 120_000 }, () => {
  let folder = '';
  before(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-trouble-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('names the place where the TOML breaks', async () => {
    const done = await refusedStart(
      folder,
      '[network]\nallowed_domains = ["a.example"\nunknown = "ask"\n',
    );
    assert.equal(done.status, 1);
    assert.equal(done.stdout, '');
    assert.match(done.stderr, /config\.toml:3:\d+: /);
  });

  it('names every mistake at once, with the mend', async () => {
    const done = await refusedStart(
      folder,
      '[network]\nallowed_domains = ["*.com", "ok.example"]\ndenied_domans = ["x.example"]\nunknown = "maybe"\n',
    );
    assert.equal(done.status, 1);
    assert.match(done.stderr, /config\.toml:2:20: .*"\*\.com" is too broad/);
    assert.match(done.stderr, /config\.toml:3:1: .*denied_domans.*denied_domains/);
    assert.match(done.stderr, /config\.toml:4:11: .*"maybe"/);
  });

  it('names the port in use and the program that has it', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const done = await refusedStart(
      folder,
      freePorts.replace('http_port = 0', `http_port = ${port}`),
    );
    other.close();
    assert.equal(done.status, 1);
    assert.match(
      done.stderr,
      new RegExp(`127\\.0\\.0\\.1:${port}.*taken by .*node.*${process.pid}`),
    );
  });

  it('refuses a state folder of another user, an open one and a link', async () => {
    const state = join(folder, 'state');
    rmSync(state, { recursive: true, force: true });
    mkdirSync(state, { mode: 0o700 });
    chmodSync(state, 0o755);
    const open = await refusedStart(folder, freePorts);
    assert.equal(open.status, 1);
    assert.match(open.stderr, /state.*chmod 700/);
    chmodSync(state, 0o700);
    if (process.getuid?.() === 0) {
      chownSync(state, 65_534, 65_534);
      const foreign = await refusedStart(folder, freePorts);
      assert.equal(foreign.status, 1);
      assert.match(foreign.stderr, /state.*own/);
      chownSync(state, 0, 0);
    }
    renameSync(state, `${state}-itself`);
    symlinkSync(`${state}-itself`, state);
    const link = await refusedStart(folder, freePorts);
    rmSync(state);
    assert.equal(link.status, 1);
    assert.match(link.stderr, /state: is a symbolic link/);
  });

  it('refuses a second daemon on the same state', async () => {
    const daemon = await startSallyport({ config: '' });
    const done = await run(launcher, ['run', '--config', daemon.configFile], {
      env: daemon.env,
      timeoutMs: 20_000,
    });
    assert.equal(done.status, 1);
    assert.match(done.stderr, /already runs|already running|another daemon/);
    assert.equal((await daemon.sallyport(['status'])).status, 0, 'the first one is unharmed');
    await daemon.stop();
    assert.deepEqual(
      readdirSync(daemon.state).sort(),
      ['audit', 'token'],
      'nothing of a stopped daemon stays but what the next one needs',
    );
    removeFolder(daemon.folder);
  });
});

describe('a journal that cannot be written', { timeout: 120_000 }, () => {
  it('closes the gate when its disk is full, panic included, and opens it when there is room again', async () => {
    // A small tmpfs inside the daemon's own mount namespace; the test fills it through /proc/PID/root.
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-full-'));
    const state = join(folder, 'state');
    mkdirSync(state, { mode: 0o700 });
    const origin = net.createServer((socket) => socket.on('error', () => undefined).end('hi'));
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    const daemon = await startSallyport({
      folder,
      config: `[network]\nallowed_domains = ["127.0.0.1:${port}"]\n`,
      prefix: [
        'sh',
        '-c',
        `mount -t tmpfs -o size=256k,mode=0700 tmpfs '${state}' && exec "$@"`,
        'sh',
      ],
    });
    const inside = `/proc/${daemon.process.pid}/root${state}`;
    const request = async (): Promise<string> => {
      const { socket, answer } = connectThrough(daemon.http, `127.0.0.1:${port}`);
      const line = await answer;
      socket.destroy();
      return line.split(' ')[1] ?? line;
    };
    assert.equal(await request(), '200');
    const filler = join(inside, 'filler');
    await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k', 'count=1000']);
    // What is left of the journal's last page still takes a few records.
    await eventually('503 once the disk is full', async () =>
      (await request()) === '503' ? true : undefined,
    );
    // Panic holds although it cannot be kept, and says that a restart would end it.
    const within = ['-t', String(daemon.process.pid), '-m', '-r', launcher, 'panic'];
    const stopped = await run('nsenter', within, { env: daemon.env });
    assert.equal(stopped.status, 1);
    assert.match(
      stopped.stderr,
      /everything is stopped, but a restart of the daemon would end that/,
    );
    rmSync(filler);
    await eventually('403 although there is room', async () =>
      (await request()) === '403' ? true : undefined,
    );
    const off = await run('nsenter', [...within, '--off'], { env: daemon.env });
    assert.equal(off.status, 0, off.stderr);
    await eventually('200 once there is room', async () =>
      (await request()) === '200' ? true : undefined,
    );
    await daemon.stop();
    origin.close();
    removeFolder(folder);
  });
});

describe('an upstream in trouble', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  const servers: net.Server[] = [];
  const ports: Record<string, number> = {};
  const listen = async (name: string, onSocket: (socket: net.Socket) => void): Promise<void> => {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined); // the trouble is made on purpose
      onSocket(socket);
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports[name] = (server.address() as AddressInfo).port;
  };
  before(async () => {
    await listen('closed', () => undefined);
    servers[0]?.close();
    await listen('mute', () => undefined);
    await listen('reset', (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf', () =>
          socket.resetAndDestroy(),
        );
      });
    });
    await listen('garbage', (socket) => socket.end('not http at all\r\n\r\n'));
    await listen('early', (socket) => socket.destroy());
    daemon = await startSallyport({
      hosts: { 'there.test': '127.0.0.1' },
      config: '[network]\nallowed_domains = ["there.test", "nowhere.test", "127.0.0.1"]\n',
    });
  });
  after(async () => {
    await daemon.stop();
    for (const server of servers) server.close();
    removeFolder(daemon.folder);
  });

  const curl = (args: readonly string[]): Promise<Finished> =>
    run('curl', ['-sS', '-i', '-x', `http://127.0.0.1:${daemon.http}`, ...args], {
      env: plainEnvironment(),
    });

  it('says 502 for a refused connection, over plain HTTP and CONNECT', async () => {
    const plain = await curl([`http://there.test:${ports['closed']}/`]);
    assert.match(plain.stdout, /^HTTP\/1\.1 502 /);
    const tunnel = await curl([`https://there.test:${ports['closed']}/`]);
    assert.match(tunnel.stdout, /^HTTP\/1\.1 502 /);
    assert.doesNotMatch(plain.stdout + tunnel.stdout, /x-proxy-error: blocked/i);
  });

  it('says 502, or 504 where the name server is mute, for a name that does not resolve', async () => {
    const done = await curl([`http://nowhere.test:${ports['mute']}/`]);
    assert.match(done.stdout, /^HTTP\/1\.1 50[24] /);
  });

  it('says 502 for an answer that is no HTTP, and for none at all', async () => {
    assert.match(
      (await curl([`http://there.test:${ports['garbage']}/`])).stdout,
      /^HTTP\/1\.1 502 /,
    );
    assert.match((await curl([`http://there.test:${ports['early']}/`])).stdout, /^HTTP\/1\.1 502 /);
  });

  it('passes on a reset in the middle of a body as a broken transfer', async () => {
    const done = await curl([`http://there.test:${ports['reset']}/`]);
    assert.match(done.stdout, /^HTTP\/1\.1 200 /);
    assert.ok(done.status === 18 || done.status === 56, `curl ended with ${done.status}`);
  });

  it('frees the upstream at once when the client of a mute origin leaves', async () => {
    const mute = servers[1];
    const client = net.connect(daemon.http, '127.0.0.1');
    client.on('error', () => undefined); // it is destroyed below
    const arrived = once(mute as net.Server, 'connection');
    client.write(
      `GET http://there.test:${ports['mute']}/ HTTP/1.1\r\nHost: there.test:${ports['mute']}\r\n\r\n`,
    );
    const [upstream] = (await arrived) as [net.Socket];
    const gone = once(upstream, 'close');
    upstream.resume();
    client.destroy();
    await gone;
  });
});

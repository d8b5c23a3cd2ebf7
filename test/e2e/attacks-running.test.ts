// What a process behind the real daemon may try against its records, its state, its control API and its patience.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { GroupView } from '../../src/control/messages.ts';
import {
  eventually,
  launcher,
  removeFolder,
  startSallyport,
  type RunningDaemon,
} from '../support/daemon.ts';
import { startHttpOrigin, startTcpOrigin, type Origin } from '../support/origin.ts';
import { closed, connectThrough } from '../support/proxy-client.ts';
import { exchange, firstLine, rawConnect, rawSocks } from '../support/raw-doors.ts';
import { createAuthority } from '../support/tls.ts';

/** Every byte of every file below a folder, as latin1 text. */
function allText(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

const journalFile = (daemon: RunningDaemon): string => {
  const folder = join(daemon.state, 'audit');
  return join(folder, readdirSync(folder).sort().at(-1) ?? '');
};

describe('what a client sends', { timeout: 60_000 }, () => {
  it('leaves no secret in the journal, the state, the log or the collector', async () => {
    const secret = 'Zx9canaryZx9';
    const collected: string[] = [];
    const collector = await startHttpOrigin((request, response) => {
      request.setEncoding('latin1').on('data', (text: string) => collected.push(text));
      request.on('end', () =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
      );
    });
    const origin = await startHttpOrigin((request, response) =>
      request.resume().on('end', () => response.end()),
    );
    const daemon = await startSallyport({
      hosts: { 'ok.test': '127.0.0.1' },
      config: `[network]\nunknown = "deny"\nallowed_domains = ["ok.test", "127.0.0.1:${origin.port}"]\n[gateway]\nupstream = "http://ok.test:${origin.port}/v1"\n[otel]\nexporter = { otlp-http = { endpoint = "http://127.0.0.1:${collector.port}/v1/logs", protocol = "json" } }\n`,
    });
    const fields = `Authorization: Bearer ${secret}\r\nProxy-Authorization: Basic ${secret}\r\nCookie: a=${secret}\r\nX-${secret}: 1\r\nContent-Length: ${secret.length}\r\nConnection: close\r\n\r\n${secret}`;
    const ok = `ok.test:${origin.port}`;
    for (const host of [ok, 'no.test']) {
      const target = `http://${host}/${secret}?q=${secret}`;
      await exchange(daemon.http, `POST ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}`);
      await exchange(
        daemon.http,
        `POST http://u:${secret}@${host}/ HTTP/1.1\r\nHost: ${host}\r\n${fields}`,
      );
      await exchange(
        daemon.http,
        `POST http://${secret}:p@${host}\\@x/${secret} HTTP/1.1\r\nHost: ${host}\r\n${fields}`,
      );
      await exchange(daemon.http, `CONNECT u:${secret}@${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await exchange(
        daemon.http,
        `GET /${secret}?${secret} HTTP/1.1\r\nHost: ${host}\r\n${fields}`,
      );
      await exchange(
        daemon.http,
        `POST ${target} HTTP/1.1\r\nHost: ${host}\r\nX: a\rb\r\n${fields}`,
      );
    }
    const gateway = `127.0.0.1:${daemon.gateway}`;
    for (const path of [`/v1/${secret}?${secret}`, `/${secret}`, `/v1/%2f${secret}`]) {
      await exchange(daemon.gateway ?? 0, `POST ${path} HTTP/1.1\r\nHost: ${gateway}\r\n${fields}`);
    }
    await rawSocks(daemon.socks, `u:${secret}@ok.test`, 80);
    await eventually('the last record at the collector', () =>
      collected.some((text) => text.includes('user information') || text.includes('malformed'))
        ? true
        : undefined,
    );
    await daemon.stop();
    assert.ok(daemon.journal().length > 15);
    assert.ok(collected.length > 0);
    const kept = {
      state: allText(daemon.state),
      log: daemon.stderr(),
      collector: collected.join(''),
    };
    for (const [where, text] of Object.entries(kept)) assert.ok(!text.includes(secret), where);
    await Promise.all([collector.close(), origin.close()]);
    removeFolder(daemon.folder);
  });

  it('forges no line: not in the journal, the log, the table of questions or an answer', async () => {
    const daemon = await startSallyport({ config: '[network]\nallowed_domains = ["ok.test"]\n' });
    const nasty = '\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08\u202egnp.exe\u200b\u2028{"uid":"x"}';
    const bytes = Buffer.from(nasty).toString('latin1').replaceAll('\r', '');
    const answers = [
      await firstLine(daemon.http, `CONNECT ${bytes}:443 HTTP/1.1\r\nHost: ${bytes}:443\r\n\r\n`),
      await firstLine(daemon.http, `GET http://${bytes}/ HTTP/1.1\r\nHost: ${bytes}\r\n\r\n`),
      await firstLine(daemon.http, `${bytes} http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n`),
      await firstLine(daemon.gateway ?? 0, `GET /v1/x HTTP/1.1\r\nHost: ${bytes}\r\n\r\n`),
    ];
    await rawSocks(daemon.socks, `${bytes}\n{"name":"forged"}\n`, 443);
    // What cannot stand in a host can stand in the arguments of the program that asks.
    const said = nasty.replaceAll('\r', '\n');
    const proxy = `http://127.0.0.1:${daemon.http}`;
    const words = ['-sS', '-m', '20', '-w', said, '-x', proxy];
    const asker = spawn('curl', [...words, 'http://asks.test/'], { stdio: 'ignore' });
    await daemon.question('asks.test');
    const shown = await eventually('the program that asks', async () => {
      const { stdout } = await daemon.sallyport(['pending']);
      return stdout.includes('curl') ? stdout : undefined;
    });
    const asJson = (await daemon.sallyport(['pending', '--json'])).stdout;
    asker.kill();
    const journal = readFileSync(journalFile(daemon), 'latin1');
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    const forging = /[^\n\x20-\x7e]/;
    for (const text of [...answers, journal, daemon.stderr()]) assert.doesNotMatch(text, forging);
    for (const text of [shown, asJson]) {
      assert.doesNotMatch(text, /[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u);
    }
    const lines = shown.trimEnd().split('\n');
    assert.equal(lines.length, 3, 'a heading, the question and why it is asked');
    assert.match(lines[2] ?? '', /^ +No rule names this host\.$/);
    for (const line of journal.trimEnd().split('\n')) {
      assert.match((JSON.parse(line) as { name: string }).name, /^(?:sallyport|codex)\./);
    }
    await daemon.stop();
    removeFolder(daemon.folder);
  });
});

describe('the journal of a running daemon', { timeout: 60_000 }, () => {
  let daemon: RunningDaemon;
  let origin: Origin;
  before(async () => {
    origin = await startTcpOrigin((socket) => socket.end());
    daemon = await startSallyport({
      config: `[network]\nallowed_domains = ["127.0.0.1:${origin.port}"]\n`,
    });
  });
  after(async () => {
    await daemon.stop();
    await origin.close();
    removeFolder(daemon.folder);
  });
  let passed = 0;
  const ask = async (): Promise<number | undefined> => {
    const status = await rawConnect(daemon.http, '127.0.0.1', origin.port);
    if (status === 200) passed += 1;
    return status;
  };
  const onlyPassed = (): Promise<true> =>
    eventually('as many connections at the origin as were let through', () =>
      origin.accepted() === passed ? true : undefined,
    );

  const harms: readonly { readonly name: string; readonly harm: (file: string) => void }[] = [
    { name: 'is deleted', harm: unlinkSync },
    { name: 'is emptied', harm: (file) => truncateSync(file, 0) },
    {
      name: 'is written to by somebody else',
      harm: (file) => writeFileSync(file, 'x\n', { flag: 'a' }),
    },
  ];
  for (const { name, harm } of harms) {
    it(`closes the gate when it ${name}, and nothing reaches the origin until it stands again`, async () => {
      assert.equal(await ask(), 200);
      harm(journalFile(daemon));
      assert.equal(await ask(), 503);
      await onlyPassed();
      await eventually('a new file', async () => ((await ask()) === 200 ? true : undefined));
    });
  }

  it('is not followed to where a link in the place of its folder leads', async () => {
    const folder = join(daemon.state, 'audit');
    const elsewhere = join(daemon.folder, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    renameSync(folder, join(daemon.folder, 'taken'));
    symlinkSync(elsewhere, folder);
    await ask(); // the look at the folder comes within a second of a record
    await eventually('the gate is closed', async () => ((await ask()) === 503 ? true : undefined));
    assert.deepEqual(readdirSync(elsewhere), []);
    rmSync(folder);
    renameSync(join(daemon.folder, 'taken'), folder);
    await eventually('the gate is open', async () => ((await ask()) === 200 ? true : undefined));
  });
});

describe('the state folder of a running daemon', { timeout: 60_000 }, () => {
  it('is written by replacing names, so that a link in it leads nowhere', async () => {
    const daemon = await startSallyport({
      config: '[approvals]\ndangerously_allow_self_approval = true\n',
    });
    const victim = join(daemon.folder, 'victim');
    writeFileSync(victim, 'mine');
    rmSync(join(daemon.state, 'grants.json'), { force: true });
    symlinkSync(victim, join(daemon.state, 'grants.json'));
    const held = connectThrough(daemon.http, 'kept.example.com:443');
    const { id } = await daemon.question('kept.example.com');
    const done = await daemon.sallyport(['deny', id, '--for', 'always']);
    assert.equal(done.status, 0, done.stderr);
    assert.match(await held.answer, / 403 /);
    assert.equal(readFileSync(victim, 'utf8'), 'mine');
    assert.equal(statSync(join(daemon.state, 'grants.json')).mode & 0o777, 0o600);
    held.socket.destroy();
    await daemon.stop();
    removeFolder(daemon.folder);
  });
});

describe('the control API of a running daemon', { timeout: 60_000 }, () => {
  let daemon: RunningDaemon;
  let token = '';
  before(async () => {
    daemon = await startSallyport({ config: '' });
    token = readFileSync(join(daemon.state, 'token'), 'utf8').trim();
  });
  after(async () => {
    await daemon.stop();
    removeFolder(daemon.folder);
  });
  const cases: readonly {
    readonly name: string;
    readonly request: string;
    readonly host?: string;
    readonly fields?: readonly string[];
    readonly withToken?: boolean;
    readonly want: number;
  }[] = [
    {
      name: 'a name rebound to loopback',
      request: 'GET /v1/status',
      host: 'evil.example',
      want: 421,
    },
    {
      name: 'a name rebound, with the token',
      request: 'GET /v1/status',
      host: 'evil.example:1',
      withToken: true,
      want: 421,
    },
    { name: 'an empty Host', request: 'GET /v1/health', host: '', want: 421 },
    {
      name: 'the address in another spelling',
      request: 'GET /v1/health',
      host: '127.1:PORT',
      want: 421,
    },
    { name: 'an opaque origin', request: 'GET /v1/health', fields: ['Origin: null'], want: 403 },
    {
      name: 'an origin that only begins like ours',
      request: 'GET /v1/health',
      fields: ['Origin: http://127.0.0.1:PORT.evil.example'],
      want: 403,
    },
    {
      name: 'our own host over another scheme',
      request: 'GET /v1/health',
      fields: ['Origin: https://127.0.0.1:PORT'],
      want: 403,
    },
    {
      name: 'a page of another port',
      request: 'GET /v1/status',
      fields: ['Origin: http://127.0.0.1:1'],
      withToken: true,
      want: 403,
    },
    {
      name: 'a navigation from another site',
      request: 'GET /v1/health',
      fields: ['Sec-Fetch-Site: cross-site'],
      want: 403,
    },
    {
      name: 'another port of this site',
      request: 'GET /v1/health',
      fields: ['Sec-Fetch-Site: same-site'],
      want: 403,
    },
    {
      name: 'a preflight',
      request: 'OPTIONS /v1/reload',
      fields: ['Origin: http://evil.example', 'Access-Control-Request-Method: POST'],
      want: 403,
    },
    {
      name: 'a form',
      request: 'POST /v1/reload',
      fields: ['Content-Type: text/plain', 'Content-Length: 2'],
      withToken: true,
      want: 415,
    },
    { name: 'the token in the query', request: 'GET /v1/status?token=TOKEN', want: 401 },
    {
      name: 'the token as a cookie',
      request: 'GET /v1/status',
      fields: ['Cookie: token=TOKEN'],
      want: 401,
    },
    {
      name: 'the token as user information',
      request: 'GET http://:TOKEN@127.0.0.1/v1/status',
      want: 401,
    },
    {
      name: 'two Hosts',
      request: 'GET /v1/status',
      fields: ['Host: 127.0.0.1:PORT'],
      withToken: true,
      want: 400,
    },
    {
      name: 'the absolute form',
      request: 'GET http://127.0.0.1:PORT/v1/status',
      withToken: true,
      want: 404,
    },
    { name: 'a method of its own', request: 'PUT /v1/reload', withToken: true, want: 405 },
    {
      name: 'an own page and the token',
      request: 'GET /v1/status',
      fields: ['Origin: http://localhost:PORT', 'Sec-Fetch-Site: same-origin'],
      withToken: true,
      want: 200,
    },
  ];
  for (const {
    name,
    request,
    host = '127.0.0.1:PORT',
    fields = [],
    withToken = false,
    want,
  } of cases) {
    it(`answers ${want} to ${name}, and never with a CORS field`, async () => {
      const lines = [
        `${request} HTTP/1.1`,
        `Host: ${host}`,
        ...fields,
        ...(withToken ? ['Authorization: Bearer TOKEN'] : []),
        'Connection: close',
      ];
      const text = `${lines.join('\r\n')}\r\n\r\n${request.startsWith('POST') ? '{}' : ''}`;
      const port = daemon.control ?? 0;
      const filled = text.replaceAll('PORT', String(port)).replaceAll('TOKEN', token);
      const answer = await exchange(port, filled);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${want} `));
      assert.doesNotMatch(answer, /access-control-/i);
      assert.match(answer, /frame-ancestors 'none'/);
      assert.ok(!answer.includes(token));
    });
  }

  it('opens no tunnel and speaks no other protocol', async () => {
    const port = daemon.control ?? 0;
    const connect = `CONNECT ok.test:80 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    assert.equal(await exchange(port, connect), '');
    const upgrade = `GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n`;
    assert.match(await firstLine(port, upgrade), /^HTTP\/1\.1 200 /);
  });
});

describe('the environment of the daemon', { timeout: 60_000 }, () => {
  it('loads nothing into it and lets no certificate pass', async () => {
    const authority = createAuthority();
    const upstream = createServer(authority.issue(['api.test']), (_request, response) =>
      response.end('reached'),
    );
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const { port } = upstream.address() as AddressInfo;
    const folder = await startSallyport({ config: '' }).then(async (first) => {
      await first.stop();
      return first.folder;
    });
    writeFileSync(join(folder, 'evil.cjs'), `require('fs').writeFileSync('${folder}/loaded', '')`);
    const daemon = await startSallyport({
      folder,
      hosts: { 'api.test': '127.0.0.1' },
      config: `[network]\nallowed_domains = ["api.test", "127.0.0.1:${port}"]\n[gateway]\nupstream = "https://api.test:${port}/v1"\n`,
      env: {
        NODE_OPTIONS: `--require ${folder}/evil.cjs --insecure-http-parser --use-env-proxy`,
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
        NODE_USE_ENV_PROXY: '1',
        NODE_DEBUG: 'http,net,tls',
      },
    });
    const host = `127.0.0.1:${daemon.gateway}`;
    const head = `GET /v1/models HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    assert.match(await firstLine(daemon.gateway ?? 0, head), /^HTTP\/1\.1 502 .*TLS/);
    const lenient = `GET http://api.test:${port}/ HTTP/1.1\r\nHost: api.test:${port}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`;
    assert.match(await firstLine(daemon.http, lenient), /^HTTP\/1\.1 400 /);
    assert.ok(!readdirSync(folder).includes('loaded'));
    assert.doesNotMatch(daemon.stderr(), /HTTP \d+|NET \d+|TLS \d+/);
    await daemon.stop();
    upstream.close();
    removeFolder(folder);
  });
});

describe('limited mode', { timeout: 60_000 }, () => {
  it('has no opaque path: CONNECT, SOCKS, Upgrade and every other method are refused', async () => {
    const origin = await startHttpOrigin((request, response) => response.end(`${request.method}`));
    const daemon = await startSallyport({
      hosts: { 'ok.test': '127.0.0.1' },
      config: `[network]\nmode = "limited"\nallowed_domains = ["ok.test", "127.0.0.1:${origin.port}"]\n`,
    });
    const send = (method: string, fields = ''): Promise<string> =>
      exchange(
        daemon.http,
        `${method} http://ok.test:${origin.port}/ HTTP/1.1\r\nHost: ok.test:${origin.port}\r\n${fields}Connection: ${fields === '' ? 'close' : 'close, Upgrade'}\r\n\r\n`,
      );
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      assert.match(await send(method), /^HTTP\/1\.1 200 /);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
      assert.match(
        await send(method),
        /^HTTP\/1\.1 403 [^]*x-proxy-error: blocked-by-method-policy/,
        method,
      );
    }
    assert.match(await send('get'), /^HTTP\/1\.1 400 /);
    const upgrade = await send('GET', 'Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n');
    assert.match(upgrade, /^HTTP\/1\.1 403 [^]*x-proxy-error: blocked-by-mitm-required/);
    assert.equal(await rawConnect(daemon.http, 'ok.test', origin.port), 403);
    assert.equal(await rawSocks(daemon.socks, 'ok.test', origin.port), 2);
    assert.equal(origin.accepted() > 0, true);
    await daemon.stop();
    await origin.close();
    removeFolder(daemon.folder);
  });
});

/** Opens connections in steps, so that no accept queue overflows, and says `hello` on each. */
async function openMany(port: number, count: number, hello: Uint8Array): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  while (sockets.length < count) {
    const step = Array.from({ length: 500 }, () => net.connect(port, '127.0.0.1'));
    for (const socket of step) socket.on('error', () => undefined); // they are cut in the end
    await Promise.all(step.map((socket) => once(socket, 'connect')));
    for (const socket of step) socket.write(hello);
    sockets.push(...step);
  }
  return sockets;
}

function descriptors(daemon: RunningDaemon): number {
  return readdirSync(`/proc/${daemon.process.pid}/fd`).length;
}

describe('floods', { timeout: 120_000 }, () => {
  it('of ten thousand slow SOCKS handshakes end by themselves, delay nobody and leave no descriptor', async () => {
    const origin = await startTcpOrigin((socket) => socket.end());
    const daemon = await startSallyport({
      config: `[network]\nallowed_domains = ["127.0.0.1:${origin.port}"]\n`,
    });
    const rest = descriptors(daemon);
    const sockets = await openMany(daemon.socks, 10_000, Uint8Array.of(5));
    const startMs = performance.now();
    assert.equal(await rawSocks(daemon.socks, '127.0.0.1', origin.port), 0);
    assert.equal(await rawConnect(daemon.http, '127.0.0.1', origin.port), 200);
    assert.equal((await daemon.sallyport(['status'])).status, 0);
    assert.ok(performance.now() - startMs < 5_000, 'others are served meanwhile');
    await Promise.all(sockets.map((socket) => closed(socket.resume())));
    await eventually('no descriptor is left', () =>
      descriptors(daemon) <= rest + 5 ? true : undefined,
    );
    await daemon.stop();
    await origin.close();
    removeFolder(daemon.folder);
  });

  it('of questions from one program leave a place for the question of another (they once took all)', async () => {
    const daemon = await startSallyport({ config: '[network]\nallowed_domains = ["ok.test"]\n' });
    const flood = `
      const net = require('node:net');
      let n = 0;
      setInterval(() => {
        for (let i = 0; i < 10; i += 1) {
          const host = 'h' + n++ + '.flood.test:443';
          const socket = net.connect(${daemon.http}, '127.0.0.1').on('error', () => {});
          socket.write('CONNECT ' + host + ' HTTP/1.1\\r\\nHost: ' + host + '\\r\\n\\r\\n');
          socket.resume();
        }
      }, 50);`;
    const flooding = spawn(launcher, ['exec', '--', 'node', '-e', flood], {
      env: daemon.env,
      stdio: 'ignore',
    });
    await eventually('the flood is refused quietly', async () => {
      const { floods } = await daemon.view();
      return floods.some(({ program, refused }) => program.startsWith('node') && refused > 100)
        ? true
        : undefined;
    });
    const { stdout } = await daemon.sallyport(['pending', '--json']);
    const { groups } = JSON.parse(stdout) as { groups: GroupView[] };
    assert.equal(groups.length, 20, 'no more than a person can be asked in a minute');
    const asking = spawn(
      launcher,
      ['exec', '--', 'curl', '-sS', '-m', '60', '-o', '/dev/null', 'https://another.test/'],
      { env: daemon.env, stdio: 'ignore' },
    );
    const { waiting } = await daemon.question('another.test');
    assert.equal(waiting, 1);
    asking.kill();
    flooding.kill();
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  it('of guesses at the token are all refused while the owner is let in', async () => {
    const daemon = await startSallyport({ config: '' });
    const port = daemon.control ?? 0;
    const guess = (n: number): Promise<string> =>
      firstLine(
        port,
        `GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${String(n).padStart(43, 'A')}\r\n\r\n`,
      );
    const guesses = Array.from({ length: 200 }, (_, n) => guess(n));
    assert.equal((await daemon.sallyport(['status'])).status, 0);
    const lines = new Set(await Promise.all(guesses));
    assert.deepEqual([...lines], ['HTTP/1.1 401 Unauthorized']);
    await daemon.stop();
    removeFolder(daemon.folder);
  });
});

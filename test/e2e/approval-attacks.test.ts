// Programs behind the gate that try to answer for themselves by keeping out of sight: each of these once worked.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { GroupView } from '../../src/control/messages.ts';
import {
  eventually,
  launcher,
  removeFolder,
  run,
  startSallyport,
  type Finished,
  type RunningDaemon,
} from '../support/daemon.ts';

/** Gives a socket away to nobody: it waits in a message that is never read, so that no process holds it. */
const python = `
import json, socket, struct, sys, time
def hide(s):
    a, b = socket.socketpair()
    socket.send_fds(a, [b'x'], [s.fileno()])
    s.close()
    return a, b
def show(ends):
    return socket.socket(fileno=socket.recv_fds(ends[1], 1, 1)[1][0])
`;

describe('a program under exec that keeps out of sight', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  let terminal: string;
  before(async () => {
    daemon = await startSallyport({ config: '' });
    terminal = join(daemon.folder, 'xterm');
    copyFileSync('/bin/sh', terminal);
  });
  after(async () => {
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  /** Runs the script under exec in what counts as a person's terminal. */
  const inside = async (script: string): Promise<Finished> =>
    await run(terminal, ['-c', `'${launcher}' exec -- sh -c "$SCRIPT"; exit $?`], {
      env: { ...daemon.env, SCRIPT: script },
    });
  const answer = async (words: string): Promise<Finished> =>
    await inside(`SALLYPORT_STATE='${daemon.state}' '${launcher}' ${words}`);
  const runPython = async (code: string): Promise<Finished> =>
    await inside(`python3 - <<'END'\n${python}${code}\nEND`);
  const connect = (host: string): string => `
s = socket.create_connection(('127.0.0.1', ${daemon.http}))
s.send(b'CONNECT ${host}:443 HTTP/1.1\\r\\nHost: ${host}:443\\r\\n\\r\\n')
`;
  const grants = async (): Promise<unknown> =>
    JSON.parse((await daemon.sallyport(['grants', '--json'])).stdout);

  async function isRefused(host: string, seen: Partial<GroupView>): Promise<void> {
    const group = await daemon.question(host);
    const { unidentified } = group;
    assert.deepEqual({ unidentified }, seen);
    for (const words of ['--for once', '--for restart']) {
      const { status, stderr } = await answer(`allow ${group.id} ${words}`);
      assert.equal(status, 5, stderr);
      assert.match(stderr, /may not answer for itself/);
    }
    assert.deepEqual(await grants(), { grants: [] });
  }

  it('may not answer a question whose asker has hung up before it was found', async () => {
    assert.equal((await runPython(`${connect('early.test')}s.close()`)).status, 0);
    await isRefused('early.test', { unidentified: true });
  });

  it('may not answer a question whose asker no process holds', async () => {
    const code = `${connect('flight.test')}ends = hide(s)\ntime.sleep(2)`;
    assert.equal((await runPython(code)).status, 0);
    await isRefused('flight.test', { unidentified: true });
  });

  it('may not answer a question whose asker it has left behind', async () => {
    const curl = `curl -s -m 60 -x http://127.0.0.1:${daemon.http} https://left.test/`;
    assert.equal((await inside(`setsid -f ${curl} >/dev/null 2>&1`)).status, 0);
    await isRefused('left.test', { unidentified: false });
  });

  it('may not have its question held longer', async () => {
    const { id, deadline } = await daemon.question('left.test'); // its asker still waits
    const { status, stderr } = await answer(`hold ${id} 60m`);
    assert.equal(status, 5, stderr);
    assert.equal((await daemon.question('left.test')).deadline, deadline);
    assert.equal((await daemon.sallyport(['hold', id, '60m'])).status, 0);
  });

  it('may not answer through what it leaves behind, at whatever door it asks', async () => {
    const file = join(daemon.folder, 'left-behind');
    const socks = `curl -s -m 1 --socks5-hostname 127.0.0.1:${daemon.socks} http://socks.test/`;
    await inside(`${socks}; true`);
    const { id } = await daemon.question('socks.test');
    const allow = `SALLYPORT_STATE='${daemon.state}' '${launcher}' allow ${id} --for always`;
    const script = `${allow}; echo $? > '${file}.new'; mv '${file}.new' '${file}'`;
    assert.equal((await inside(`setsid -f sh -c "${script.replaceAll('$', '\\$')}"`)).status, 0);
    await eventually('what was left behind has tried', () => existsSync(file) || undefined);
    assert.equal(readFileSync(file, 'utf8').trim(), '5');
    assert.deepEqual(await grants(), { grants: [] });
  });

  it('may not answer, nor resume, over a connection that no process holds', async () => {
    await inside(`curl -s -m 1 http://known.test/; true`);
    const { id } = await daemon.question('known.test');
    const post = (path: string, body: string): string => `
token, body = open('${daemon.state}/token').read().strip(), json.dumps(${body})
s = socket.create_connection(('127.0.0.1', ${daemon.control}))
s.send(('POST ${path} HTTP/1.1\\r\\nHost: 127.0.0.1:${daemon.control}\\r\\nAuthorization: Bearer ' + token
  + '\\r\\nContent-Type: application/json\\r\\nContent-Length: ' + str(len(body)) + '\\r\\n\\r\\n' + body).encode())
ends = hide(s)
time.sleep(2)
print(show(ends).recv(9000).decode())
`;
    assert.equal((await daemon.sallyport(['pause', '5m'])).status, 0);
    for (const code of [
      post(`/v1/pending/${id}/answer`, `{'outcome': 'allow', 'for': 'restart'}`),
      post('/v1/resume', '{}'),
    ]) {
      const { stdout, stderr } = await runPython(code);
      assert.match(stdout, /^HTTP\/1\.1 403 .*out of sight/s, stderr);
    }
    assert.deepEqual(await grants(), { grants: [] });
  });

  it('may not have drafts of rules checked, which keeps the daemon busy', async () => {
    const { status, stdout } = await inside(
      `curl -s --noproxy '*' -H "Authorization: Bearer $(cat '${daemon.state}/token')" --json '{"file":"f","etag":"e","text":""}' http://127.0.0.1:${daemon.control}/v1/rules/check`,
    );
    assert.equal(status, 0);
    assert.match(stdout, /"code":"self_approval"/);
  });

  it('is recorded when it tries', () => {
    const tries = daemon
      .journal()
      .filter(({ name }) => /^sallyport\.(?:approval\.self|control\.refused)$/.test(name));
    assert.equal(tries.length, 11);
    assert.equal(tries.filter((line) => line.attributes['sallyport.answer.taken']).length, 0);
  });

  it('may not answer over connections that it resets', async () => {
    await inside(`curl -s -m 1 http://reset.test/; true`);
    const { id } = await daemon.question('reset.test');
    const code = `
token, body = open('${daemon.state}/token').read().strip(), '{"outcome":"allow","for":"restart"}'
for turn in range(100):
    s = socket.create_connection(('127.0.0.1', ${daemon.control}))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.send(('POST /v1/pending/${id}/answer HTTP/1.1\\r\\nHost: 127.0.0.1:${daemon.control}\\r\\nAuthorization: Bearer ' + token
      + '\\r\\nContent-Type: application/json\\r\\nContent-Length: ' + str(len(body)) + '\\r\\n\\r\\n' + body).encode())
    time.sleep(turn % 5 / 1000)
    s.close()
`;
    const { status, stderr } = await runPython(code);
    assert.equal(status, 0, stderr);
    await daemon.question('reset.test');
    assert.deepEqual(await grants(), { grants: [] });
  });
});

describe('another user of this machine', { timeout: 60_000 }, () => {
  it('gets no session of the page by a code out of the words of a browser', async () => {
    const daemon = await startSallyport({ config: '' });
    try {
      const { stdout } = await daemon.sallyport(['open', '--print']);
      const code = /#code=([\w-]+)\n$/.exec(stdout)?.[1] ?? '';
      const exchange = async (user: number): Promise<string> => {
        const url = `http://127.0.0.1:${daemon.control}/v1/page-sessions`;
        const words = ['curl', '-s', '--noproxy', '*', '--json', JSON.stringify({ code }), url];
        return (await run('setpriv', [`--reuid=${user}`, '--clear-groups', ...words])).stdout;
      };
      assert.match(await exchange(65_534), /"code":"forbidden"/);
      assert.match(await exchange(0), /"secret":/); // the code is still good for whom it is meant
    } finally {
      await daemon.stop();
      removeFolder(daemon.folder);
    }
  });
});

describe('another user of the machine', { timeout: 120_000 }, () => {
  it('is sent no token on the port of a daemon that crashed (it once was)', async () => {
    const daemon = await startSallyport({ config: '' });
    const { pid } = JSON.parse((await daemon.sallyport(['status', '--json'])).stdout) as {
      readonly pid: number;
    };
    process.kill(pid, 'SIGKILL');
    await once(daemon.process, 'exit');
    let connections = 0;
    const impostor = createServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(daemon.control ?? 0, '127.0.0.1');
    await once(impostor, 'listening');
    for (const words of [['status'], ['pending'], ['exec', '--', 'true']]) {
      assert.equal((await daemon.sallyport(words)).status, 1);
    }
    assert.equal(connections, 0);
    impostor.close();
    removeFolder(daemon.folder);
  });
});

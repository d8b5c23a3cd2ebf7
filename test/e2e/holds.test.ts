// Unknown destinations wait, grouped, until a person answers through the command line.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { GrantView, GroupView } from '../../src/control/messages.ts';
import {
  eventually,
  launcher,
  plainEnvironment,
  removeFolder,
  run,
  startSallyport,
  type RunningDaemon,
} from '../support/daemon.ts';
import { closed, connectThrough } from '../support/proxy-client.ts';

interface Origin {
  readonly server: Server;
  readonly port: number;
  /** Connections that ever arrived. */
  readonly arrived: () => number;
}

async function startOrigin(): Promise<Origin> {
  let arrived = 0;
  const server = createServer((_request, response) => response.end('origin\n'));
  server.on('connection', () => (arrived += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, arrived: () => arrived };
}

async function pending(daemon: RunningDaemon): Promise<GroupView[]> {
  const { stdout } = await daemon.sallyport(['pending', '--json']);
  return (JSON.parse(stdout) as { groups: GroupView[] }).groups;
}

describe('holding', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  let first: Origin;
  let second: Origin;
  before(async () => {
    first = await startOrigin();
    second = await startOrigin();
    const names = [
      'many.test',
      'once.test',
      'minutes.test',
      'gone.test',
      'kept.test',
      'denied-once.test',
      'local.test',
    ];
    daemon = await startSallyport({
      hosts: Object.fromEntries(names.map((name) => [name, '127.0.0.1'])),
      config: `[network]
allowed_domains = ["127.0.0.1:${first.port}", "127.0.0.1:${second.port}"]
[approvals]
dangerously_allow_self_approval = true
`,
    });
  });
  after(async () => {
    await daemon.stop();
    first.server.closeAllConnections();
    second.server.closeAllConnections();
    first.server.close();
    second.server.close();
    removeFolder(daemon.folder);
  });

  it('makes one question of 500 parallel CONNECTs, and one answer frees all', async () => {
    const tunnels = Array.from({ length: 500 }, () =>
      connectThrough(daemon.http, `many.test:${first.port}`),
    );
    const elsewhere = connectThrough(daemon.http, `many.test:${second.port}`);
    const groups = await eventually('all 501 wait', async () => {
      const all = (await pending(daemon)).filter(({ host }) => host === 'many.test');
      return all.reduce((sum, { waiting }) => sum + waiting, 0) === 501 ? all : undefined;
    });
    assert.deepEqual(
      groups
        .map(({ port, waiting, protocol }) => ({ port, waiting, protocol }))
        .sort((a, b) => b.waiting - a.waiting),
      [
        { port: first.port, waiting: 500, protocol: 'https_connect' },
        { port: second.port, waiting: 1, protocol: 'https_connect' },
      ],
    );
    assert.equal(first.arrived(), 0, 'nothing is dialled while it waits');
    const id = groups.find(({ port }) => port === first.port)?.id ?? '';
    const done = await daemon.sallyport(['allow', id, '--json']);
    assert.equal(done.status, 0, done.stderr);
    const answers = await Promise.all(tunnels.map(({ answer }) => answer));
    assert.deepEqual([...new Set(answers)], ['HTTP/1.1 200 Connection Established']);
    const left = (await pending(daemon)).filter(({ host }) => host === 'many.test');
    assert.deepEqual(
      left.map(({ port }) => port),
      [second.port],
    );
    for (const { socket } of [...tunnels, elsewhere]) socket.destroy();
    await eventually('the second question is left alone', async () => {
      const group = (await pending(daemon)).find(({ host }) => host === 'many.test');
      return group?.waiting === 0 ? group : undefined;
    });
  });

  it('covers the next try of a client that left, once', async () => {
    const impatient = connectThrough(daemon.http, `gone.test:${first.port}`);
    const group = await daemon.question('gone.test');
    impatient.socket.destroy();
    await eventually('the hold is gone and the question stays', async () =>
      (await pending(daemon)).find(({ id, waiting }) => id === group.id && waiting === 0),
    );
    assert.equal((await daemon.sallyport(['allow', group.id])).status, 0);
    const again = connectThrough(daemon.http, `gone.test:${first.port}`);
    assert.equal(await again.answer, 'HTTP/1.1 200 Connection Established');
    again.socket.destroy();
    const third = connectThrough(daemon.http, `gone.test:${first.port}`);
    assert.notEqual((await daemon.question('gone.test')).id, group.id);
    third.socket.destroy();
  });

  it('remembers minutes as a grant that can be revoked, and revoking closes its tunnels', async () => {
    const one = connectThrough(daemon.http, `minutes.test:${first.port}`);
    const group = await daemon.question('minutes.test');
    assert.equal((await daemon.sallyport(['allow', group.id, '--for', '30m'])).status, 0);
    assert.equal(await one.answer, 'HTTP/1.1 200 Connection Established');
    const two = connectThrough(daemon.http, `minutes.test:${first.port}`);
    assert.equal(await two.answer, 'HTTP/1.1 200 Connection Established');
    const { grants } = JSON.parse((await daemon.sallyport(['grants', '--json'])).stdout) as {
      grants: GrantView[];
    };
    const grant = grants.find(({ host }) => host === 'minutes.test');
    assert.ok(grant !== undefined && grant.for === 'until' && grant.uses >= 1);
    const bothClosed = Promise.all([closed(one.socket), closed(two.socket)]);
    assert.equal((await daemon.sallyport(['revoke', grant.id])).status, 0);
    await bothClosed;
    const three = connectThrough(daemon.http, `minutes.test:${first.port}`);
    await daemon.question('minutes.test');
    three.socket.destroy();
  });

  it('refuses with the reason and the id when the answer is no', async () => {
    const curl = run(
      'curl',
      [
        '-sS',
        '-i',
        '-x',
        `http://127.0.0.1:${daemon.http}`,
        `http://denied-once.test:${first.port}/`,
      ],
      {
        env: plainEnvironment(),
      },
    );
    const group = await daemon.question('denied-once.test');
    assert.equal((await daemon.sallyport(['deny', group.id])).status, 0);
    const { stdout } = await curl;
    assert.match(stdout, /^HTTP\/1\.1 403 /);
    assert.match(stdout, /x-proxy-error: blocked-by-allowlist/i);
    assert.match(stdout, /"reason":"not_allowed","decision":"deny","source":"decider"/);
  });

  it('keeps an answer for always over a restart, in a private file', async () => {
    const one = connectThrough(daemon.http, `kept.test:${first.port}`);
    const group = await daemon.question('kept.test');
    assert.equal((await daemon.sallyport(['allow', group.id, '--for', 'always'])).status, 0);
    assert.equal(await one.answer, 'HTTP/1.1 200 Connection Established');
    assert.equal(await daemon.stop(), 0);
    daemon = await startSallyport({
      folder: daemon.folder,
      hosts: { 'kept.test': '127.0.0.1', 'local.test': '127.0.0.1' },
      config: `[network]\nallowed_domains = ["127.0.0.1:${first.port}"]\n[approvals]\ndangerously_allow_self_approval = true\n`,
    });
    const two = connectThrough(daemon.http, `kept.test:${first.port}`);
    assert.equal(await two.answer, 'HTTP/1.1 200 Connection Established');
    two.socket.destroy();
  });

  it('does not let an answer reach a local address that no rule names', async () => {
    const one = connectThrough(daemon.http, `local.test:${second.port}`);
    const group = await daemon.question('local.test');
    assert.equal((await daemon.sallyport(['allow', group.id])).status, 0);
    assert.match(await one.answer, /^HTTP\/1\.1 403 /);
    const last = daemon
      .decisions()
      .findLast(({ attributes }) => attributes['server.address'] === 'local.test');
    assert.equal(last?.attributes['network.policy.reason'], 'not_allowed_local');
  });
});

describe('the self-approval guard', { timeout: 120_000 }, () => {
  it('refuses an answer from the asking tree, records it, and takes one from another terminal', async () => {
    const origin = await startOrigin();
    const daemon = await startSallyport({
      hosts: { 'sly.test': '127.0.0.1' },
      config: `[network]\nallowed_domains = ["127.0.0.1:${origin.port}"]\n`,
    });
    // The asker waits in the background; its sibling under the same exec tries to answer for it. `exec` does not say
    // where the state folder is, so it is named here, as by a program that has found it.
    const script = `export SALLYPORT_STATE='${daemon.state}'
curl -sS -o /dev/null -w '%{http_code}' http://sly.test:${origin.port}/ & asker=$!
for i in $(seq 200); do id=$('${launcher}' pending --json | sed -n 's/.*"id": *"\\([^"]*\\)".*/\\1/p' | head -n 1); [ -n "$id" ] && break; sleep 0.05; done
'${launcher}' allow "$id"; echo "self=$?"
token=$(cat '${daemon.state}/token')
say() { curl -sS -m 10 -o /dev/null -w '%{http_code}' "$@" -H "authorization: Bearer $token" -H 'content-type: application/json' -d '{"outcome":"allow","for":"720h"}'; }
echo "port=$(say "http://127.0.0.1:${daemon.control}/v1/pending/$id/answer")"
echo "socket=$(say --unix-socket '${daemon.state}/control.sock' "http://localhost/v1/pending/$id/answer")"
echo "detached=$(setsid -w curl -sS -m 10 -o /dev/null -w '%{http_code}' --unix-socket '${daemon.state}/control.sock' -H "authorization: Bearer $token" -H 'content-type: application/json' -d '{"outcome":"allow"}' "http://localhost/v1/pending/$id/answer")"
echo tried
wait $asker`;
    const inside = run(launcher, ['exec', '--', 'bash', '-c', script], {
      env: daemon.env,
      timeoutMs: 60_000,
    });
    const group = await daemon.question('sly.test');
    await eventually('the four attempts are recorded', () => {
      const attempts = daemon.journal().filter(({ name }) => name === 'sallyport.approval.self');
      return attempts.length === 4 ? attempts : undefined;
    });
    assert.equal(origin.arrived(), 0, 'a self-approved request goes nowhere');
    const outside = await daemon.sallyport(['allow', group.id]);
    assert.deepEqual({ status: outside.status, stderr: outside.stderr }, { status: 0, stderr: '' });
    const done = await inside;
    assert.match(done.stdout, /self=5\nport=403\nsocket=403\ndetached=403\n/);
    assert.match(done.stdout, /200$/);
    await daemon.stop();
    origin.server.close();
    removeFolder(daemon.folder);
  });
});

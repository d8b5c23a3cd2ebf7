// What approvers can do to the running daemon besides answering: undo, pause, stop everything, accept or undo a
// policy that widens, hand out tokens; and that no program behind the gate can do any of it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createControlClient } from '../../src/control/client.ts';
import type { GroupView } from '../../src/control/messages.ts';
import { startCurl, startStreamingOrigin, type RunningCurl } from '../support/curl.ts';
import {
  eventually,
  launcher,
  removeFolder,
  run,
  startSallyport,
  type Finished,
  type RunningDaemon,
} from '../support/daemon.ts';
import type { Origin } from '../support/origin.ts';

let origin: Origin;
let port = 0;
before(async () => {
  origin = await startStreamingOrigin();
  ({ port } = origin);
});
after(async () => await origin.close());

/** curl under `sallyport exec`; a stream goes through a tunnel. */
function ask(daemon: RunningDaemon, host: string, path: '/' | '/stream' = '/'): RunningCurl {
  const tunnel = path === '/stream' ? ['--proxytunnel'] : [];
  return startCurl(daemon, [...tunnel, '-i', `http://${host}:${port}${path}`]);
}

async function printed(asking: RunningCurl, text: string): Promise<void> {
  await eventually(`curl prints ${text}`, () => asking.output().includes(text) || undefined);
}

function names(daemon: RunningDaemon, name: string): readonly Readonly<Record<string, unknown>>[] {
  return daemon
    .journal()
    .filter((line) => line.name === name)
    .map(({ attributes }) => attributes);
}

async function start(
  hosts: readonly string[],
  more = '',
  given: Partial<Parameters<typeof startSallyport>[0]> = {},
): Promise<RunningDaemon> {
  const daemon = await startSallyport({
    hosts: Object.fromEntries(hosts.map((name) => [name, '127.0.0.1'])),
    config: `[network]\nallowed_domains = ["127.0.0.1:${port}", "allowed.test"]\n${more}`,
    ...given,
  });
  running.add(daemon);
  return daemon;
}

/** Daemons of tests that failed go on, and with them this process. */
const running = new Set<RunningDaemon>();
after(() => Promise.all([...running].map(end)));

async function end(daemon: RunningDaemon): Promise<void> {
  running.delete(daemon);
  await daemon.stop();
  removeFolder(daemon.folder);
}

describe('taking answers back', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await start(['once.test', 'hour.test', 'told.test', 'mine.test', 'longer.test']);
  });
  after(() => end(daemon));

  it('undo of an allow once closes the tunnel that it opened, and the next try asks', async () => {
    const stream = ask(daemon, 'once.test', '/stream');
    const { id } = await daemon.question('once.test');
    assert.equal((await daemon.sallyport(['allow', id])).status, 0);
    await printed(stream, 'first');
    const undone = await daemon.sallyport(['undo', '--json']);
    assert.equal(undone.status, 0, undone.stderr);
    assert.equal((JSON.parse(undone.stdout) as { closed: number }).closed, 1);
    assert.notEqual((await stream.ended).status, 0);
    const [record] = names(daemon, 'sallyport.approval.undone');
    assert.equal(record?.['sallyport.group.id'], id);
    assert.equal(record?.['sallyport.gate.closed'], 1);
    const again = ask(daemon, 'once.test');
    assert.notEqual((await daemon.question('once.test')).id, id);
    again.child.kill();
    await again.ended;
    assert.equal((await daemon.sallyport(['undo', id])).status, 3, 'it has been undone already');
  });

  it('undo of an allow for an hour takes its grant away', async () => {
    const asking = ask(daemon, 'hour.test');
    const { id } = await daemon.question('hour.test');
    await daemon.sallyport(['allow', id, '--for', '1h', '--note', 'for the release']);
    assert.match((await asking.ended).stdout, /origin/);
    const grants = (await daemon.sallyport(['grants', '--json'])).stdout;
    assert.match(grants, /for the release/);
    assert.equal((await daemon.sallyport(['undo', id])).status, 0);
    assert.doesNotMatch((await daemon.sallyport(['grants', '--json'])).stdout, /hour\.test/);
  });

  it('a deny tells the program why, holds for a minute without asking again, and undo ends that', async () => {
    const asking = ask(daemon, 'told.test');
    const { id } = await daemon.question('told.test');
    await daemon.sallyport(['deny', id, '--tell', 'use the mirror at mirror.test']);
    const told = /The approver says: use the mirror at mirror\.test/;
    assert.match((await asking.ended).stdout, told);
    const again = await ask(daemon, 'told.test').ended;
    assert.match(again.stdout, told);
    assert.equal((await daemon.sallyport(['undo', id])).status, 0);
    const third = ask(daemon, 'told.test');
    assert.notEqual((await daemon.question('told.test')).id, id);
    third.child.kill();
    await third.ended;
  });

  it('an allow for this program lets that program through and asks about others', async () => {
    const asking = ask(daemon, 'mine.test');
    const { id } = await daemon.question('mine.test');
    const done = await daemon.sallyport(['allow', id, '--for', '1h', '--program', 'this']);
    assert.equal(done.status, 0, done.stderr);
    assert.match((await asking.ended).stdout, /origin/);
    assert.match((await ask(daemon, 'mine.test').ended).stdout, /origin/);
    const fetching = `fetch('http://mine.test:${port}/').then(async (r) => console.log(await r.text()))`;
    const other = run(launcher, ['exec', '--', process.execPath, '-e', fetching], {
      env: daemon.env,
    });
    const question = await daemon.question('mine.test');
    assert.equal(question.askers[0]?.program, 'node');
    await daemon.sallyport(['deny', question.id]);
    assert.doesNotMatch((await other).stdout, /origin/);
  });

  it('hold lets what waits wait longer', async () => {
    const asking = ask(daemon, 'longer.test');
    const { id, deadline } = await daemon.question('longer.test');
    assert.equal((await daemon.sallyport(['hold', id, '30m'])).status, 0);
    const later = await daemon.question('longer.test');
    assert.ok(Date.parse(later.deadline ?? '') - Date.parse(deadline ?? '') > 20 * 60_000);
    await daemon.sallyport(['deny', id]);
    await asking.ended;
    assert.equal(names(daemon, 'sallyport.approval.extended').length, 1);
  });
});

describe('the brakes', { timeout: 120_000 }, () => {
  it('a pause refuses what waits and what comes, keeps the questions, and ends with resume', async () => {
    const daemon = await start(['paused.test', 'new.test']);
    const asking = ask(daemon, 'paused.test');
    const { id } = await daemon.question('paused.test');
    assert.equal((await daemon.sallyport(['pause', '10m'])).status, 0);
    const words = /An approver has paused questions until (\d+ \w+ )?\d\d:\d\d\./;
    assert.match((await asking.ended).stdout, words);
    assert.match((await ask(daemon, 'new.test').ended).stdout, words);
    assert.match((await ask(daemon, 'allowed.test').ended).stdout, /HTTP\/1\.1 502|origin/);
    assert.match((await daemon.sallyport(['status'])).stdout, /paused/);
    // Its client has left, so the answer is a ticket for the next try.
    assert.equal((await daemon.sallyport(['allow', id])).status, 0);
    assert.match((await ask(daemon, 'paused.test').ended).stdout, /origin/);
    assert.equal((await daemon.sallyport(['resume'])).status, 0);
    const waiting = ask(daemon, 'new.test');
    const held = await eventually('it waits again', async () => {
      const group = await daemon.question('new.test');
      return group.waiting === 1 ? group : undefined;
    });
    await daemon.sallyport(['deny', held.id]);
    await waiting.ended;
    assert.equal(names(daemon, 'sallyport.gate.paused').length, 1);
    assert.equal(names(daemon, 'sallyport.gate.resumed').length, 1);
    const acts = names(daemon, 'sallyport.control.acted').map((act) => [
      act['sallyport.control.action'],
      act['sallyport.control.token'],
    ]);
    assert.deepEqual(acts, [
      ['pause', 'local'],
      ['resume', 'local'],
    ]);
    await end(daemon);
  });

  it('panic ends everything at once, also over a restart, until it is taken back', async () => {
    let daemon = await start(['open.test', 'held.test', 'allowed.test']);
    const stream = ask(daemon, 'open.test', '/stream');
    const { id } = await daemon.question('open.test');
    await daemon.sallyport(['allow', id]);
    await printed(stream, 'first');
    const held = ask(daemon, 'held.test');
    await daemon.question('held.test');
    const stopped = await daemon.sallyport(['panic', '--json']);
    assert.equal(stopped.status, 0, stopped.stderr);
    assert.equal((JSON.parse(stopped.stdout) as { closed: number }).closed, 1);
    assert.notEqual((await stream.ended).status, 0);
    const words = /an approver has closed the gate/;
    assert.match((await held.ended).stdout, words);
    assert.match((await ask(daemon, 'allowed.test').ended).stdout, words);
    assert.match((await daemon.sallyport(['status'])).stdout, /panic/i);
    await daemon.stop();
    daemon = await start(['allowed.test'], '', { folder: daemon.folder });
    assert.match((await ask(daemon, 'allowed.test').ended).stdout, words);
    assert.equal((await daemon.sallyport(['panic', '--off'])).status, 0);
    assert.match((await ask(daemon, 'allowed.test').ended).stdout, /origin/);
    assert.equal(names(daemon, 'sallyport.gate.panic')[0]?.['sallyport.gate.closed'], 1);
    assert.equal(names(daemon, 'sallyport.gate.reopened').length, 1);
    const reasons = names(daemon, 'sallyport.connection.closed');
    assert.ok(reasons.some((closed) => closed['sallyport.connection.reason'] === 'panic'));
    await end(daemon);
  });
});

describe('a policy that widens', { timeout: 120_000 }, () => {
  const widen = (daemon: RunningDaemon): void => {
    const text = readFileSync(daemon.configFile, 'utf8');
    writeFileSync(daemon.configFile, text.replace('"allowed.test"', '"allowed.test", "wide.test"'));
  };

  it('is in force and announced, and undo takes it back with its tunnels', async () => {
    const daemon = await start(['wide.test']);
    widen(daemon);
    await daemon.sallyport(['reload']);
    const stream = ask(daemon, 'wide.test', '/stream');
    await printed(stream, 'first');
    const shown = await daemon.sallyport(['changes']);
    assert.match(shown.stdout, /\+ allow wide\.test/);
    assert.equal((await daemon.sallyport(['changes', 'undo'])).status, 0);
    const again = ask(daemon, 'wide.test');
    const question = await daemon.question('wide.test');
    await daemon.sallyport(['deny', question.id]);
    await again.ended;
    stream.child.kill();
    await stream.ended;
    assert.deepEqual(
      names(daemon, 'sallyport.policy.changed').map((change) => change['sallyport.policy.state']),
      ['applied', 'undone'],
    );
    await end(daemon);
  });

  it('waits for an approver under confirm_widening', async () => {
    const daemon = await start(['wide.test'], '[control]\nconfirm_widening = true\n');
    widen(daemon);
    await daemon.sallyport(['reload']);
    const asking = ask(daemon, 'wide.test');
    const question = await daemon.question('wide.test');
    assert.match((await daemon.sallyport(['status'])).stdout, /wait/);
    assert.equal((await daemon.sallyport(['changes', 'accept'])).status, 0);
    assert.match((await asking.ended).stdout, /origin/, 'what waits goes on with the new policy');
    assert.equal((await daemon.sallyport(['show', question.id])).status, 3);
    await end(daemon);
  });

  it('saved by an admin with the difference in sight needs no second word', async () => {
    const daemon = await start(['wide.test'], '[control]\nconfirm_widening = true\n');
    const old = readFileSync(daemon.configFile, 'utf8').split('\n');
    const added = await daemon.sallyport(['rules', 'add', 'allow', 'wide.test', '--yes']);
    assert.equal(added.status, 0, added.stderr);
    assert.match((await ask(daemon, 'wide.test').ended).stdout, /origin/);
    const now = readFileSync(daemon.configFile, 'utf8').split('\n');
    assert.equal(old.filter((line) => !now.includes(line)).length, 1);
    assert.equal(names(daemon, 'sallyport.policy.edited').length, 1);
    await end(daemon);
  });
});

describe('nobody to ask', { timeout: 60_000 }, () => {
  it('refuses at once, keeps the question, and an answer serves the next try', async () => {
    const env = { CODEX_NON_INTERACTIVE: '1' };
    const daemon = await start(['alone.test'], '', { env });
    const refused = await ask(daemon, 'alone.test').ended;
    const [, id] = /sallyport allow ([a-z]\d+)/.exec(refused.stdout) ?? [];
    assert.ok(id !== undefined, refused.stdout);
    const group = await daemon.question('alone.test');
    assert.equal(group.id, id);
    assert.equal(group.waiting, 0);
    assert.equal(group.askers[0]?.program, 'curl', 'who asked is known although it was refused');
    assert.equal((await daemon.sallyport(['allow', id])).status, 0);
    assert.match((await ask(daemon, 'alone.test').ended).stdout, /origin/);
    await end(daemon);
  });
});

describe('roles', { timeout: 60_000 }, () => {
  it('let a viewer look without command lines, an approver answer, and neither more', async () => {
    const daemon = await start(['role.test']);
    const secretOf = async (role: string): Promise<string> => {
      const words = ['token', 'create', role, '--role', role, '--json'];
      const made = await daemon.sallyport(words);
      assert.equal(made.status, 0, made.stderr);
      return (JSON.parse(made.stdout) as { secret: string }).secret;
    };
    const [viewing, answering] = [await secretOf('viewer'), await secretOf('approver')];
    const kept = readFileSync(join(daemon.state, 'tokens.json'), 'utf8');
    assert.ok(!kept.includes(viewing) && !kept.includes(answering), 'only hashes are kept');
    const url = `http://127.0.0.1:${daemon.control}`;
    const viewer = createControlClient({ url, token: viewing });
    const approver = createControlClient({ url, token: answering });
    const asking = ask(daemon, 'role.test');
    const { id } = await daemon.question('role.test');
    const { groups } = await viewer.pending();
    assert.deepEqual(groups[0]?.askers[0]?.commandLine, []);
    assert.equal(groups[0]?.askers[0]?.program, 'curl');
    const refused = { code: 'ERR_CONTROL_REFUSED', status: 403 };
    await assert.rejects(viewer.answer(id, { outcome: 'allow' }), refused);
    await assert.rejects(viewer.panic(true), refused);
    await assert.rejects(approver.tokens(), refused);
    await assert.rejects(
      approver.saveRules({ file: daemon.configFile, etag: 'absent', text: '' }),
      refused,
    );
    assert.equal((await approver.answer(id, { outcome: 'allow' })).released, 1);
    assert.match((await asking.ended).stdout, /origin/);
    const id2 = (await createControlClient({ state: daemon.state }).tokens()).tokens.find(
      ({ name }) => name === 'viewer',
    )?.id;
    await daemon.sallyport(['token', 'revoke', id2 ?? '']);
    await assert.rejects(viewer.pending(), { status: 401 });
    await end(daemon);
  });
});

describe('a program behind the gate', { timeout: 120_000 }, () => {
  it('cannot undo, revoke, resume, reopen, edit rules, make tokens or open the page', async () => {
    const daemon = await start(['sly.test']);
    const asking = ask(daemon, 'sly.test');
    const { id }: GroupView = await daemon.question('sly.test');
    await daemon.sallyport(['deny', id, '--for', '1h']);
    await asking.ended;
    await daemon.sallyport(['pause', '10m']);
    const { grants } = JSON.parse((await daemon.sallyport(['grants', '--json'])).stdout) as {
      grants: { id: string }[];
    };
    const tries = [
      ['undo', id],
      ['revoke', grants[0]?.id ?? ''],
      ['resume'],
      ['rules', 'add', 'allow', 'sly.test', '--yes'],
      ['token', 'create', 'mine', '--role', 'admin'],
      ['token', 'rotate'],
      ['open', '--print'],
      ['panic', '--off'],
    ];
    // The state folder is named to it here, which `exec` itself does not do.
    const inside = (words: readonly string[]): Promise<Finished> =>
      run(launcher, ['exec', '--', 'env', `SALLYPORT_STATE=${daemon.state}`, launcher, ...words], {
        env: daemon.env,
      });
    for (const words of tries) {
      if (words[0] === 'panic') await daemon.sallyport(['panic']);
      const tried = await inside(words);
      assert.equal(tried.status, 5, `${words.join(' ')}: ${tried.stdout}${tried.stderr}`);
    }
    const recorded = names(daemon, 'sallyport.control.refused');
    assert.deepEqual(
      recorded.map((refused) => refused['sallyport.control.action']),
      [
        'undo',
        'revoke',
        'resume',
        'rules_check', // which comes before any saving
        'token_create',
        'token_rotate',
        'page_code',
        'panic',
      ],
    );
    assert.ok(recorded.every((refused) => refused['sallyport.answer.taken'] === false));
    assert.match((await daemon.sallyport(['status'])).stdout, /panic/i);
    await end(daemon);
  });
});

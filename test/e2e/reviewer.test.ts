// A program reviews questions before people are asked, within its bounds; another tells of what is left to them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { PendingNotice, ReviewQuestion } from '../../src/approval/hook-question.ts';
import type { GrantsResponse, StatusResponse } from '../../src/control/messages.ts';
import {
  eventually,
  removeFolder,
  startSallyport,
  type DaemonOptions,
  type JournalLine,
  type RunningDaemon,
} from '../support/daemon.ts';
import { connectThrough } from '../support/proxy-client.ts';

/** Decides by name, and keeps what it was given. */
const reviewScript = `
import { appendFileSync, readFileSync } from 'node:fs';
const text = readFileSync(0, 'utf8');
appendFileSync(process.argv[2], text);
const { host } = JSON.parse(text);
const say = (verdict, risk, reason, more) => console.log(JSON.stringify({ verdict, risk, reason, ...more }));
if (host.startsWith('library')) say('allow', 'low', 'a library everybody uses');
if (host.startsWith('inside')) say('allow', 'low', 'looks harmless');
if (host.startsWith('leaking')) say('deny', 'high', 'people send data there');
if (host.startsWith('unclear')) say('allow', 'medium', 'nobody knows it');
if (host.startsWith('widening')) say('allow', 'low', 'and more', { host: '*.test', for: 'always' });
if (host.startsWith('crashing')) process.exit(7);
if (host.startsWith('hanging')) setInterval(() => 0, 1e6);
`;

const tellScript = `
import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync(process.argv[2], readFileSync(0, 'utf8'));
`;

interface Reviewed {
  readonly daemon: RunningDaemon;
  readonly origin: Server;
  readonly port: number;
  readonly questions: () => readonly ReviewQuestion[];
  readonly notices: () => readonly PendingNotice[];
  readonly stop: () => Promise<void>;
}

const names = [
  'library',
  'inside',
  'leaking',
  'unclear',
  'widening',
  'crashing',
  'hanging',
  'blocked',
];

async function startReviewed(
  approvals: string,
  options: Partial<DaemonOptions> = {},
): Promise<Reviewed> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-review-'));
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('review.mjs'), reviewScript);
  writeFileSync(file('tell.mjs'), tellScript);
  const origin = createServer((_request, response) => response.end('origin\n'));
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const { port } = origin.address() as AddressInfo; // a TCP server
  const node = JSON.stringify(process.execPath);
  const daemon = await startSallyport({
    hosts: Object.fromEntries(names.map((name) => [`${name}.test`, '127.0.0.1'])),
    config: `[network]
allowed_domains = ["127.0.0.1:${port}"]
denied_domains = ["blocked.test"]
[approvals]
dangerously_allow_self_approval = true
reviewer = "auto_review"
review_with = [${node}, "${file('review.mjs')}", "${file('questions.jsonl')}"]
on_pending = [${node}, "${file('tell.mjs')}", "${file('notices.jsonl')}"]
${approvals}
`,
    ...options,
  });
  const read = (name: string): readonly unknown[] =>
    existsSync(file(name))
      ? readFileSync(file(name), 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line): unknown => JSON.parse(line))
      : [];
  return {
    daemon,
    origin,
    port,
    questions: () => read('questions.jsonl') as readonly ReviewQuestion[], // as the script kept them
    notices: () => read('notices.jsonl') as readonly PendingNotice[],
    stop: async () => {
      await daemon.stop();
      origin.closeAllConnections();
      origin.close();
      removeFolder(daemon.folder);
      removeFolder(folder);
    },
  };
}

/** Asks for a tunnel and gives all that comes until the other end closes, or the first bytes of a tunnel. */
async function ask(daemon: RunningDaemon, authority: string): Promise<string> {
  const { socket, answer } = connectThrough(daemon.http, authority);
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
  const status = await answer;
  if (!status.includes(' 200 ') && !socket.closed) await once(socket, 'close');
  socket.destroy();
  return text;
}

async function statusOf(daemon: RunningDaemon): Promise<StatusResponse> {
  const { stdout } = await daemon.sallyport(['status', '--json']);
  return JSON.parse(stdout) as StatusResponse;
}

function decisionFor(daemon: RunningDaemon, host: string): JournalLine | undefined {
  return daemon.decisions().find(({ attributes }) => attributes['server.address'] === host);
}

describe('the automatic reviewer', { timeout: 120_000 }, () => {
  let reviewed: Reviewed;
  before(async () => {
    reviewed = await startReviewed('review_seconds = 3\nreview_minutes = 5');
  });
  after(() => reviewed.stop());

  it('lets a name through at low risk, for minutes, this host and port, and is recorded', async () => {
    const { daemon, port, questions } = reviewed;
    assert.match(await ask(daemon, `library.test:${port}`), /^HTTP\/1\.1 200 /);
    assert.match(await ask(daemon, `library.test:${port}`), /^HTTP\/1\.1 200 /);
    const { stdout } = await daemon.sallyport(['grants', '--json']);
    const { grants } = JSON.parse(stdout) as GrantsResponse;
    assert.deepEqual(
      grants.map(({ outcome, host, port: at, for: lasts, approver, surface, note }) => {
        return { outcome, host, port: at, for: lasts, approver, surface, note };
      }),
      [
        {
          outcome: 'allow',
          host: 'library.test',
          port,
          for: 'until',
          approver: 'auto_review',
          surface: 'reviewer',
          note: 'a library everybody uses',
        },
      ],
    );
    const [grant] = grants;
    const lastsMs = Date.parse(grant?.expires ?? '') - Date.parse(grant?.created ?? '');
    assert.ok(Math.abs(lastsMs - 300_000) < 2_000, String(lastsMs));
    const asked = questions().filter(({ host }) => host === 'library.test');
    assert.equal(asked.length, 1, 'one question for both');
    const decision = decisionFor(daemon, 'library.test');
    assert.deepEqual(
      [
        decision?.attributes['network.policy.decision'],
        decision?.attributes['network.policy.override'],
        decision?.attributes['sallyport.approver.name'],
        decision?.attributes['sallyport.approver.surface'],
      ],
      ['allow', true, 'auto_review', 'reviewer'],
    );
  });

  it('is given no command line, no folder and no path', async () => {
    const { daemon, port, questions } = reviewed;
    const child = await daemon.sallyport(['pending', '--json']);
    assert.equal(child.status, 0);
    await ask(daemon, `library.test:${port}`);
    for (const question of questions()) {
      assert.deepEqual(
        Object.keys(question).filter((key) => /command|cwd|folder|request/i.test(key)),
        [],
      );
      assert.doesNotMatch(JSON.stringify(question), /reviewer\.test\.ts|\/tmp\//);
    }
  });

  it('refuses at its word, and tells the program why', async () => {
    const { daemon, port } = reviewed;
    const text = await ask(daemon, `leaking.test:${port}`);
    assert.match(text, /^HTTP\/1\.1 403 /);
    assert.match(text, /people send data there/);
  });

  it('cannot open what resolves to this machine', async () => {
    const { daemon, port } = reviewed;
    const text = await ask(daemon, `inside.test:${port + 1}`);
    assert.match(text, /^HTTP\/1\.1 403 /);
    const decision = decisionFor(daemon, 'inside.test');
    assert.equal(decision?.attributes['network.policy.reason'], 'not_allowed_local');
  });

  it('is not asked about what rules deny, and not about local addresses', async () => {
    const { daemon, port, questions } = reviewed;
    for (const authority of [`blocked.test:${port}`, '10.1.2.3:443', '[::1]:22', 'localhost:22']) {
      assert.match(await ask(daemon, authority), /^HTTP\/1\.1 403 /, authority);
    }
    const hosts = questions().map(({ host }) => host);
    assert.deepEqual(
      hosts.filter((host) => /blocked|10\.|::1|localhost/.test(host)),
      [],
    );
  });

  for (const name of ['unclear', 'widening', 'crashing', 'hanging']) {
    it(`leaves it to a person when it is ${name}, and on_pending tells of it`, async () => {
      const { daemon, port, notices } = reviewed;
      const answer = ask(daemon, `${name}.test:${port}`);
      const notice = await eventually(`a notice of ${name}`, () =>
        notices().find(({ host }) => host === `${name}.test`),
      );
      const group = await daemon.question(`${name}.test`);
      assert.deepEqual([notice.id, group.waiting], [group.id, 1]);
      assert.match(notice.text, new RegExp(`sallyport allow ${group.id}`));
      assert.doesNotMatch(JSON.stringify(notice), /commandLine|cwd|\/tmp\//);
      assert.deepEqual([group.why], ['reviewer']);
      assert.equal((await daemon.sallyport(['allow', group.id])).status, 0);
      assert.match(await answer, /^HTTP\/1\.1 200 /);
    });
  }

  it('says in status what is wrong with it', async () => {
    const { reviewer } = await statusOf(reviewed.daemon);
    assert.deepEqual(reviewer, {
      kind: 'auto_review',
      problem: 'the reviewer did not answer within 3 s',
    });
  });

  it('stands back when a person is faster', async () => {
    const { daemon, port, notices } = reviewed;
    const told = notices().length;
    const answer = ask(daemon, `hanging.test:${port}`);
    const group = await daemon.question('hanging.test');
    assert.equal(group.whySentence, 'The automatic reviewer is looking at it.');
    assert.equal((await daemon.sallyport(['deny', group.id])).status, 0);
    assert.match(await answer, /^HTTP\/1\.1 403 /);
    assert.equal(notices().length, told);
  });
});

describe('the automatic reviewer with nobody there', { timeout: 120_000 }, () => {
  let reviewed: Reviewed;
  before(async () => {
    reviewed = await startReviewed('review_seconds = 3', {
      env: { CODEX_NON_INTERACTIVE: '1' },
    });
  });
  after(() => reviewed.stop());

  it('is waited for, and its allow goes through', async () => {
    const { daemon, port } = reviewed;
    assert.match(await ask(daemon, `library.test:${port}`), /^HTTP\/1\.1 200 /);
  });

  it('is waited for no longer than its time', async () => {
    const { daemon, port } = reviewed;
    const text = await ask(daemon, `hanging.test:${port}`);
    assert.match(text, /^HTTP\/1\.1 403 /);
    const group = await daemon.question('hanging.test');
    assert.equal(group.waiting, 0);
  });
});

describe('the automatic reviewer under a managed list', { timeout: 120_000 }, () => {
  it('is never asked', async () => {
    const reviewed = await startReviewed('', {
      etc: {
        'sallyport/requirements.toml':
          '[network]\nmanaged_allowed_domains_only = true\nallowed_domains = ["only.test"]\n',
      },
    });
    try {
      const { daemon, port, questions } = reviewed;
      assert.match(await ask(daemon, `library.test:${port}`), /^HTTP\/1\.1 403 /);
      assert.deepEqual(questions(), []);
    } finally {
      await reviewed.stop();
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pendingCommand, renderNews, renderPending } from '../../../src/cli/pending.ts';
import type { GroupView } from '../../../src/control/messages.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import {
  makeAnswer,
  makeAskerView,
  makeFacts,
  makeGroup,
  makeLiveView,
} from '../../support/views.ts';

const asker = makeAskerView({
  pid: 77,
  program: '/usr/bin/curl',
  commandLine: ['curl', 'https://a.example'],
});
const group = makeGroup({
  revision: 2,
  host: 'a.example',
  waiting: 4,
  asked: 5,
  firstSeen: '2026-11-20T10:00:00.000Z',
  lastSeen: '2026-11-20T10:00:30.000Z',
  deadline: '2026-11-20T10:04:50.000Z',
  expires: '2026-11-20T10:30:00.000Z',
  askers: [asker],
});
const now = Date.parse('2026-11-20T10:01:00.000Z');

describe('renderPending', () => {
  it('shows a line for each question', () => {
    const other: GroupView = {
      ...group,
      id: 'm12',
      host: '2606:4700::1',
      waiting: 0,
      deadline: null,
      askers: [],
      whySentence: 'It is a bare address.',
      facts: makeFacts({ about: 'code hosting' }),
      warnings: ['Look\u202e twice.'],
      bundle: { id: 'b1', title: 'npm asks for 2 new hosts', suggests: null },
    };
    assert.equal(
      renderPending([group, other], now),
      `ID   PROTOCOL       DESTINATION         WAITING  LEFT  AGE  ASKED BY
k3   https_connect  a.example:443       4        4m    60s  curl https://a.example (pid 77)
     No rule names this host.
m12  https_connect  [2606:4700::1]:443  0        -     60s  unknown
     It is a bare address. code hosting (npm asks for 2 new hosts)
   ! Look\\u202e twice.
`,
    );
  });

  it('cannot be forged by a command line', () => {
    const forged = {
      ...asker,
      commandLine: ['curl', 'x\n k4  https_connect  \u001b[1mfriend.example\u202e'],
    };
    const text = renderPending([{ ...group, askers: [forged, asker] }], now);
    assert.equal(text.split('\n').length, 4);
    assert.match(
      text,
      /curl x\\u000a k4 {2}https_connect {2}\\u001b\[1mfriend.example\\u202e \(pid 77\) and 1 more\n/,
    );
  });

  it('cuts a long command line', () => {
    const long = { ...asker, commandLine: ['x'.repeat(500)] };
    assert.match(renderPending([{ ...group, askers: [long] }], now), / x{59}… \(pid 77\)\n/);
  });

  it('says when nothing waits', () => assert.equal(renderPending([], now), 'nothing waits\n'));
});

describe('renderNews', () => {
  const open = makeLiveView({ groups: [group] });

  it('names what came', () => {
    const similar = { ...group, warnings: ['It looks like b.example.'] };
    assert.equal(
      renderNews(undefined, makeLiveView({ groups: [group, { ...similar, id: 'k4' }] })),
      `k3 asks: a.example:443 for curl https://a.example (pid 77)
k4 asks: a.example:443 for curl https://a.example (pid 77); beware: It looks like b.example.
`,
    );
    assert.equal(renderNews(open, open), '');
  });

  it('says how what went has ended', () => {
    const answer = makeAnswer({ host: 'a.example', for: '1h', approver: 'ann\u202e' });
    assert.equal(
      renderNews(open, makeLiveView({ answers: [answer] })),
      'k3 is allowed for 1h by ann\\u202e (cli)\n',
    );
    assert.equal(renderNews(open, makeLiveView()), 'k3 ends without an answer\n');
  });
});

describe('pending', () => {
  it('prints what the daemon answers as JSON', async (t) => {
    const daemon = await startStandIn(t, () => [200, { groups: [group] }]);
    const io = recordIo(daemon.env);
    assert.equal(await pendingCommand.run(['--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), { groups: [group] });
    assert.deepEqual(daemon.seen, [{ method: 'GET', path: '/v1/pending', body: undefined }]);
  });

  it('prints the table', async (t) => {
    const daemon = await startStandIn(t, () => [200, { groups: [] }]);
    const io = recordIo(daemon.env);
    assert.equal(await pendingCommand.run([], io), 0);
    assert.deepEqual(io.written, { out: 'nothing waits\n', err: '' });
  });

  it('takes no words', async () => {
    await assert.rejects(pendingCommand.run(['k3'], recordIo()), { code: 'ERR_USAGE' });
  });
});

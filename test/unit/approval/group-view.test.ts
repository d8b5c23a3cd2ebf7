import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFloodWatch } from '../../../src/approval/flood.ts';
import { createGroupView, floodAsker, heldAsker } from '../../../src/approval/group-view.ts';
import type { GroupViewParts, HeldAsker } from '../../../src/approval/group-view.ts';
import { createHostMemory } from '../../../src/approval/host-memory.ts';
import { createNameIndex } from '../../../src/approval/name-index.ts';
import { createPatience } from '../../../src/approval/patience.ts';
import type { PendingGroup } from '../../../src/approval/pending.ts';
import type { Destination } from '../../../src/policy/destination.ts';
import {
  makeAsker,
  makeDestination,
  makeProcess,
  makeRequest,
  makeShell,
} from '../../support/asking.ts';
import { makeEntry } from '../../support/decisions.ts';

const nowMs = Date.UTC(2026, 10, 20, 12);
const codex = makeProcess(50, { executable: '/opt/codex (deleted)' });
const curl = makeAsker(
  makeProcess(70, {
    executable: '/usr/bin/curl',
    name: 'curl',
    commandLine: ['curl', 'https://x.test/\u202e'],
    cwd: '/home/dev/app/src',
    repository: '/home/dev/app',
  }),
  codex,
  makeShell(30),
);

function makeParts(given: Partial<GroupViewParts> = {}): GroupViewParts {
  return {
    now: () => nowMs,
    memory: createHostMemory(),
    flood: createFloodWatch(),
    patience: createPatience(),
    ruleNames: () => createNameIndex(['example.net']),
    reviewOf: () => undefined,
    stance: () => 'hold',
    home: '/home/dev',
    ...given,
  };
}

function makeQuestion(
  destination: Destination,
  given: Partial<PendingGroup<HeldAsker>> = {},
): PendingGroup<HeldAsker> {
  return {
    id: 'k3',
    revision: 2,
    destination,
    waiting: 1,
    asked: 3,
    firstSeenMs: nowMs - 60_000,
    lastSeenMs: nowMs - 5_000,
    oldestMs: nowMs - 30_000,
    deadlineMs: nowMs + 260_000,
    expiresMs: nowMs + 1_800_000,
    askers: [heldAsker(curl)],
    unidentified: false,
    ...given,
  };
}

function show(
  destination: Destination,
  given: Partial<GroupViewParts> = {},
  group: Partial<PendingGroup<HeldAsker>> = {},
) {
  return createGroupView(makeParts(given))(
    makeQuestion(destination, group),
    makeRequest(destination),
  );
}

describe('createGroupView', () => {
  it('says that a question is under review only while it is, so that nobody is called for it', () => {
    const during = show(makeDestination('a.test'), { reviewOf: () => ({ kind: 'reviewing' }) });
    const passedOn = { kind: 'asked', reason: 'it is not sure' } as const;
    const after = show(makeDestination('a.test'), { reviewOf: () => passedOn });
    assert.deepEqual([during.reviewing, after.reviewing], [true, undefined]);
    assert.deepEqual([during.why, after.why], ['reviewer', 'reviewer']);
  });

  it('shows a question that somebody waits in, whole', () => {
    assert.deepEqual(show(makeDestination('api.example.com')), {
      id: 'k3',
      revision: 2,
      protocol: 'https_connect',
      host: 'api.example.com',
      port: 443,
      request: null,
      waiting: 1,
      asked: 3,
      firstSeen: '2026-11-20T11:59:00.000Z',
      lastSeen: '2026-11-20T11:59:55.000Z',
      waitingSince: '2026-11-20T11:59:30.000Z',
      deadline: '2026-11-20T12:04:20.000Z',
      clientLeaves: '2026-11-20T12:04:30.000Z',
      expires: '2026-11-20T12:30:00.000Z',
      why: 'no_rule',
      whySentence: 'No rule names this host.',
      facts: {
        unicode: null,
        kind: 'name',
        about: null,
        lookAlike: {
          of: 'example.net',
          kind: 'suffix',
          sentence: 'example.com looks like example.net: ".com" for ".net".',
        },
        allowed: 0,
        denied: 0,
        firstSeen: null,
      },
      wildcards: [{ host: '*.example.com', covers: ['api.example.com'] }],
      exactOnly: null,
      warnings: ['example.com looks like example.net: ".com" for ".net".'],
      quickAllow: false,
      bundle: null,
      askers: [
        {
          pid: 70,
          program: 'curl',
          executable: '/usr/bin/curl',
          commandLine: ['curl', 'https://x.test/\\u202e'],
          cwd: '~/app/src',
          repository: '~/app',
          parents: ['codex', 'bash'],
        },
      ],
      unidentified: false,
    });
  });

  it('lets one click allow a name nothing speaks against', () => {
    const { quickAllow, warnings } = show(makeDestination('api.quiet.test'));
    assert.deepEqual({ quickAllow, warnings }, { quickAllow: true, warnings: [] });
  });

  it('shows an address that nobody waits for, by a program of another user', () => {
    const destination = makeDestination('2001:db8::1', 80, { protocol: 'http', kind: 'ipv6' });
    const hidden = makeAsker(
      makeProcess(71, {
        executable: undefined,
        name: 'a\nb',
        cwd: undefined,
        repository: undefined,
      }),
    );
    const view = show(
      destination,
      {},
      {
        waiting: 0,
        oldestMs: undefined,
        deadlineMs: undefined,
        askers: [heldAsker(hidden)],
        unidentified: true,
      },
    );
    const { waitingSince, deadline, clientLeaves, why, wildcards, exactOnly, quickAllow } = view;
    assert.deepEqual(
      { waitingSince, deadline, clientLeaves, why, wildcards, exactOnly, quickAllow },
      {
        waitingSince: null,
        deadline: null,
        clientLeaves: null,
        why: 'address',
        wildcards: [],
        exactOnly: 'an address has no subdomains',
        quickAllow: false,
      },
    );
    assert.deepEqual(view.warnings, ['It is a bare address: no name says whose it is.']);
    assert.deepEqual(view.askers, [
      {
        pid: 71,
        program: 'a\\u000ab',
        executable: null,
        commandLine: ['program'],
        cwd: null,
        repository: null,
        parents: [],
      },
    ]);
    assert.equal(view.unidentified, true);
  });

  it('shows method and path of plain HTTP', () => {
    const destination = makeDestination('files.quiet.test', 80, { protocol: 'http' });
    const request = makeRequest(destination, {
      method: 'PUT',
      form: 'request',
      target: 'http://files.quiet.test/up/load?key=secret',
    });
    const view = createGroupView(makeParts())(makeQuestion(destination), request);
    assert.equal(view.request, 'PUT /up/load');
  });

  it('keeps what it found about a name, and reads the rest afresh', () => {
    const memory = createHostMemory();
    const destination = makeDestination('api.qulet.org');
    const showNow = createGroupView(makeParts({ memory }));
    const first = showNow(makeQuestion(destination), makeRequest(destination));
    memory.note(makeEntry('api.quiet.org', { outcome: 'allow' }), nowMs);
    memory.note(makeEntry('api.qulet.org', { outcome: 'deny' }), nowMs);
    const again = showNow(makeQuestion(destination), makeRequest(destination));
    const other = showNow(makeQuestion(destination, { id: 'k4' }), makeRequest(destination));
    assert.deepEqual(
      [first, again, other].map(({ facts }) => [facts.lookAlike?.of, facts.denied]),
      [
        [undefined, 0],
        [undefined, 1],
        ['api.quiet.org', 1],
      ],
    );
  });

  it('counts a card whose names may carry data among the warnings', () => {
    const flood = createFloodWatch();
    for (let n = 0; n < 9; n += 1) {
      flood.judge(undefined, makeDestination(`d${n}.quiet.test`), `a${n + 1}`, nowMs);
    }
    const view = show(makeDestination('d1.quiet.test'), { flood }, { id: 'a2' });
    assert.deepEqual(view.bundle, {
      id: 'card1',
      title: '9 names below quiet.test: names may carry data',
      suggests: 'deny',
    });
    assert.deepEqual(view.warnings, [
      'Many names below one domain were asked for at once: the names may carry data.',
    ]);
    assert.equal(view.quickAllow, false);
  });

  it('says that it was refused at once, for as long as nobody waits', () => {
    const stances = ['unattended', 'paused'] as const;
    const whys = stances.flatMap((stance) =>
      [0, 1].map(
        (waiting) =>
          show(makeDestination('a.quiet.test'), { stance: () => stance }, { waiting }).why,
      ),
    );
    assert.deepEqual(whys, ['unattended', 'no_rule', 'paused', 'no_rule']);
  });
});

describe('heldAsker', () => {
  it('counts what was left behind as one tree, however many there are, and nobody else in it', () => {
    const left = [80, 81, 82].map((pid) => heldAsker(makeAsker(makeProcess(pid))).tree);
    const exec = makeProcess(60, { isExec: true });
    const under = heldAsker(makeAsker(makeProcess(83), exec)).tree;
    const atTerminal = heldAsker(makeAsker(makeProcess(84), makeShell(30))).tree;
    assert.equal(new Set(left).size, 1);
    assert.equal(new Set([...left, under, atTerminal]).size, 3);
  });

  it('shares the tree between its processes and tells programs and folders apart', () => {
    const held = (given: object) =>
      heldAsker(makeAsker(makeProcess(71, given), codex, makeShell(30)));
    const [same, again, other, moved] = [
      {},
      { pid: 72, started: '9' },
      { executable: '/usr/bin/wget' },
      { cwd: '/tmp' },
    ].map(held);
    assert.equal(same?.tree, '50@1050');
    assert.equal(new Set([same, again, other, moved].map((each) => each?.tree)).size, 1);
    assert.equal(same?.identity, again?.identity);
    assert.equal(new Set([same, other, moved].map((each) => each?.identity)).size, 3);
  });
});

describe('floodAsker', () => {
  it('names the tree and what a person would call the program, escaped', () => {
    const process = makeProcess(71, { executable: '/opt/npm\u202e', commandLine: ['npm'] });
    assert.deepEqual(floodAsker(heldAsker(makeAsker(process, codex, makeShell(30)))), {
      tree: '50@1050',
      program: 'npm\\u202e',
      pid: 71,
    });
  });
});

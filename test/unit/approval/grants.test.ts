import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grantLimit } from '../../../src/approval/grants-file.ts';
import { createGrants } from '../../../src/approval/grants.ts';
import type { Grants, GrantSpec } from '../../../src/approval/grants.ts';
import type { GrantView } from '../../../src/control/messages.ts';
import { makeAsker, makeDestination, makeProcess } from '../../support/asking.ts';

const approver = { name: 'dev', surface: 'cli' };
const startMs = Date.UTC(2026, 10, 20, 12);

interface Bench {
  readonly grants: Grants;
  readonly add: (host: string, given?: Partial<GrantSpec>) => string;
  readonly pass: (ms: number) => void;
  readonly saved: string[];
  readonly changes: (readonly [string, string])[];
  readonly used: string[];
}

function bench(text?: string, save?: (text: string) => void): Bench {
  let nowMs = startMs;
  const saved: string[] = [];
  const changes: (readonly [string, string])[] = [];
  const used: string[] = [];
  const grants = createGrants({
    store: {
      file: '/state/grants.json',
      load: () => text,
      save: save ?? ((given) => saved.push(given)),
    },
    now: () => nowMs,
    onChanged: (change, { id }: GrantView) => changes.push([change, id]),
    onUsed: (id) => used.push(id),
  });
  const add = (host: string, given: Partial<GrantSpec> = {}): string => {
    const view = grants.add({
      outcome: 'allow',
      protocol: 'https_connect',
      host,
      port: 443,
      for: 'restart',
      lastsMs: undefined,
      approver,
      ...given,
    });
    return view?.id ?? 'full';
  };
  return { grants, add, pass: (ms) => (nowMs += ms), saved, changes, used };
}

describe('find', () => {
  const ask = makeDestination('a.b.example.net');
  const cases: readonly {
    name: string;
    host: string;
    given?: Partial<GrantSpec>;
    asked?: typeof ask;
    want: boolean;
  }[] = [
    { name: 'matches host, port and protocol', host: 'a.b.example.net', want: true },
    { name: 'tells ports apart', host: 'a.b.example.net', given: { port: 8443 }, want: false },
    { name: 'takes any port', host: 'a.b.example.net', given: { port: 'any' }, want: true },
    {
      name: 'tells protocols apart',
      host: 'a.b.example.net',
      given: { protocol: 'http' },
      want: false,
    },
    { name: 'tells hosts apart', host: 'b.example.net', want: false },
    { name: 'takes a wildcard one label up', host: '*.b.example.net', want: true },
    {
      name: 'takes a wildcard further up',
      host: '*.example.net',
      given: { port: 'any' },
      want: true,
    },
    {
      name: 'keeps a wildcard off its apex',
      host: '*.example.net',
      asked: makeDestination('example.net'),
      want: false,
    },
    {
      name: 'keeps a wildcard at label borders',
      host: '*.example.net',
      asked: makeDestination('a.badexample.net'),
      want: false,
    },
    {
      name: 'takes an address',
      host: '2001:db8::1',
      asked: makeDestination('2001:db8::1', 443, { kind: 'ipv6' }),
      want: true,
    },
    {
      name: 'keeps names off addresses',
      host: '*.3.4',
      asked: makeDestination('1.2.3.4', 443, { kind: 'ipv4' }),
      want: false,
    },
  ];
  for (const { name, host, given, asked = ask, want } of cases) {
    it(name, () => {
      const { grants, add } = bench();
      const id = add(host, given);
      assert.deepEqual(
        grants.find(asked),
        want ? { id, outcome: 'allow', ticket: false } : undefined,
      );
    });
  }
  it('lets deny beat allow, however narrow the allow is', () => {
    const { grants, add } = bench();
    add('a.b.example.net');
    const deny = add('*.example.net', { outcome: 'deny', port: 'any' });
    assert.equal(grants.find(ask)?.id, deny);
  });
  it('spares a ticket where another grant allows', () => {
    const { grants, add } = bench();
    add('a.b.example.net', { for: 'ticket', lastsMs: 600_000 });
    const lasting = add('*.example.net');
    assert.equal(grants.find(ask)?.id, lasting);
  });
  it('forgets what has expired, to the millisecond', () => {
    const { grants, add, pass, changes } = bench();
    const id = add('a.b.example.net', { for: 'until', lastsMs: 60_000 });
    pass(59_999);
    assert.equal(grants.find(ask)?.id, id);
    pass(1);
    assert.equal(grants.find(ask), undefined);
    assert.deepEqual(changes, [
      ['created', id],
      ['expired', id],
    ]);
    assert.deepEqual(grants.list(), []);
  });
});

describe('tickets', () => {
  const ask = makeDestination('a.example');
  it('are taken once', () => {
    const { grants, add } = bench();
    add('a.example', { for: 'ticket', lastsMs: 600_000 });
    const ref = grants.find(ask);
    assert.ok(ref?.ticket);
    assert.deepEqual(
      [grants.consume(ref), grants.consume(ref), grants.find(ask)],
      [true, false, undefined],
    );
  });
  it('deny once, too', () => {
    const { grants, add } = bench();
    add('a.example', { for: 'ticket', outcome: 'deny', lastsMs: 600_000 });
    assert.equal(grants.find(ask)?.outcome, 'deny');
  });
  it('are void after their ten minutes', () => {
    const { grants, add, pass } = bench();
    add('a.example', { for: 'ticket', lastsMs: 600_000 });
    const ref = grants.find(ask);
    pass(600_000);
    assert.ok(ref);
    assert.equal(grants.consume(ref), false);
  });
  it('are the only grants that consuming takes', () => {
    const { grants, add } = bench();
    const ref = { id: add('a.example'), outcome: 'allow', ticket: false } as const;
    assert.deepEqual([grants.consume(ref), grants.consume(ref)], [true, true]);
    assert.equal(grants.consume({ ...ref, id: 'g99' }), false);
  });
});

describe('grants', () => {
  it('are shown whole, with their uses', () => {
    const { grants, add, pass, used } = bench();
    add('*.example.net', { for: 'until', lastsMs: 3_600_000, port: 'any' });
    pass(1000);
    grants.noteUse('g1');
    grants.noteUse('g7');
    assert.deepEqual(used, ['g1']);
    assert.deepEqual(grants.list(), [
      {
        id: 'g1',
        outcome: 'allow',
        protocol: 'https_connect',
        host: '*.example.net',
        port: 'any',
        for: 'until',
        expires: '2026-11-20T13:00:00.000Z',
        created: '2026-11-20T12:00:00.000Z',
        approver: 'dev',
        surface: 'cli',
        uses: 1,
        lastUsed: '2026-11-20T12:00:01.000Z',
        programs: null,
        note: null,
        question: null,
      },
    ]);
  });
  it('are revoked once', () => {
    const { grants, add } = bench();
    const id = add('a.example');
    assert.equal(grants.revoke(id)?.id, id);
    assert.equal(grants.revoke(id), undefined);
    assert.equal(grants.find(makeDestination('a.example')), undefined);
  });
  it('are bounded, and expired ones make room', () => {
    const { grants, add, pass } = bench();
    for (let n = 0; n < grantLimit; n += 1) add(`h${n}.example`, { for: 'until', lastsMs: 60_000 });
    assert.equal(add('one-more.example'), 'full');
    pass(60_000);
    assert.equal(add('one-more.example'), `g${grantLimit + 1}`);
    assert.equal(grants.list().length, 1);
  });
});

describe('always', () => {
  it('comes back after a restart, other grants do not', () => {
    const first = bench();
    first.add('a.example', { for: 'always', outcome: 'deny' });
    first.add('b.example');
    first.add('*.c.example.net', { for: 'always', port: 'any', protocol: 'socks5_tcp' });
    first.grants.noteUse('g1');
    first.grants.flush();
    const second = bench(first.saved.at(-1));
    assert.deepEqual(
      second.grants.list(),
      first.grants.list().filter((grant) => grant.for === 'always'),
    );
    assert.equal(second.grants.find(makeDestination('a.example'))?.outcome, 'deny');
    assert.equal(second.add('d.example'), 'g4');
  });
  it('is saved when it comes and when it goes; of others only that their ids are taken', () => {
    const { grants, add, saved } = bench();
    add('b.example');
    add('a.example', { for: 'always' });
    grants.revoke('g1');
    grants.revoke('g2');
    assert.deepEqual(
      saved.map((text) => (JSON.parse(text) as { grants: unknown[] }).grants.length),
      [0, 1, 0],
    );
  });
  it('does not count when it cannot be saved', () => {
    const { grants, add } = bench(undefined, () => {
      throw new Error('disk full');
    });
    assert.throws(() => add('a.example', { for: 'always' }), /disk full/);
    assert.deepEqual(grants.list(), []);
  });
  it('is gone at once even when revoking cannot be saved', () => {
    let isFull = false;
    const { grants, add } = bench(undefined, () => {
      if (isFull) throw new Error('disk full');
    });
    add('a.example', { for: 'always' });
    isFull = true;
    assert.throws(() => grants.revoke('g1'), /disk full/);
    assert.equal(grants.find(makeDestination('a.example')), undefined);
  });
  it('is not back at the next start when revoking could be saved only later', () => {
    let isFull = false;
    let file = '';
    const { grants, add } = bench(undefined, (text) => {
      if (isFull) throw new Error('disk full');
      file = text;
    });
    add('a.example', { for: 'always' });
    isFull = true;
    assert.throws(() => grants.revoke('g1'), /disk full/);
    isFull = false;
    grants.flush();
    assert.deepEqual(bench(file).grants.list(), []);
  });
  it('writes use counts only when they changed', () => {
    const { grants, add, saved } = bench();
    add('a.example', { for: 'always' });
    grants.flush();
    assert.equal(saved.length, 1);
    grants.noteUse('g1');
    grants.flush();
    grants.flush();
    assert.equal(saved.length, 2);
  });
});

describe('a grant bound to programs', () => {
  const ask = makeDestination('a.b.example.net');
  const executable = '/usr/bin/curl';
  const folder = '/home/dev/app';
  const programs = [{ executable, folder }];
  const curl = makeAsker(makeProcess(70, { executable, repository: folder, cwd: `${folder}/src` }));
  const cases: readonly {
    name: string;
    asker: typeof curl;
    given?: Partial<GrantSpec>;
    host?: string;
    want: boolean;
  }[] = [
    { name: 'serves its program in its repository', asker: curl, want: true },
    {
      name: 'serves its program in its folder, where there is no repository',
      asker: makeAsker(makeProcess(70, { executable, repository: undefined, cwd: folder })),
      want: true,
    },
    { name: 'serves it by a wildcard', asker: curl, host: '*.example.net', want: true },
    {
      name: 'leaves another program out',
      asker: makeAsker(makeProcess(70, { executable: '/usr/bin/wget' })),
      want: false,
    },
    {
      name: 'leaves another repository out',
      asker: makeAsker(makeProcess(70, { executable, repository: '/home/dev/web' })),
      want: false,
    },
    {
      name: 'leaves out a program whose executable is not told',
      asker: makeAsker(makeProcess(70, { executable: undefined })),
      want: false,
    },
    { name: 'tells ports apart', asker: curl, given: { port: 8443 }, want: false },
  ];
  for (const { name, asker, given, host = 'a.b.example.net', want } of cases) {
    it(name, () => {
      const { grants, add } = bench();
      const id = add(host, { programs, ...given });
      assert.deepEqual(
        grants.findFor(ask, asker),
        want ? { id, outcome: 'allow', ticket: false, bound: true } : undefined,
      );
      assert.equal(grants.find(ask), undefined);
      assert.equal(grants.isBound(ask), given === undefined);
    });
  }
  it('that denies hides what others are allowed, until it is known who asks', () => {
    const { grants, add } = bench();
    const allow = add('*.example.net');
    const deny = add('a.b.example.net', { outcome: 'deny', programs });
    assert.equal(grants.find(ask), undefined);
    assert.equal(grants.find(makeDestination('c.example.net'))?.id, allow);
    assert.deepEqual(grants.findFor(ask, curl)?.id, deny);
    const other = makeAsker(makeProcess(71));
    assert.deepEqual(grants.findFor(ask, other), {
      id: allow,
      outcome: 'allow',
      ticket: false,
      bound: true,
    });
  });
  it('that allows does not hide a deny for all', () => {
    const { grants, add } = bench();
    const deny = add('*.example.net', { outcome: 'deny' });
    add('a.b.example.net', { programs });
    assert.deepEqual([grants.find(ask)?.id, grants.findFor(ask, curl)?.id], [deny, deny]);
  });
  it('is taken by being found when it is a ticket', () => {
    const { grants, add } = bench();
    const given = { for: 'ticket', lastsMs: 600_000, programs, question: 'k3' } as const;
    const id = add('a.b.example.net', given);
    const ref = { id, outcome: 'allow', ticket: true, bound: true, question: 'k3' };
    assert.deepEqual(grants.findFor(ask, curl), ref);
    assert.deepEqual([grants.findFor(ask, curl), grants.isBound(ask)], [undefined, false]);
  });
  it('is gone when it has expired or is revoked, also for who consumes', () => {
    const { grants, add, pass } = bench();
    add('a.b.example.net', { for: 'until', lastsMs: 60_000, programs });
    const ref = grants.findFor(ask, curl) ?? assert.fail();
    assert.equal(grants.consume(ref), true);
    pass(60_000);
    assert.deepEqual(
      [grants.consume(ref), grants.findFor(ask, curl), grants.isBound(ask)],
      [false, undefined, false],
    );
    grants.revoke(add('a.b.example.net', { programs }));
    assert.equal(grants.isBound(ask), false);
  });
  it('is kept with its programs, note and question', () => {
    const first = bench();
    first.add('a.b.example.net', {
      for: 'always',
      programs,
      note: 'for the build',
      question: 'k3',
    });
    const second = bench(first.saved.at(-1));
    assert.deepEqual(second.grants.list(), first.grants.list());
    assert.deepEqual(second.grants.list()[0]?.programs, programs);
    assert.equal(second.grants.findFor(ask, curl)?.id, 'g1');
  });
});

describe('ids', () => {
  it('mean one thing after a crash, too', () => {
    const first = bench();
    const before = ['a.example', 'b.example'].map((host) => first.add(host));
    const second = bench(first.saved.at(-1));
    const after = second.add('c.example');
    assert.equal(before.includes(after), false);
    assert.equal(Number(after.slice(1)) > 2, true);
  });
  it('go on without a gap after a stop', () => {
    const first = bench();
    first.add('a.example');
    first.grants.flush();
    assert.equal(bench(first.saved.at(-1)).add('b.example'), 'g2');
  });
  it('are set aside many at a time', () => {
    const { add, saved } = bench();
    for (let n = 0; n < 60; n += 1) add(`h${n}.example`);
    assert.equal(saved.length, 1);
    for (let n = 60; n < 70; n += 1) add(`h${n}.example`);
    assert.equal(saved.length, 2);
  });
  it('are given out although they cannot be set aside', () => {
    const { add } = bench(undefined, () => {
      throw new Error('disk full');
    });
    assert.deepEqual([add('a.example'), add('b.example')], ['g1', 'g2']);
  });
});

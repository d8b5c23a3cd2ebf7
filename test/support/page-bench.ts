// The page on a real control listener whose answers a test makes up: questions that can be opened, answered and
// taken back, without a gate behind them.
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type {
  AnswerRequest,
  AnswerView,
  FloodView,
  GateView,
  GrantView,
  GroupView,
  HistoryEntry,
  HistoryQuery,
  PolicyChangeView,
  Role,
  RuleFileView,
  RulesCheckResponse,
  RulesDraft,
  StatusResponse,
} from '../../src/control/messages.ts';
import type { LivePart } from '../../src/control/lane.ts';
import { readPage } from '../../src/control/static.ts';
import { openBench, type ControlBench } from './control.ts';
import { projectRoot } from './daemon.ts';
import { makeAnswer, makeGate, makeGrant } from './views.ts';

/** What the page shows, to be changed by the test, and what it asked for. */
export interface PageBench {
  readonly bench: ControlBench;
  /** A link that works once. */
  readonly link: (role?: Role) => string;
  readonly groups: Map<string, GroupView>;
  readonly floods: Map<string, FloodView>;
  readonly grants: Map<string, GrantView>;
  readonly answers: AnswerView[];
  readonly history: HistoryEntry[];
  gate: GateView;
  change: PolicyChangeView | null;
  file: RuleFileView;
  /** Refuses the next answer as changed. */
  changedNext: boolean;
  /** Every answer that came, with the question's id. */
  readonly given: (AnswerRequest & { readonly id: string })[];
  /** Everything else that was asked for, as `verb what`. */
  readonly asked: string[];
  /** Shows what has changed. */
  readonly mark: (...parts: readonly LivePart[]) => void;
  /** Opens a question. */
  readonly ask: (...groups: readonly GroupView[]) => void;
}

/** Opens the listener; it closes after the test. */
export async function openPageBench(context: Pick<TestContext, 'after'>): Promise<PageBench> {
  const world = {
    groups: new Map<string, GroupView>(),
    floods: new Map<string, FloodView>(),
    grants: new Map<string, GrantView>(),
    answers: [] as AnswerView[],
    history: [] as HistoryEntry[],
    gate: makeGate(),
    change: null as PolicyChangeView | null,
    file: makeFile('# mine\n[network]\nallowed_domains = [\n  "a.example", # kept\n]\n'),
    changedNext: false,
    given: [] as (AnswerRequest & { readonly id: string })[],
    asked: [] as string[],
  };
  const now = () => new Date().toISOString();
  const note = (text: string) => {
    world.asked.push(text);
  };
  const gateWith = (gate: Partial<GateView>) => {
    world.gate = { ...world.gate, ...gate };
    mark('gate');
    return { gate: world.gate, closed: 2 };
  };
  const answerOne = (id: string, request: AnswerRequest) => {
    const group = world.groups.get(id);
    if (group === undefined) return Promise.resolve({ status: 'gone' } as const);
    if (world.changedNext || request.revision !== group.revision) {
      world.changedNext = false;
      return Promise.resolve({ status: 'changed' } as const);
    }
    world.given.push({ id, ...request });
    world.groups.delete(id);
    const grant =
      request.for === 'once' ? null : makeGrant({ id: `g-${id}`, host: group.host, question: id });
    if (grant !== null) world.grants.set(grant.id, grant);
    const { host, port } = group;
    const given = { id, host, port, outcome: request.outcome, for: request.for ?? 'once' };
    world.answers.unshift(makeAnswer({ ...given, at: now(), surface: 'page' }));
    mark('groups', 'answers', 'grants');
    const { outcome } = request;
    const response = { id, outcome, released: group.waiting, grant };
    return Promise.resolve({ status: 'answered', response } as const);
  };
  const bench = await openBench(context as TestContext, {
    files: readPage(join(projectRoot, 'src', 'control', 'page')),
    live: {
      gate: () => world.gate,
      groups: () => [...world.groups.values()],
      floods: () => [...world.floods.values()],
      grants: () => [...world.grants.values()],
      answers: () => world.answers,
      policyChange: () => world.change,
    },
    status: () => makeStatus(world.gate),
    answer: (id, request) => answerOne(id, request),
    preview: (id, request) => previewOf(world.groups.get(id), request),
    extend: (id, ms) => {
      note(`hold ${id} ${ms}`);
      return Date.now() + ms;
    },
    undo: (id) => {
      note(`undo ${id ?? ''}`);
      const at = world.answers.findIndex((answer) => answer.id === id);
      const answer = world.answers[at];
      if (answer === undefined) return 'none';
      const undone = { ...answer, undone: now() };
      world.answers[at] = undone;
      mark('answers');
      return { answer: undone, closed: 1 };
    },
    revoke: (id) => {
      note(`revoke ${id}`);
      const grant = world.grants.get(id);
      world.grants.delete(id);
      mark('grants');
      return grant;
    },
    history: (query) => {
      note(`history ${JSON.stringify(query)}`);
      return pageOf(world.history, query);
    },
    pause: (ms) => gateWith({ pausedUntil: new Date(Date.now() + ms).toISOString() }),
    resume: () => gateWith({ pausedUntil: null }),
    panic: (on) => gateWith({ panicSince: on ? now() : null }),
    lift: (id) => {
      note(`lift ${id}`);
      world.floods.delete(id);
      mark('floods');
      return { gate: world.gate, closed: 0 };
    },
    change: (id, verb) => {
      note(`${verb} ${id}`);
      const states = { accept: 'applied', reject: 'rejected', undo: 'undone' } as const;
      const change = { ...(world.change as PolicyChangeView), state: states[verb] };
      world.change = change;
      mark('policyChange');
      return { change };
    },
    rules: {
      rules: (role) => {
        const { file } = world;
        const mine = role === 'admin' ? file : { ...file, text: null, editable: false };
        return { files: [mine], rules: madeRules, total: madeRules.length };
      },
      check: (draft) => checkOf(world.file, draft),
      save: (draft) => {
        if (draft.etag !== world.file.etag) return changedOnDisk;
        const { text } = checkOf(world.file, draft);
        world.file = { ...world.file, text, etag: `e${text.length}` };
        note('save');
        return {
          file: world.file,
          reload: { loaded: true, version: 'v2', messages: ['1 rule added'] },
          edit: 'e1',
        };
      },
      history: () => ({ edits: [] }),
      undo: () => ({ status: 'unknown', problem: 'no such edit' }),
    },
  });
  function mark(...parts: readonly LivePart[]): void {
    for (const part of parts) bench.feed.mark(part);
  }
  return Object.assign(world, {
    bench,
    mark,
    link: (role: Role = 'admin') => linkFor(bench, role),
    ask: (...groups: readonly GroupView[]) => {
      for (const group of groups) world.groups.set(group.id, group);
      mark('groups');
    },
  });
}

function linkFor({ pages, tokens }: ControlBench, role: Role): string {
  const created = tokens.create({ name: role, role });
  const holder = created.ok ? tokens.find(created.value.secret) : undefined;
  if (holder === undefined) throw new Error('a test makes at most two links of one role');
  return String(pages.createCode(holder).url);
}

/** An editable file. */
export function makeFile(text: string): RuleFileView {
  return {
    file: '/home/dev/.config/sallyport/config.toml',
    layer: 'user',
    text,
    etag: 'e0',
    editable: true,
    findings: [],
  };
}

const changedOnDisk = { status: 'changed', problem: 'the file has changed on disk' } as const;

const madeRules = [
  {
    text: 'a.example',
    outcome: 'allow',
    layer: 'user',
    file: '/home/dev/.config/sallyport/config.toml',
    line: 4,
  },
  {
    text: 'paste.example',
    outcome: 'deny',
    layer: 'requirements',
    file: '/etc/sallyport/requirements.toml',
    line: 12,
  },
] as const;

/** As much of a check as the page needs: a line with BROKEN is a mistake, every other new line is a change. */
function checkOf(file: RuleFileView, { text, edits }: RulesDraft): RulesCheckResponse {
  const before = (file.text ?? '').split('\n');
  const [edit] = edits ?? [];
  const after =
    text?.split('\n') ??
    before.flatMap((line) =>
      line === ']' && edit !== undefined ? [`  "${edit.rule}",`, line] : [line],
    );
  const findings = after.flatMap((line, at) =>
    line.includes('BROKEN')
      ? [
          {
            severity: 'error',
            file: file.file,
            line: at + 1,
            column: 3,
            message: 'not a rule',
          } as const,
        ]
      : [],
  );
  const added = after
    .map((line, at) => ({ kind: 'added', line: at + 1, text: line }) as const)
    .filter((line) => !before.includes(line.text));
  return {
    text: after.join('\n'),
    findings,
    diff: added,
    effect: added.map((line) => `+ allow ${line.text.trim()}`),
    widens: added.length > 0,
  };
}

function previewOf(group: GroupView | undefined, request: AnswerRequest) {
  if (group === undefined) return 'gone';
  const verb = request.outcome === 'allow' ? 'Allow' : 'Deny';
  const isWild = request.host !== undefined && request.host !== 'exact';
  return {
    sentence: `${verb} ${group.askers[0]?.program ?? 'any program'} to reach ${isWild ? request.host : group.host}:${group.port} (${request.for}, ${request.port}, ${request.program}).`,
    rule: request.for === 'once' ? null : `${request.outcome} ${group.host}:${group.port}`,
    cautions: isWild ? ['It covers names that nobody has seen yet.'] : [],
    problem: isWild && request.for === 'once' ? 'a wildcard needs a time other than once' : null,
  };
}

function pageOf(all: readonly HistoryEntry[], query: HistoryQuery) {
  const found = all.filter(
    ({ host, outcome, at }) =>
      host.includes(query.host ?? '') &&
      (query.outcome ?? outcome) === outcome &&
      (query.before === undefined || at < query.before),
  );
  const limit = query.limit ?? 100;
  return { entries: found.slice(0, limit), more: found.length > limit };
}

function makeStatus(gate: GateView): StatusResponse {
  return {
    version: '0.0.0',
    pid: 1,
    started: '2026-11-20T12:00:00.000Z',
    listeners: {
      http: 'http://127.0.0.1:4128',
      socks: 'socks5h://127.0.0.1:4129',
      gateway: null,
      control: 'http://127.0.0.1:4131',
      socket: '/state/control.sock',
    },
    state: '/state',
    policy: {
      version: 'v1',
      enabled: true,
      mode: 'full',
      unknown: 'ask',
      rules: { allow: 1, deny: 1 },
      layers: [],
      rejected: null,
      pendingRestart: [],
      warnings: [],
    },
    parent: null,
    connections: { http: 0, socks5: 0, gateway: 0 },
    waiting: { groups: 0, holds: 0 },
    gate,
    policyChange: null,
    surfaces: { page: 1 },
    tray: null,
    reviewer: { kind: 'user', problem: null },
    audit: {
      journal: { file: '/state/audit', ok: true, problem: null },
      exporter: { kind: 'none', ok: true, delivered: 0, dropped: 0, problem: null },
    },
  };
}

// Made-up shapes of the control API for tests: plain unless the test says otherwise.
import type {
  AnswerView,
  AskerView,
  GateView,
  GrantView,
  GroupView,
  HostFacts,
  LiveView,
} from '../../src/control/messages.ts';

/** A program that asks. */
export function makeAskerView(given: Partial<AskerView> = {}): AskerView {
  return {
    pid: 4711,
    program: 'curl',
    executable: '/usr/bin/curl',
    commandLine: ['curl', 'https://api.example.net/'],
    cwd: '/home/dev/app',
    repository: '/home/dev/app',
    parents: ['bash', 'codex'],
    ...given,
  };
}

/** Nothing special about a host. */
export function makeFacts(given: Partial<HostFacts> = {}): HostFacts {
  return {
    unicode: null,
    kind: 'name',
    about: null,
    lookAlike: null,
    allowed: 0,
    denied: 0,
    firstSeen: null,
    ...given,
  };
}

/** One question with one connection waiting. */
export function makeGroup(given: Partial<GroupView> = {}): GroupView {
  return {
    id: 'k3',
    revision: 1,
    protocol: 'https_connect',
    host: 'api.example.net',
    port: 443,
    request: null,
    waiting: 1,
    asked: 1,
    firstSeen: '2026-11-20T12:00:00.000Z',
    lastSeen: '2026-11-20T12:00:00.000Z',
    waitingSince: '2026-11-20T12:00:00.000Z',
    deadline: '2026-11-20T12:04:50.000Z',
    clientLeaves: null,
    expires: '2026-11-20T12:30:00.000Z',
    why: 'no_rule',
    whySentence: 'No rule names this host.',
    facts: makeFacts(),
    wildcards: [{ host: '*.example.net', covers: ['api.example.net'] }],
    exactOnly: null,
    warnings: [],
    quickAllow: true,
    bundle: null,
    askers: [makeAskerView()],
    unidentified: false,
    ...given,
  };
}

/** An allow for an hour. */
export function makeGrant(given: Partial<GrantView> = {}): GrantView {
  return {
    id: 'g1',
    outcome: 'allow',
    protocol: 'https_connect',
    host: 'api.example.net',
    port: 443,
    for: 'until',
    expires: '2026-11-20T13:00:00.000Z',
    created: '2026-11-20T12:00:00.000Z',
    approver: 'dev',
    surface: 'cli',
    uses: 0,
    lastUsed: null,
    programs: null,
    note: null,
    question: 'k3',
    ...given,
  };
}

/** An allow once. */
export function makeAnswer(given: Partial<AnswerView> = {}): AnswerView {
  return {
    id: 'k3',
    protocol: 'https_connect',
    host: 'api.example.net',
    port: 443,
    outcome: 'allow',
    for: 'once',
    scopeHost: 'exact',
    scopePort: 'this',
    at: '2026-11-20T12:00:05.000Z',
    approver: 'dev',
    surface: 'cli',
    latencyMs: 5000,
    released: 1,
    grant: null,
    undone: null,
    ...given,
  };
}

/** All is well. */
export function makeGate(given: Partial<GateView> = {}): GateView {
  return {
    attendance: 'attended',
    pausedUntil: null,
    panicSince: null,
    troubles: [],
    policyVersion: 'v1',
    desktop: 'answer',
    ...given,
  };
}

/** Nothing waits and nothing is remembered. */
export function makeLiveView(given: Partial<LiveView> = {}): LiveView {
  return {
    version: '0.0.0',
    role: 'admin',
    gate: makeGate(),
    groups: [],
    floods: [],
    grants: [],
    answers: [],
    policyChange: null,
    ...given,
  };
}

// One list of behaviours, run through every door: CONNECT, plain HTTP, SOCKS5 and the gateway.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { eventually, removeFolder, startSallyport, type RunningDaemon } from '../support/daemon.ts';
import { doors, type Came, type Door } from '../support/doors.ts';

interface Ports {
  readonly origin: number;
  readonly closed: number;
}

interface Behaviour {
  readonly name: string;
  readonly host: string;
  readonly port?: (ports: Ports, daemon: RunningDaemon) => number;
  /** Lines of `[network]` beside the ports. */
  readonly network: (ports: Ports) => string;
  readonly hosts?: Readonly<Record<string, string>>;
  /** An answer to give while it waits, or that the client leaves. */
  readonly meanwhile?: 'allow' | 'deny' | 'leave';
  readonly came?: Came;
  /** Where SOCKS has fewer words. */
  readonly cameSocks?: Came;
  /** The decision record; undefined where there is none. */
  readonly record?: { readonly decision: string; readonly source: string; readonly reason: string };
  readonly reaches: boolean;
  readonly without?: readonly Door['name'][];
}

const local = ({ origin, closed }: Ports): string => `"127.0.0.1:${origin}", "127.0.0.1:${closed}"`;
const allow =
  (rule: string) =>
  (ports: Ports): string =>
    `allowed_domains = ["${rule}", ${local(ports)}]`;

const behaviours: readonly Behaviour[] = [
  {
    name: 'reaches an allowed host',
    host: 'a.test',
    network: allow('a.test'),
    came: 'reached',
    record: { decision: 'allow', source: 'baseline_policy', reason: 'allow' },
    reaches: true,
  },
  {
    name: 'matches case and a trailing dot away',
    host: 'A.B.Test.',
    hosts: { 'a.b.test': '127.0.0.1' },
    network: allow('*.b.test'),
    came: 'reached',
    record: { decision: 'allow', source: 'baseline_policy', reason: 'allow' },
    reaches: true,
  },
  {
    name: 'refuses a denied host although it is allowed too',
    host: 'a.test',
    network: (ports) => `${allow('a.test')(ports)}\ndenied_domains = ["a.test"]`,
    came: 'refused',
    record: { decision: 'deny', source: 'baseline_policy', reason: 'denied' },
    reaches: false,
  },
  {
    name: 'goes on when a person allows it',
    host: 'a.test',
    network: allow('other.test'),
    meanwhile: 'allow',
    came: 'reached',
    record: { decision: 'allow', source: 'decider', reason: 'not_allowed' },
    reaches: true,
  },
  {
    name: 'is refused when a person denies it',
    host: 'a.test',
    network: allow('other.test'),
    meanwhile: 'deny',
    came: 'refused',
    record: { decision: 'deny', source: 'decider', reason: 'not_allowed' },
    reaches: false,
  },
  {
    name: 'records a client that leaves while it waits',
    host: 'a.test',
    network: allow('other.test'),
    meanwhile: 'leave',
    record: { decision: 'deny', source: 'decider', reason: 'client_gone' },
    reaches: false,
  },
  {
    name: 'refuses the unknown at once when nobody is to be asked',
    host: 'a.test',
    network: (ports) => `${allow('other.test')(ports)}\nunknown = "deny"`,
    came: 'refused',
    record: { decision: 'deny', source: 'baseline_policy', reason: 'not_allowed' },
    reaches: false,
  },
  {
    name: 'lets the unknown through and says so in report mode',
    host: 'a.test',
    network: (ports) => `${allow('other.test')(ports)}\nunknown = "report"`,
    came: 'reached',
    record: { decision: 'allow', source: 'baseline_policy', reason: 'not_allowed' },
    reaches: true,
  },
  {
    name: 'refuses a local address that no rule names',
    host: '127.0.0.1',
    network: () => 'allowed_domains = ["*"]',
    came: 'refused',
    record: { decision: 'deny', source: 'baseline_policy', reason: 'not_allowed_local' },
    reaches: false,
  },
  {
    name: 'refuses a name that stands for a local address',
    host: 'a.test',
    network: () => 'allowed_domains = ["a.test"]',
    came: 'refused',
    record: { decision: 'deny', source: 'baseline_policy', reason: 'not_allowed_local' },
    reaches: false,
  },
  {
    name: 'refuses its own ports whatever the rules say',
    host: '127.0.0.1',
    port: (_ports, daemon) => daemon.http,
    network: () => 'allow_local_binding = true\nallowed_domains = ["*", "127.0.0.1"]',
    came: 'refused',
    record: { decision: 'deny', source: 'proxy_state', reason: 'proxy_loop' },
    reaches: false,
    without: ['the gateway'], // its port would have to be known before it is configured
  },
  {
    name: 'tells a name that does not resolve from a refusal',
    host: 'nowhere.test',
    network: allow('nowhere.test'),
    came: 'trouble',
    record: { decision: 'allow', source: 'baseline_policy', reason: 'allow' },
    reaches: false,
  },
  {
    name: 'tells a refused connection from a refusal',
    host: 'a.test',
    port: ({ closed }) => closed,
    network: allow('a.test'),
    came: 'trouble',
    record: { decision: 'allow', source: 'baseline_policy', reason: 'allow' },
    reaches: false,
  },
  {
    name: 'is unavailable when the proxy is switched off',
    host: 'a.test',
    network: (ports) => `${allow('a.test')(ports)}\nenabled = false`,
    came: 'unavailable',
    cameSocks: 'refused',
    record: { decision: 'deny', source: 'proxy_state', reason: 'proxy_disabled' },
    reaches: false,
  },
  {
    name: 'takes a malformed host for what it is',
    host: 'a_b..test',
    network: allow('a.test'),
    came: 'malformed',
    cameSocks: 'refused',
    reaches: false,
    without: ['the gateway'], // its host comes from the configuration, which has its own check
  },
];

describe('every door', { timeout: 300_000 }, () => {
  let origin: Server;
  let reached = 0;
  let ports: Ports;
  before(async () => {
    origin = createServer((_request, response) => response.end('origin'));
    origin.on('connection', () => (reached += 1));
    const closed = createServer();
    for (const server of [origin, closed]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    ports = {
      origin: (origin.address() as AddressInfo).port,
      closed: (closed.address() as AddressInfo).port,
    };
    closed.close();
  });
  after(() => {
    origin.closeAllConnections();
    origin.close();
  });

  for (const behaviour of behaviours) {
    describe(behaviour.name, () => {
      for (const door of doors.filter(({ name }) => behaviour.without?.includes(name) !== true)) {
        it(`through ${door.name}`, () => check(behaviour, door));
      }
    });
  }

  async function check(behaviour: Behaviour, door: Door): Promise<void> {
    const earlier = reached;
    const target = behaviour.port?.(ports, { http: 0 } as RunningDaemon) ?? ports.origin;
    const upstream = door.listener === 'gateway' ? behaviour.host.replace(/\.$/, '') : 'a.test';
    const daemon = await startSallyport({
      hosts: { 'a.test': '127.0.0.1', ...behaviour.hosts },
      config: `[network]\n${behaviour.network(ports)}\n[gateway]\nupstream = "http://${upstream}:${target || 80}/v1"\n[approvals]\ndangerously_allow_self_approval = true\n`,
    });
    try {
      const port = behaviour.port?.(ports, daemon) ?? ports.origin;
      const attempt = door.ask(daemon, behaviour.host, port);
      if (behaviour.meanwhile !== undefined) await intervene(daemon, behaviour, attempt.leave);
      if (behaviour.came !== undefined) {
        const wanted =
          door.name === 'SOCKS5' ? (behaviour.cameSocks ?? behaviour.came) : behaviour.came;
        assert.equal(await attempt.came, wanted);
      }
      await checkRecord(daemon, behaviour, door, port);
      assert.equal(
        reached > earlier,
        behaviour.reaches,
        behaviour.reaches ? 'reaches the origin' : 'reaches nothing',
      );
    } finally {
      await daemon.stop();
      removeFolder(daemon.folder);
    }
  }

  async function intervene(
    daemon: RunningDaemon,
    { meanwhile, host }: Behaviour,
    leave: () => void,
  ): Promise<void> {
    const group = await daemon.question(host);
    if (meanwhile === 'leave') {
      leave();
      return;
    }
    const done = await daemon.sallyport([meanwhile ?? 'deny', group.id]);
    assert.equal(done.status, 0, done.stderr);
  }

  async function checkRecord(
    daemon: RunningDaemon,
    { record, host }: Behaviour,
    door: Door,
    port: number,
  ): Promise<void> {
    if (record === undefined) {
      const malformed = daemon
        .journal()
        .filter(({ name }) => name === 'sallyport.request.malformed');
      assert.equal(malformed.length, 1);
      return;
    }
    const [line] = await eventually('the record', () => {
      const lines = daemon.decisions();
      return lines.length > 0 ? lines : undefined;
    });
    const seen = line?.attributes ?? {};
    assert.deepEqual(
      {
        decision: seen['network.policy.decision'],
        source: seen['network.policy.source'],
        reason: seen['network.policy.reason'],
        scope: seen['network.policy.scope'],
        override: seen['network.policy.override'],
        protocol: seen['network.transport.protocol'],
        listener: seen['sallyport.listener'],
        method: seen['http.request.method'],
        address: seen['server.address'],
        port: seen['server.port'],
      },
      {
        ...record,
        scope: record.source === 'proxy_state' ? 'non_domain' : 'domain',
        override: record.decision === 'allow' && record.source === 'decider',
        protocol: door.protocol,
        listener: door.listener,
        method: door.method,
        address: host.toLowerCase().replace(/\.$/, ''),
        port,
      },
    );
    assert.equal(daemon.decisions().length, 1, 'one request, one record');
  }
});

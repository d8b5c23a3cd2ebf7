// `sallyport explain URL|HOST[:PORT]`: what the policy says and why. No network, no daemon: the same
// evaluate() as the gate's over the same configuration; grants live in the daemon and are left out.
import type { Config } from '../config/config.ts';
import { policyInput } from '../config/effective.ts';
import { formatFinding, quote } from '../config/finding.ts';
import { loadConfig } from '../config/load.ts';
import type { DecisionRequest, DenyReason, Origin, RuleRef, Verdict } from '../policy/decision.ts';
import {
  createDestination,
  formatHostPort,
  parsePort,
  parseRuleHost,
  type Destination,
  type Parsed,
  type Protocol,
} from '../policy/destination.ts';
import { evaluate, vet } from '../policy/evaluate.ts';
import { compilePolicy, type Policy } from '../policy/rules.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { readOptions, usageError } from './options.ts';
import { renderHostPort, renderJsonLine } from './render.ts';
import { escapePrintable } from '../policy/printable.ts';

const usage = `usage: sallyport explain URL|HOST[:PORT] [--protocol P] [--method M] [--config FILE] [--json]

Says what would happen to a request and why: the rule with its layer, file, line and column, and
what comes next. Nothing is sent anywhere, and grants of a running daemon are not looked at
(see "sallyport grants"). HOST alone means HOST:443.

  --protocol   http, https_connect or socks5_tcp; else by the URL, or http for port 80
  --method     the HTTP method; GET unless told (tunnels have CONNECT, SOCKS has none)
  --config     the configuration file, as for "sallyport run"
  --json       one object: host, port, protocol, method, outcome, reason, source, rule, setting, next

exit code: 0 explained (whatever the outcome), 1 the configuration has mistakes, 2 usage
`;

/** The command. Exit code 1 when the configuration does not load. */
export const explainCommand: Command = {
  name: 'explain',
  summary: 'what would happen to a request, and which rule says so; no network',
  usage,
  run: (args, io) => Promise.resolve(runExplain(args, io)),
};

/** What is said about one request. */
interface Explanation {
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly method: string;
  readonly outcome: Verdict['outcome'];
  readonly reason: DenyReason | 'allow';
  readonly source: string;
  readonly rule: RuleRef | null;
  /** The setting that decided where no rule did, with its place. */
  readonly setting: {
    readonly key: string;
    readonly value: string;
    readonly origin: Origin;
  } | null;
  readonly next: string;
  readonly policyVersion: string;
}

function runExplain(args: readonly string[], io: CommandIo): number {
  const asked = readArguments(args);
  const loaded = loadConfig({
    configFile: asked.configFile,
    env: io.env,
    platform: process.platform,
  });
  if (!loaded.ok) {
    for (const finding of loaded.findings) io.stderr(`${formatFinding(finding)}\n`);
    return exitCodes.failed;
  }
  const explanation = explain(asked.request, loaded.config);
  io.stdout(asked.json ? renderJsonLine(explanation) : toText(explanation, loaded.config));
  return exitCodes.done;
}

interface Asked {
  readonly request: DecisionRequest;
  readonly configFile: string | undefined;
  readonly json: boolean;
}

function readArguments(args: readonly string[]): Asked {
  const { values, positionals } = readOptions(args, {
    json: { type: 'boolean', default: false },
    config: { type: 'string' },
    method: { type: 'string' },
    protocol: { type: 'string' },
  });
  const [target, ...more] = positionals;
  if (target === undefined || more.length > 0) {
    throw usageError('explain: name one URL or HOST[:PORT]');
  }
  const request = readTarget(target, values.protocol, values.method);
  if (!request.ok) {
    throw usageError(`explain: ${quote(target)}: ${request.problem}`);
  }
  return { request: request.value, configFile: values.config, json: values.json };
}

interface Scheme {
  readonly protocol: Protocol;
  readonly port: number;
  readonly form: DecisionRequest['form'];
}

const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['http', { protocol: 'http', port: 80, form: 'request' }],
  ['ws', { protocol: 'http', port: 80, form: 'upgrade' }],
  ['https', { protocol: 'https_connect', port: 443, form: 'tunnel' }],
  ['wss', { protocol: 'https_connect', port: 443, form: 'tunnel' }],
]);

/** The request that a program would make for this URL or host. */
function readTarget(
  target: string,
  protocolText: string | undefined,
  method: string | undefined,
): Parsed<DecisionRequest> {
  const protocol = readProtocol(protocolText);
  if (!protocol.ok) return protocol;
  if (method !== undefined && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method)) {
    return { ok: false, problem: 'the method is not an HTTP method' };
  }
  const url = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(target);
  const scheme = url === null ? undefined : schemes.get((url[1] ?? '').toLowerCase());
  if (url !== null && scheme === undefined) {
    return { ok: false, problem: 'the scheme is not http, https, ws or wss' };
  }
  const authority = splitAuthority(url?.[2] ?? target);
  if (!authority.ok) return authority;
  const host = parseRuleHost(authority.value.host);
  if (!host.ok) return host;
  const port = authority.value.port ?? scheme?.port ?? (protocol.value === 'http' ? 80 : 443);
  const spoken = protocol.value ?? scheme?.protocol ?? (port === 80 ? 'http' : 'https_connect');
  const destination = createDestination(spoken, host.value, port);
  return { ok: true, value: requestFor(destination, scheme?.form, method) };
}

function requestFor(
  destination: Destination,
  form: DecisionRequest['form'] | undefined,
  method: string | undefined,
): DecisionRequest {
  const client = { address: '127.0.0.1', port: 0, localPort: 0 };
  const { protocol } = destination;
  if (protocol === 'http') {
    const asked = form === 'upgrade' ? 'upgrade' : 'request';
    return { destination, listener: 'http', method: method ?? 'GET', form: asked, client };
  }
  if (protocol === 'https_connect') {
    return { destination, listener: 'http', method: 'CONNECT', form: 'tunnel', client };
  }
  return { destination, listener: 'socks5', method: 'none', form: 'tunnel', client };
}

function readProtocol(text: string | undefined): Parsed<Protocol | undefined> {
  if (text === undefined || text === 'http' || text === 'https_connect' || text === 'socks5_tcp') {
    return { ok: true, value: text };
  }
  return { ok: false, problem: 'the protocol is not http, https_connect or socks5_tcp' };
}

/** Cuts `:port` off; several colons without brackets are an IPv6 address. */
function splitAuthority(
  text: string,
): Parsed<{ readonly host: string; readonly port: number | undefined }> {
  if (text.includes('@')) return { ok: false, problem: 'leave the user name and password out' };
  const match = /^(\[[^\]]*\]|[^:/?#]*):(\d+)$/.exec(text);
  const host = match?.[1];
  if (host === undefined) return { ok: true, value: { host: text, port: undefined } };
  const port = parsePort(match?.[2] ?? '');
  return port.ok ? { ok: true, value: { host, port: port.value } } : port;
}

function explain(request: DecisionRequest, config: Config): Explanation {
  const policy = compilePolicy(policyInput(config));
  const ownPorts = portsOf(config);
  const verdict = judge(request, policy, ownPorts);
  const { host, port, protocol } = request.destination;
  const reason = verdict.outcome === 'ask' ? 'not_allowed' : verdict.reason;
  const rule = verdict.outcome === 'ask' ? undefined : verdict.rule;
  return {
    host,
    port,
    protocol,
    method: request.method,
    outcome: verdict.outcome,
    reason,
    source: verdict.outcome === 'ask' ? 'baseline_policy' : verdict.source,
    rule: rule ?? null,
    setting: rule === undefined ? settingFor(reason, request, config) : null,
    next: nextStep(verdict, request.destination, config),
    policyVersion: policy.version,
  };
}

/** Orders 1 to 8, and 9 where the addresses are known without a look-up. */
function judge(request: DecisionRequest, policy: Policy, ownPorts: ReadonlySet<number>): Verdict {
  const verdict = evaluate(request, policy, () => undefined, ownPorts);
  if (verdict.outcome !== 'allow') return verdict;
  for (const address of knownAddresses(request.destination)) {
    const refused = vet(request, address, policy, ownPorts);
    if (refused !== undefined) return refused;
  }
  return verdict;
}

/** RFC 6761 §6.3: localhost names are loopback without asking anybody. */
function knownAddresses({ host, kind }: Destination): readonly string[] {
  if (kind !== 'name') return [host];
  return host === 'localhost' || host.endsWith('.localhost') ? ['127.0.0.1', '::1'] : [];
}

function portsOf({ network, gateway, control }: Config): ReadonlySet<number> {
  const ports = [network.httpPort, network.socksPort];
  if (gateway.enabled) ports.push(gateway.port);
  if (control.tcp) ports.push(control.port);
  return new Set(ports.filter((port) => port !== 0));
}

/** The setting behind a verdict that no rule made. */
function settingFor(
  reason: Explanation['reason'],
  request: DecisionRequest,
  config: Config,
): Explanation['setting'] {
  const { network } = config;
  const { port } = request.destination;
  const owner = portKeys.find(([, portOf]) => portOf(config) === port)?.[0] ?? 'network.http_port';
  const unknown: readonly [string, string] = network.managedOnly
    ? ['network.managed_allowed_domains_only', 'true']
    : ['network.unknown', network.unknown];
  const settings: Partial<Record<Explanation['reason'], readonly [string, string]>> = {
    proxy_disabled: ['network.enabled', 'false'],
    proxy_loop: [owner, String(port)],
    method_not_allowed: ['network.mode', network.mode],
    mitm_required: ['network.mode', network.mode],
    not_allowed_local: ['network.allow_local_binding', 'false'],
    not_allowed: unknown,
  };
  const [key, value] = settings[reason] ?? [];
  const origin = key === undefined ? undefined : config.origins.get(key);
  if (key === undefined || value === undefined || origin === undefined) return null;
  return { key, value, origin };
}

const portKeys: readonly (readonly [string, (config: Config) => number])[] = [
  ['network.http_port', ({ network }) => network.httpPort],
  ['network.socks_port', ({ network }) => network.socksPort],
  ['gateway.port', ({ gateway }) => gateway.port],
  ['control.port', ({ control }) => control.port],
];

/** What follows from the verdict, and what to write where to change it. */
export function nextStep(verdict: Verdict, destination: Destination, config: Config): string {
  const { host, kind, port } = destination;
  const rule = quote(formatHostPort(host, kind, port));
  if (verdict.outcome === 'ask') {
    const { holdSeconds } = config.approvals;
    const how = holdSeconds === 0 ? 'refused at once, the question stays' : `held ${holdSeconds} s`;
    return `a person is asked (${how}), unless a grant decides; to allow it for good, add ${rule} to network.allowed_domains`;
  }
  if (verdict.outcome === 'allow') {
    if (kind !== 'name') return 'this address is dialled and no other';
    return 'the name is looked up, every address is vetted (a local one is refused), and exactly those are dialled; an upstream proxy of the daemon gets the name instead';
  }
  // only the managed lists count then, so the user's own would be the wrong place
  const bound = config.network.managedOnly
    ? config.origins.get('network.managed_allowed_domains_only')?.file
    : undefined;
  const mend = bound === undefined ? 'add' : `the administrator of ${bound} must add`;
  return (
    refusedNext[verdict.reason] ??
    `nothing is dialled; to allow it, ${mend} ${rule} to ${bound === undefined ? 'network.allowed_domains' : 'its allowed_domains'}`
  );
}

const refusedNext: Partial<Record<DenyReason, string>> = {
  denied: 'nothing is dialled; a deny rule wins over every allow, and nobody is asked',
  proxy_disabled: 'every request is refused with 503 until network.enabled is true',
  proxy_loop: 'sallyport never connects to its own listeners',
  method_not_allowed: 'limited mode lets only GET, HEAD and OPTIONS through',
  mitm_required: 'limited mode refuses what it cannot see into: tunnels and upgrades',
  not_allowed_local:
    'local addresses are refused unless an allow rule names the address, its block or localhost; nobody is asked',
};

const words = { allow: 'allowed', deny: 'refused', ask: 'asked' } as const;

function toText(explanation: Explanation, config: Config): string {
  const { host, port, protocol, method, outcome, reason, source, rule, setting } = explanation;
  const lines = [
    `${renderHostPort(host, port)} (${protocol}, ${method}): ${words[outcome]}`,
    `  why:   ${reason} (${source})`,
  ];
  if (rule !== null) {
    const text = `${rule.outcome} ${quote(rule.text)}`;
    lines.push(`  rule:  ${text} at ${placeOf(rule.origin)}`);
  }
  if (setting !== null) {
    lines.push(`  by:    ${setting.key} = ${setting.value} at ${placeOf(setting.origin)}`);
  }
  const layers = config.layers.map(({ layer, file }) => `${layer} (${file})`).join(', ');
  lines.push(
    `  next:  ${explanation.next}`,
    `  from:  ${layers}; policy ${explanation.policyVersion}`,
  );
  return `${lines.map(escapePrintable).join('\n')}\n`;
}

function placeOf({ layer, file, line, column }: Origin): string {
  if (file === 'built-in') return 'its default';
  return `${file}:${line}:${column} (layer ${layer})`;
}

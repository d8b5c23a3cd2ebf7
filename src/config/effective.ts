// Merged settings to the typed Config, and the checks that need more than one value at once.
import type { Origin } from '../policy/decision.ts';
import type { PolicyInput } from '../policy/rules.ts';
import type { Config, Hook, LayerSource, OtelConfig, WatchedFiles } from './config.ts';
import type { DecodeContext, Setting } from './layer.ts';
import type { Env } from './exporter.ts';
import type { Finding } from './finding.ts';
import { place, type Merged } from './merge.ts';
import { exporterFromEnvironment, pairsFrom } from './otel-environment.ts';

/** What the effective configuration is made of beside the merged values. */
export interface EffectiveParts {
  readonly merged: Merged;
  readonly layers: readonly LayerSource[];
  readonly files: WatchedFiles;
  readonly context: DecodeContext;
}

/** The Config and what is noteworthy or wrong about the whole. */
export function makeConfig(parts: EffectiveParts): {
  readonly config: Config;
  readonly findings: readonly Finding[];
} {
  const { merged, layers, files, context } = parts;
  const findings: Finding[] = [];
  const values = readerOf(merged.settings);
  const config: Config = {
    network: makeNetwork(values),
    approvals: makeApprovals(values, context.env),
    ...listenersAndFolders(values),
    otel: makeOtel(merged.settings, context, findings),
    rules: merged.rules,
    layers,
    files,
    origins: new Map([...merged.settings].map(([path, { origin }]) => [path, origin])),
  };
  findings.push(...portClashes(config), ...withoutReviewer(config), ...cautions(config));
  return { config, findings };
}

/** What policy/rules.ts compiles. */
export function policyInput(config: Config): PolicyInput {
  const { enabled, mode, unknown, allowLocalBinding, managedOnly } = config.network;
  return { enabled, mode, unknown, allowLocalBinding, managedOnly, rules: config.rules };
}

type Values = ReturnType<typeof readerOf>;

/** Typed access by key path. The schema has checked types, so a mismatch is a bug and throws. */
function readerOf(settings: ReadonlyMap<string, Setting>) {
  const bug = (path: string): never => {
    throw new TypeError(`no value of the right type at ${path}`);
  };
  const value = (path: string): Setting['value'] | undefined => settings.get(path)?.value;
  return {
    isExplicit: (path: string): boolean => settings.get(path)?.origin.file !== 'built-in',
    boolean: (path: string): boolean => {
      const found = value(path);
      return typeof found === 'boolean' ? found : bug(path);
    },
    number: (path: string): number => {
      const found = value(path);
      return typeof found === 'number' ? found : bug(path);
    },
    text: (path: string): string => {
      const found = value(path);
      return typeof found === 'string' ? found : bug(path);
    },
    hook: (path: string): Hook | undefined => {
      const found = value(path);
      if (found === undefined) return undefined;
      const isHook =
        typeof found === 'object' && (found.kind === 'command' || found.kind === 'endpoint');
      return isHook ? found : bug(path);
    },
    optionalText: (path: string): string | undefined => {
      const found = value(path);
      return typeof found === 'string' ? found : undefined;
    },
  };
}

function makeNetwork(values: Values): Config['network'] {
  const unknown = values.text('network.unknown');
  return {
    enabled: values.boolean('network.enabled'),
    mode: values.text('network.mode') === 'full' ? 'full' : 'limited',
    unknown: unknown === 'ask' || unknown === 'report' ? unknown : 'deny',
    allowLocalBinding: values.boolean('network.allow_local_binding'),
    managedOnly: values.boolean('network.managed_allowed_domains_only'),
    allowUpstreamProxy: values.boolean('network.allow_upstream_proxy'),
    httpPort: values.number('network.http_port'),
    socksPort: values.number('network.socks_port'),
  };
}

function makeApprovals(values: Values, env: Env): Config['approvals'] {
  const explicit = values.isExplicit('approvals.hold_seconds');
  const unattended = !explicit && env['CODEX_NON_INTERACTIVE'] === '1';
  const desktop = values.text('approvals.desktop');
  return {
    holdSeconds: unattended ? 0 : values.number('approvals.hold_seconds'),
    holdSecondsExplicit: explicit,
    questionMinutes: values.number('approvals.question_minutes'),
    holdsPerGroup: values.number('approvals.holds_per_group'),
    holds: values.number('approvals.holds'),
    groups: values.number('approvals.groups'),
    dangerouslyAllowSelfApproval: values.boolean('approvals.dangerously_allow_self_approval'),
    reviewer: values.text('approvals.reviewer') === 'auto_review' ? 'auto_review' : 'user',
    reviewWith: values.hook('approvals.review_with'),
    reviewSeconds: values.number('approvals.review_seconds'),
    reviewMinutes: values.number('approvals.review_minutes'),
    reviewPerHour: values.number('approvals.review_per_hour'),
    onPending: values.hook('approvals.on_pending'),
    desktop: desktop === 'answer' || desktop === 'deny-only' ? desktop : 'notify-only',
  };
}

function listenersAndFolders(
  values: Values,
): Pick<Config, 'gateway' | 'control' | 'audit' | 'exec'> {
  return {
    gateway: {
      enabled: values.boolean('gateway.enabled'),
      port: values.number('gateway.port'),
      upstream: new URL(values.text('gateway.upstream')),
      extraCa: values.optionalText('gateway.extra_ca'),
    },
    control: {
      tcp: values.boolean('control.tcp'),
      port: values.number('control.port'),
      confirmWidening: values.boolean('control.confirm_widening'),
    },
    audit: { folder: values.text('audit.folder') },
    exec: { noProxy: values.text('exec.no_proxy') === 'none' ? 'none' : 'local' },
  };
}

function makeOtel(
  settings: ReadonlyMap<string, Setting>,
  context: DecodeContext,
  findings: Finding[],
): OtelConfig {
  const environment = readerOf(settings).text('otel.environment');
  const warn = (message: string): void => {
    findings.push({ severity: 'warning', file: 'environment', line: 1, column: 1, message });
  };
  const attributes = pairsFrom(context.env, 'OTEL_RESOURCE_ATTRIBUTES');
  for (const problem of attributes.problems) warn(problem);
  const written = settings.get('otel.exporter')?.value;
  if (typeof written === 'object' && (written.kind === 'none' || written.kind === 'otlp-http')) {
    return { environment, exporter: written, resourceAttributes: attributes.pairs };
  }
  const { exporter, problems } = exporterFromEnvironment(context.env, context.checkFile);
  for (const problem of problems) warn(`${problem}; no events are exported by it`);
  return { environment, exporter, resourceAttributes: attributes.pairs };
}

/** Two listeners on one port: an error at the later of the two keys that somebody wrote. */
function portClashes(config: Config): readonly Finding[] {
  const { network, gateway, control } = config;
  const ports: readonly (readonly [string, number])[] = [
    ['network.http_port', network.httpPort],
    ['network.socks_port', network.socksPort],
    ...(gateway.enabled ? [['gateway.port', gateway.port] as const] : []),
    ...(control.tcp ? [['control.port', control.port] as const] : []),
  ];
  const taken = new Map<number, string>();
  const findings: Finding[] = [];
  for (const [path, port] of ports) {
    const other = taken.get(port);
    if (port === 0) continue;
    if (other === undefined) taken.set(port, path);
    else findings.push(clash(config.origins, path, other, port));
  }
  return findings;
}

/** A reviewer without anything that reviews: an error where it was asked for. */
function withoutReviewer({ approvals, origins }: Config): readonly Finding[] {
  const origin = origins.get('approvals.reviewer');
  if (approvals.reviewer === 'user' || approvals.reviewWith !== undefined || origin === undefined) {
    return [];
  }
  const { file, line, column } = origin;
  const message =
    'approvals.reviewer: "auto_review" needs something that reviews; set approvals.review_with to a program or an address';
  return [{ severity: 'error', file, line, column, message }];
}

function clash(
  origins: ReadonlyMap<string, Origin>,
  path: string,
  other: string,
  port: number,
): Finding {
  const written = (key: string): Origin | undefined => {
    const origin = origins.get(key);
    return origin?.file === 'built-in' ? undefined : origin;
  };
  const blamed = written(path) === undefined ? other : path;
  const second = blamed === path ? other : path;
  const where = written(second);
  const from = where === undefined ? 'its default' : place(where);
  const { file, line, column } = written(blamed) ?? { file: 'built-in', line: 1, column: 1 };
  const message = `${blamed}: ${port} is also the port of ${second} (${from}); give each listener its own, or 0 for a free one`;
  return { severity: 'error', file, line, column, message };
}

/** What is allowed but worth a word at every start. */
function cautions(config: Config): readonly Finding[] {
  const { network, approvals, gateway, otel } = config;
  const said: readonly (readonly [boolean, string, string])[] = [
    [
      network.unknown === 'report',
      'network.unknown',
      '"report" lets every destination through that is neither denied nor local',
    ],
    [
      network.allowLocalBinding,
      'network.allow_local_binding',
      'requests may reach this machine and its network',
    ],
    [
      approvals.dangerouslyAllowSelfApproval,
      'approvals.dangerously_allow_self_approval',
      'the program that asks may answer its own question',
    ],
    [
      gateway.enabled && gateway.upstream.protocol === 'http:',
      'gateway.upstream',
      'http:// sends requests and their API key in clear text; use https:// unless it is on this machine',
    ],
    [
      otel.exporter.kind === 'otlp-http' && config.origins.has('otel.exporter') && isClear(otel),
      'otel.exporter',
      'http:// to another machine sends the events and the headers in clear text',
    ],
  ];
  return said.flatMap(([applies, path, words]) => {
    const origin = config.origins.get(path);
    if (!applies || origin === undefined) return [];
    const { file, line, column } = origin;
    return [{ severity: 'warning', file, line, column, message: `${path}: ${words}` }];
  });
}

function isClear({ exporter }: OtelConfig): boolean {
  if (exporter.kind === 'none' || !exporter.endpoint.startsWith('http:')) return false;
  const { hostname } = new URL(exporter.endpoint);
  return !(hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.'));
}

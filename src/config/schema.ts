// Every configuration key once: type, default, range, meaning, danger, who may set it, when it takes
// effect and which direction narrows. The example file, the reference and all checks come from here.
import type { Layer } from '../policy/decision.ts';

/** What a value may be. Enumerations list the narrowest value first. */
export type KeyType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'text'; readonly maxLength: number }
  | { readonly kind: 'file' }
  | { readonly kind: 'folder' }
  | { readonly kind: 'url' }
  | { readonly kind: 'patterns'; readonly outcome: 'allow' | 'deny' }
  | { readonly kind: 'pattern-map' }
  | { readonly kind: 'presets' }
  | { readonly kind: 'exporter' }
  /** A program with its arguments, or a URL. */
  | { readonly kind: 'hook' };

/**
 * Which way a user may move a managed value: to `false`, to `true`, to a lower number, to an earlier
 * choice; `managed`: not at all; `rules`: the merge rules of allow and deny lists.
 */
export type Narrowing = 'false' | 'true' | 'lower' | 'choice' | 'managed' | 'rules';

/** One key of the configuration. */
export interface KeySpec {
  /** `table.key`. */
  readonly path: string;
  readonly type: KeyType;
  /** What holds when no layer sets it; undefined: nothing. */
  readonly fallback: boolean | number | string | undefined;
  /** One or two sentences for the reference. */
  readonly meaning: string;
  /** What goes wrong with the wrong value, when that is not obvious. */
  readonly danger: string | undefined;
  readonly layers: readonly Layer[];
  /** `reload`: at once when the file changes; `restart`: at the next start. */
  readonly effect: 'reload' | 'restart';
  readonly narrows: Narrowing;
  /** A value for the example file where there is no default to show. */
  readonly sample: string | undefined;
}

const ownFiles: readonly Layer[] = ['user', 'requirements'];
const managed: readonly Layer[] = ['codex-requirements', 'requirements', 'managed-preferences'];
const everywhere: readonly Layer[] = ['user', ...managed];
const boolean: KeyType = { kind: 'boolean' };
const port: KeyType = { kind: 'integer', min: 0, max: 65_535 };

type Extra = Partial<Pick<KeySpec, 'danger' | 'layers' | 'effect' | 'sample'>>;

function key(
  path: string,
  type: KeyType,
  fallback: KeySpec['fallback'],
  narrows: Narrowing,
  meaning: string,
  extra: Extra = {},
): KeySpec {
  const { danger, layers = ownFiles, effect = 'reload', sample } = extra;
  return { path, type, fallback, narrows, meaning, danger, layers, effect, sample };
}

/** The tables in the order of the reference, with one line about each. */
export const tables: Readonly<Record<string, string>> = {
  network: 'What may be reached, and where the proxy listens.',
  approvals:
    'How long unknown destinations wait for a person, how many may wait, and who else is asked or told.',
  gateway: 'The stand-in for one API origin, for programs that take a base URL but no proxy.',
  control: 'The control API: status, questions, answers.',
  audit: 'The local journal of every decision.',
  otel: 'Export of the audit events as OpenTelemetry log records.',
  exec: 'The environment that `sallyport exec` and `sallyport env` give to programs.',
};

/** All keys. */
export const keys: readonly KeySpec[] = [
  key(
    'network.enabled',
    boolean,
    true,
    'false',
    'False refuses every request with 503 `proxy_disabled`.',
    { layers: everywhere },
  ),
  key(
    'network.mode',
    { kind: 'choice', values: ['limited', 'full'] },
    'full',
    'choice',
    '`limited` lets only GET, HEAD and OPTIONS through and refuses tunnels, upgrades and SOCKS.',
  ),
  key(
    'network.unknown',
    { kind: 'choice', values: ['deny', 'ask', 'report'] },
    'ask',
    'choice',
    'What happens to a destination that no rule names: `ask` holds the request for a person, `deny` refuses it, `report` lets it through and records that it would have been denied.',
    { danger: '`report` opens every destination that is neither denied nor local.' },
  ),
  key(
    'network.presets',
    { kind: 'presets' },
    undefined,
    'rules',
    'Rule files shipped with sallyport whose rules are added to this layer: `codex`, `codex-extras`, `source-hosting`. `sallyport presets NAME` prints one.',
    { sample: '["codex"]' },
  ),
  key(
    'network.allowed_domains',
    { kind: 'patterns', outcome: 'allow' },
    undefined,
    'rules',
    'Destinations that are allowed without a question: `host`, `*.domain` (below it), `**.domain` (it and below), a star inside one label, an address, a CIDR block; in sallyport files each with an optional `:port`. `*` is everything.',
    {
      layers: everywhere,
      danger: '`*` allows every destination that is neither denied nor local.',
      sample: '["api.openai.com", "*.openai.com"]',
    },
  ),
  key(
    'network.denied_domains',
    { kind: 'patterns', outcome: 'deny' },
    undefined,
    'rules',
    'Destinations that are refused, whatever allows them; nobody is asked. Same patterns, but not `*`.',
    { layers: everywhere, sample: '["paste.example"]' },
  ),
  key(
    'network.domains',
    { kind: 'pattern-map' },
    undefined,
    'rules',
    'Both lists as one table, pattern = `"allow"` or `"deny"`; never together with the lists in one file.',
    { layers: everywhere, sample: '{ "api.openai.com" = "allow", "paste.example" = "deny" }' },
  ),
  key(
    'network.managed_allowed_domains_only',
    boolean,
    false,
    'true',
    'True: only managed allow rules count; what they do not name is refused without a question, and approvals cannot change it.',
    { layers: managed },
  ),
  key(
    'network.allow_local_binding',
    boolean,
    false,
    'false',
    'True lets requests reach loopback, private, link-local and reserved addresses. With false, an allow rule that names an address or `localhost` still excuses that one.',
    { layers: everywhere, danger: 'Services of this machine and its network become reachable.' },
  ),
  key(
    'network.allow_upstream_proxy',
    boolean,
    true,
    'false',
    'Chain through the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY of the daemon names. False connects directly.',
    { layers: everywhere },
  ),
  key(
    'network.http_port',
    port,
    4128,
    'managed',
    'Port of the HTTP listener on 127.0.0.1; 0 takes a free one.',
    { layers: everywhere, effect: 'restart' },
  ),
  key(
    'network.socks_port',
    port,
    4129,
    'managed',
    'Port of the SOCKS5 listener on 127.0.0.1; 0 takes a free one.',
    { layers: everywhere, effect: 'restart' },
  ),
  key(
    'approvals.hold_seconds',
    { kind: 'integer', min: 0, max: 86_400 },
    290,
    'managed',
    'How long a request waits for an answer. 0 refuses once its program is known (half a second at most) and keeps the question. Unset means 290, or 0 when nobody is there to answer (no tray, page or `watch`, and no call of an approver for a minute) and under CODEX_NON_INTERACTIVE=1.',
  ),
  key(
    'approvals.question_minutes',
    { kind: 'integer', min: 1, max: 1440 },
    30,
    'lower',
    'How long a question stays open after its request has gone.',
  ),
  key(
    'approvals.holds_per_group',
    { kind: 'integer', min: 1, max: 65_536 },
    1024,
    'lower',
    'Requests that may wait on one question.',
  ),
  key(
    'approvals.holds',
    { kind: 'integer', min: 1, max: 65_536 },
    4096,
    'lower',
    'Requests that may wait in all.',
  ),
  key(
    'approvals.groups',
    { kind: 'integer', min: 1, max: 4096 },
    64,
    'lower',
    'Questions that may be open at once.',
  ),
  key(
    'approvals.dangerously_allow_self_approval',
    boolean,
    false,
    'false',
    'True takes an answer from inside the process tree that asks, and records it. Meant for tests.',
    { danger: 'The program behind the gate can open the gate.' },
  ),
  key(
    'approvals.reviewer',
    { kind: 'choice', values: ['user', 'auto_review'] },
    'user',
    'choice',
    '`auto_review` puts a question to `review_with` first: it may deny, allow for minutes at low risk, or leave it to a person. Bare addresses, look-alikes and floods go to a person in any case, and so does everything it does not answer in time.',
    {
      effect: 'restart',
      danger: 'With `auto_review` a program opens destinations that nobody has looked at.',
    },
  ),
  key(
    'approvals.review_with',
    { kind: 'hook' },
    undefined,
    'managed',
    'What reviews: a program with its arguments (no shell), or `https://…` (`http://` on this machine only). It is given the question as JSON, on its input or as a POST, and answers `{ "verdict": "allow" | "deny" | "ask", "risk": "low" | "medium" | "high", "reason": "…" }`.',
    {
      effect: 'restart',
      danger: 'Whoever can change that program or answer at that address can allow destinations.',
      sample: '["/usr/local/bin/review-destination"]',
    },
  ),
  key(
    'approvals.review_seconds',
    { kind: 'integer', min: 1, max: 60 },
    20,
    'lower',
    'How long a review may take. Requests wait that long even when nobody else is there to answer.',
  ),
  key(
    'approvals.review_minutes',
    { kind: 'integer', min: 1, max: 60 },
    10,
    'lower',
    'How long an allow of the reviewer holds.',
  ),
  key(
    'approvals.review_per_hour',
    { kind: 'integer', min: 1, max: 1000 },
    30,
    'lower',
    'Questions an hour that the reviewer is given; the others go to a person.',
  ),
  key(
    'approvals.on_pending',
    { kind: 'hook' },
    undefined,
    'managed',
    'What is told of each question that waits for a person, such as a chat or a phone: a program with its arguments (no shell), or `https://…` (`http://` on this machine only). It is given the destination and the names of the programs as JSON, without command lines and folders; what it answers does not count.',
    { effect: 'restart', sample: '"https://chat.example/hooks/questions"' },
  ),
  key(
    'approvals.desktop',
    { kind: 'choice', values: ['notify-only', 'deny-only', 'answer'] },
    'answer',
    'choice',
    'What the tray and its notifications may do: `answer`, deny only, or only show what waits.',
    {
      danger:
        'Any program of the same desktop session can press buttons there; `deny-only` takes the harm out of it.',
    },
  ),
  key(
    'gateway.enabled',
    boolean,
    true,
    'false',
    'Open the gateway listener, for `openai_base_url` and its like.',
    { effect: 'restart' },
  ),
  key(
    'gateway.port',
    port,
    4130,
    'managed',
    'Port of the gateway on 127.0.0.1; 0 takes a free one.',
    { effect: 'restart' },
  ),
  key(
    'gateway.upstream',
    { kind: 'url' },
    'https://api.openai.com/v1',
    'managed',
    'Where `/v1/…` of the gateway goes. Its host needs an allow rule like any other.',
    {
      danger: 'With `http://` the API key travels in clear text.',
    },
  ),
  key(
    'gateway.extra_ca',
    { kind: 'file' },
    undefined,
    'managed',
    "PEM file of certificates trusted beside the system's, for the gateway's upstream and for export.",
    {
      danger: 'Whoever holds its key can read that traffic.',
      sample: '"company-root.pem"',
    },
  ),
  key(
    'control.tcp',
    boolean,
    true,
    'false',
    'Serve the control API on 127.0.0.1 too. False leaves only the unix socket.',
    { effect: 'restart' },
  ),
  key(
    'control.port',
    port,
    4131,
    'managed',
    'Port of the control listener on 127.0.0.1; 0 takes a free one.',
    { effect: 'restart' },
  ),
  key(
    'control.confirm_widening',
    boolean,
    false,
    'true',
    'True: a reload that widens waits for an approver, and the policy before it stays until then.',
  ),
  key(
    'audit.folder',
    { kind: 'folder' },
    'audit',
    'managed',
    'Folder of the journal, relative to the state folder; files end in `.jsonl`.',
    { effect: 'restart' },
  ),
  key(
    'otel.environment',
    { kind: 'text', maxLength: 256 },
    'dev',
    'managed',
    'The deployment environment named in every exported record.',
    { layers: everywhere, sample: '"prod"' },
  ),
  key(
    'otel.exporter',
    { kind: 'exporter' },
    undefined,
    'managed',
    '`"none"`, or `{ otlp-http = { endpoint, protocol = "binary" | "json", headers, tls } }`. `${NAME}` in a header is taken from the environment. Unset: the standard OTEL_* variables.',
    {
      layers: everywhere,
      sample:
        '{ otlp-http = { endpoint = "http://localhost:14318/v1/logs", protocol = "binary", headers = { "x-otlp-api-key" = "${OTLP_TOKEN}" } } }',
    },
  ),
  key(
    'exec.no_proxy',
    { kind: 'choice', values: ['none', 'local'] },
    'local',
    'choice',
    '`local` sets NO_PROXY to localhost and the loopback addresses; `none` leaves it empty, so that local traffic is judged and recorded too, and passes no `openai_base_url`.',
  ),
];

/** The key of this path, or undefined. */
export function findKey(path: string): KeySpec | undefined {
  return byPath.get(path);
}

const byPath: ReadonlyMap<string, KeySpec> = new Map(keys.map((spec) => [spec.path, spec]));

/** The key names of one table, without the table. */
export function keysOf(table: string): readonly string[] {
  return keys
    .filter((spec) => spec.path.startsWith(`${table}.`))
    .map((spec) => spec.path.slice(table.length + 1));
}

/** Codex's own keys in the tables that we share with it: known, and not ours to read. */
export const codexKeys: Readonly<Record<string, readonly string[]>> = {
  network: [
    'unix_sockets',
    'allow_unix_sockets',
    'dangerously_allow_all_unix_sockets',
    'dangerously_allow_non_loopback_proxy',
    'dangerously_allow_non_loopback_admin',
    'header_injections',
  ],
  otel: [
    'log_user_prompt',
    'trace_exporter',
    'metrics_exporter',
    'span_attributes',
    'tracestate',
    'tool_result',
  ],
};

// The control API's JSON shapes, shared by the server, the client and everything that prints them.
// Types and closed lists only. Times are ISO 8601 in UTC, durations milliseconds unless said.
import type { PolicyReport } from '../config/in-force.ts';
import type { Protocol } from '../policy/destination.ts';

/** What a token's holder may do, the least first; each may do what those before it may. */
export const roles = ['viewer', 'approver', 'admin'] as const;
/** One of `roles`. */
export type Role = (typeof roles)[number];

/** Where an answer can come from; what a caller says of itself, not proof. `reviewer` is the daemon's own. */
export const surfaces = ['cli', 'watch', 'tray', 'page', 'api', 'reviewer'] as const;
/** One of `surfaces`. */
export type Surface = (typeof surfaces)[number];

/** How long an answer holds: `once`, `restart`, `always`, or minutes (`30m`) or hours (`2h`), up to 30 days. */
export type AnswerDuration = string;

/** Body of `POST /v1/pending/{id}/answer` and `…/preview`; everything but `outcome` has a default. */
export interface AnswerRequest {
  readonly outcome: 'allow' | 'deny';
  /** Default `once`. */
  readonly for?: AnswerDuration;
  /** Default `exact`; else `*.` and a name at or below the registrable domain that covers the host. */
  readonly host?: string;
  /** Default `this`. */
  readonly port?: 'this' | 'any';
  /** Default `any`; `this` binds what is remembered to the programs that ask, in their repositories. */
  readonly program?: 'this' | 'any';
  /** Why, in the approver's words, for the grant and the audit trail; at most 200 characters. */
  readonly note?: string;
  /** Deny only: a reason that the refused program is told; at most 200 characters. */
  readonly tell?: string;
  /** The revision the approver saw; 409 when it has changed since. */
  readonly revision?: number;
}

/** Answer to a taken answer. */
export interface AnswerResponse {
  readonly id: string;
  readonly outcome: 'allow' | 'deny';
  /** How many held connections it let go. */
  readonly released: number;
  /** The grant it left behind; null for `once` with somebody waiting. */
  readonly grant: GrantView | null;
}

/** What an answer would do, said before it is given: `POST /v1/pending/{id}/preview`. */
export interface PreviewResponse {
  /** One plain sentence, such as `Allow curl in ~/app to reach api.example.net:443 for these 4 connections.` */
  readonly sentence: string;
  /** The rule that would be remembered, as `grants` will show it; null when nothing is. */
  readonly rule: string | null;
  /** What to think of before giving it, in sentences. */
  readonly cautions: readonly string[];
  /** Why this answer would be refused; null when it would be taken. */
  readonly problem: string | null;
}

/** Body of `POST /v1/pending/{id}/hold`: everything that waits there waits this much longer, `1m` to `60m`. */
export interface HoldRequest {
  readonly for: AnswerDuration;
}

/** Answer to it. */
export interface HoldResponse {
  readonly id: string;
  /** Until when those who wait there wait now. */
  readonly until: string;
}

/** A program that asked, as the OS reported it; not proof. Command lines are shown live only, masked. */
export interface AskerView {
  readonly pid: number;
  readonly program: string;
  /** Path of the executable; null when the OS does not tell. */
  readonly executable: string | null;
  /** Empty for viewers, who are not shown command lines and folders. */
  readonly commandLine: readonly string[];
  readonly cwd: string | null;
  /** The nearest folder at or above `cwd` that holds a repository. */
  readonly repository: string | null;
  /** Parent programs, nearest first. */
  readonly parents: readonly string[];
}

/** A name that this one could be mistaken for. */
export interface LookAlike {
  /** The name it looks like. */
  readonly of: string;
  readonly kind: 'confusable' | 'typo' | 'suffix' | 'subdomain';
  /** One sentence, such as `exarnple.net looks like example.net, allowed since 3 Nov: "rn" for "m".` */
  readonly sentence: string;
}

/** What is known of a destination besides its name. */
export interface HostFacts {
  /** The decoded form of a punycode name, escaped for display; null where it is the same. */
  readonly unicode: string | null;
  readonly kind: 'name' | 'ipv4' | 'ipv6';
  /** What a known host is for, such as `package registry; uploads possible`; null for others. */
  readonly about: string | null;
  readonly lookAlike: LookAlike | null;
  /** Decisions for this host on this machine, as far as the daemon remembers. */
  readonly allowed: number;
  readonly denied: number;
  readonly firstSeen: string | null;
}

/** A wider host that an answer may name. */
export interface WildcardOffer {
  /** `*.example.net`. */
  readonly host: string;
  /** Names seen on this machine that it would cover, at most 8. */
  readonly covers: readonly string[];
}

/** Why a question is asked. */
export const whyAsked = [
  'no_rule',
  'expired',
  'address',
  'denied_before',
  'reviewer',
  'paused',
  'unattended',
] as const;
/** One of `whyAsked`. */
export type WhyAsked = (typeof whyAsked)[number];

/** One question. */
export interface GroupView {
  /** Short id, such as `k3`. */
  readonly id: string;
  readonly revision: number;
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  /** For plain HTTP: the method and the path without its query, secret-looking parts masked; never recorded. */
  readonly request: string | null;
  /** Connections held right now; 0 when the client has gone but the question stands. */
  readonly waiting: number;
  /** Connections that ever asked. */
  readonly asked: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Since when the longest-held connection waits; null when none waits. */
  readonly waitingSince: string | null;
  /** When the longest-held connection is refused; null when none waits. */
  readonly deadline: string | null;
  /** When the client is likely to give up by itself; null when that is not known. */
  readonly clientLeaves: string | null;
  /** When the question itself goes. */
  readonly expires: string;
  readonly why: WhyAsked;
  /** True while the automatic reviewer thinks about it, so that no person needs to be called yet. */
  readonly reviewing?: boolean;
  /** `why` as one sentence, with its facts. */
  readonly whySentence: string;
  readonly facts: HostFacts;
  /** Empty where only the exact host may be answered; then `exactOnly` says why. */
  readonly wildcards: readonly WildcardOffer[];
  readonly exactOnly: string | null;
  /** Sentences an approver must read before allowing; with any, `quickAllow` is false. */
  readonly warnings: readonly string[];
  /** Whether one click on a tray or notification may allow it. */
  readonly quickAllow: boolean;
  /** Questions to show on one card: those one program tree asked at once, or names below one domain. */
  readonly bundle: BundleRef | null;
  readonly askers: readonly AskerView[];
  /** True while some program that asks is not known. */
  readonly unidentified: boolean;
}

/** Which card a question belongs to. */
export interface BundleRef {
  readonly id: string;
  /** `npm install asks for 7 new hosts`, `12 names below example.net: names may carry data`. */
  readonly title: string;
  readonly suggests: 'deny' | null;
}

/** A program tree that asked for too much and is denied quietly until somebody lifts it. */
export interface FloodView {
  readonly id: string;
  readonly since: string;
  readonly program: string;
  readonly pid: number | null;
  /** Requests refused since. */
  readonly refused: number;
  /** Some of the hosts, at most 8. */
  readonly hosts: readonly string[];
}

/** The program a remembered answer is bound to. */
export interface GrantProgram {
  readonly executable: string;
  /** Its repository, or its working folder. */
  readonly folder: string | null;
}

/** A remembered answer. */
export interface GrantView {
  readonly id: string;
  readonly outcome: 'allow' | 'deny';
  readonly protocol: Protocol;
  /** A host, or `*.` and a domain. */
  readonly host: string;
  readonly port: number | 'any';
  readonly for: 'ticket' | 'until' | 'restart' | 'always';
  /** Null for `restart` and `always`. */
  readonly expires: string | null;
  readonly created: string;
  readonly approver: string;
  readonly surface: string;
  readonly uses: number;
  readonly lastUsed: string | null;
  /** Null: any program. */
  readonly programs: readonly GrantProgram[] | null;
  readonly note: string | null;
  /** The question it came from. */
  readonly question: string | null;
}

/** One answer given in this run. */
export interface AnswerView {
  /** The question's id. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  readonly outcome: 'allow' | 'deny';
  readonly for: AnswerDuration;
  /** `exact`, or `*.` and a domain. */
  readonly scopeHost: string;
  readonly scopePort: 'this' | 'any';
  readonly at: string;
  readonly approver: string;
  readonly surface: string;
  /** From the question's first request to its answer. */
  readonly latencyMs: number;
  readonly released: number;
  readonly grant: string | null;
  /** When it was taken back; null while it stands. */
  readonly undone: string | null;
}

/** What the gate as a whole is doing. */
export interface GateView {
  /** `attended`: a surface is there; `unattended`: nobody is, so unknown hosts are refused at once. */
  readonly attendance: 'attended' | 'unattended';
  /** Until when unknown hosts are denied without a question; null when not paused. */
  readonly pausedUntil: string | null;
  /** Since when everything is denied; null without panic. */
  readonly panicSince: string | null;
  /** Sentences about what is not well (journal, exporter, rejected policy); empty when all is. */
  readonly troubles: readonly string[];
  readonly policyVersion: string;
  /** What the tray and its notifications may do: `answer`, `deny-only` or `notify-only`. */
  readonly desktop: 'answer' | 'deny-only' | 'notify-only';
}

/** A reload that widened, or that waits for an approver since it would. */
export interface PolicyChangeView {
  readonly id: string;
  readonly at: string;
  /** `waiting`: not in force until accepted; `applied`: in force, can be undone; the others are its end. */
  readonly state: 'waiting' | 'applied' | 'undone' | 'rejected' | 'replaced';
  /** `+ allow *.example.net`, `- deny x`, `network.mode: limited -> full`; at most 200 lines. */
  readonly lines: readonly string[];
  readonly version: string;
}

/** Everything a surface shows, at one moment. */
export interface LiveView {
  readonly version: string;
  readonly role: Role;
  readonly gate: GateView;
  readonly groups: readonly GroupView[];
  readonly floods: readonly FloodView[];
  readonly grants: readonly GrantView[];
  /** Newest first, at most 50. */
  readonly answers: readonly AnswerView[];
  readonly policyChange: PolicyChangeView | null;
}

/** What has changed since the last event; parts that are absent have not. Lists hold only what is new or different. */
export interface LiveChange {
  readonly gate?: GateView;
  readonly groups?: readonly GroupView[];
  readonly closedGroups?: readonly string[];
  readonly floods?: readonly FloodView[];
  readonly endedFloods?: readonly string[];
  readonly grants?: readonly GrantView[];
  readonly endedGrants?: readonly string[];
  readonly answers?: readonly AnswerView[];
  readonly policyChange?: PolicyChangeView | null;
}

/**
 * `GET /v1/events`, server-sent: one `snapshot`, then `change`s; `id` grows by one with each. The `data` line is
 * the whole of this as JSON; `event` and `id` lines say type and id once more. A comment comes every 15 s.
 */
export type LiveEvent =
  | { readonly type: 'snapshot'; readonly id: number; readonly view: LiveView }
  | { readonly type: 'change'; readonly id: number; readonly change: LiveChange };

/** `GET /v1/pending`; `GET /v1/pending/{id}` gives one GroupView. */
export interface PendingResponse {
  readonly groups: readonly GroupView[];
}

/** `GET /v1/grants`. */
export interface GrantsResponse {
  readonly grants: readonly GrantView[];
}

/** Query of `GET /v1/history`; all optional, all of them must fit. */
export interface HistoryQuery {
  /** A host, or a part of one. */
  readonly host?: string;
  /** A part of the asking program's path. */
  readonly program?: string;
  readonly outcome?: 'allow' | 'deny';
  /** ISO times: not before `since`, before `before`. */
  readonly since?: string;
  readonly before?: string;
  /** 1 to 500; default 100. */
  readonly limit?: number;
}

/** One decision out of the journal. */
export interface HistoryEntry {
  readonly uid: string;
  readonly at: string;
  readonly outcome: 'allow' | 'deny';
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly reason: string;
  readonly source: string;
  /** The rule that decided, as `text (file:line)`. */
  readonly rule: string | null;
  readonly question: string | null;
  readonly grant: string | null;
  readonly approver: string | null;
  readonly surface: string | null;
  readonly waitMs: number | null;
  readonly program: string | null;
  readonly pid: number | null;
}

/** `GET /v1/history`: newest first. */
export interface HistoryResponse {
  readonly entries: readonly HistoryEntry[];
  /** True when older ones that fit were left out. */
  readonly more: boolean;
  /** The answers of this run, newest first. */
  readonly answers: readonly AnswerView[];
}

/** Body of `POST /v1/undo`: the answer of this question, else the last that was not undone. */
export interface UndoRequest {
  readonly id?: string;
}

/** What undoing did. */
export interface UndoResponse {
  readonly answer: AnswerView;
  /** Connections that were closed by it. */
  readonly closed: number;
}

/** Body of `POST /v1/pause`: unknown hosts are denied without a question, `1m` to `12h`. */
export interface PauseRequest {
  readonly for: AnswerDuration;
}

/** Body of `POST /v1/panic`. */
export interface PanicRequest {
  readonly on: boolean;
}

/** Answer to `pause`, `resume`, `panic`, and to lifting a flood. */
export interface GateResponse {
  readonly gate: GateView;
  /** Connections that were closed by it. */
  readonly closed: number;
}

/** Answer to `POST /v1/changes/{id}/accept`, `…/reject` and `…/undo`. */
export interface ChangeResponse {
  readonly change: PolicyChangeView;
}

/** One configuration file as the rules page shows it. */
export interface RuleFileView {
  readonly file: string;
  readonly layer: string;
  /** Null when it is not the caller's or not ours to read; for an absent file, what a new one would start from. */
  readonly text: string | null;
  /** Names this text; an edit quotes it. `absent` for a file that is not there yet, `hidden` without a text. */
  readonly etag: string;
  /** False for non-admins, for files another user owns, and for layers with no file. */
  readonly editable: boolean;
  readonly findings: readonly FindingView[];
}

/** A mistake or a doubt at its place; line and column count from 1. */
export interface FindingView {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** One rule in force. */
export interface RuleView {
  readonly text: string;
  readonly outcome: 'allow' | 'deny';
  readonly layer: string;
  readonly file: string;
  readonly line: number;
}

/** `GET /v1/rules`. */
export interface RulesResponse {
  readonly files: readonly RuleFileView[];
  /** The first 5000. */
  readonly rules: readonly RuleView[];
  /** How many there are. */
  readonly total: number;
}

/** One change to a file, made by a program so that the file's comments and order stay. */
export type RuleEdit =
  | { readonly kind: 'add'; readonly list: 'allow' | 'deny'; readonly rule: string }
  | { readonly kind: 'remove'; readonly list: 'allow' | 'deny'; readonly rule: string };

/** Body of `POST /v1/rules/check` and `…/save`: either the whole text, or edits to what is there. */
export interface RulesDraft {
  readonly file: string;
  readonly etag: string;
  readonly text?: string;
  readonly edits?: readonly RuleEdit[];
}

/** One line of a diff. */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  /** In the old text for `removed`, in the new one for others; from 1. */
  readonly line: number;
  readonly text: string;
}

/** `POST /v1/rules/check`: what saving would do. */
export interface RulesCheckResponse {
  readonly text: string;
  /** Mistakes and conflicts; any `error` keeps it from being saved. */
  readonly findings: readonly FindingView[];
  /** Three lines of context around each change. */
  readonly diff: readonly DiffLine[];
  /** What the policy would let through or refuse differently: `+ allow x`; at most 200 lines. */
  readonly effect: readonly string[];
  readonly widens: boolean;
}

/** `POST /v1/rules/save` and `…/undo`. */
export interface RulesSaveResponse {
  readonly file: RuleFileView;
  readonly reload: ReloadResponse;
  /** Id of the kept earlier text, for undoing. */
  readonly edit: string;
}

/** One saved edit. */
export interface RuleEditView {
  readonly id: string;
  readonly at: string;
  readonly file: string;
  readonly by: string;
  readonly surface: string;
  readonly diff: readonly DiffLine[];
  /** True when the file is still as this edit left it, so that it can be undone. */
  readonly undoable: boolean;
}

/** `GET /v1/rules/history`: newest first. */
export interface RulesHistoryResponse {
  readonly edits: readonly RuleEditView[];
}

/** A token as it is listed; its secret is shown once, when it is made, and kept only as a hash. */
export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly created: string;
  readonly lastUsed: string | null;
  /** When it stops being valid; null: when it is revoked. */
  readonly expires: string | null;
}

/** `GET /v1/tokens`; the local admin's own token is `local`. */
export interface TokensResponse {
  readonly tokens: readonly TokenView[];
}

/** Body of `POST /v1/tokens`. A name may have two valid tokens at once, so that one can replace the other. */
export interface TokenRequest {
  /** 1 to 40 letters, digits, `.`, `_`, `-` and blanks; not `local`. */
  readonly name: string;
  readonly role: Role;
  /** For so many days it is valid, 1 to 366; default: until it is revoked. */
  readonly days?: number;
}

/** Answer to `POST /v1/tokens`. */
export interface TokenCreatedResponse {
  readonly token: TokenView;
  readonly secret: string;
}

/** `DELETE /v1/tokens/{id}`: the token that is no more; what it had open is closed. */
export interface TokenRevokedResponse {
  readonly revoked: TokenView;
}

/** `POST /v1/tokens/local/rotate`: the new secret stands in `<state>/token` only. */
export interface TokenRotatedResponse {
  readonly token: TokenView;
  /** Until when the secret before it is valid, too. */
  readonly oldExpires: string;
}

/** `POST /v1/page-codes`: a way into the page that works once, for 60 s. */
export interface PageCodeResponse {
  /** `http://127.0.0.1:4131/#code=…`; null when the control port is off. */
  readonly url: string | null;
  readonly expires: string;
}

/** Body of `POST /v1/page-sessions`. */
export interface PageSessionRequest {
  readonly code: string;
}

/** A session of the page: `secret` is sent as bearer token. */
export interface PageSessionResponse {
  readonly secret: string;
  readonly role: Role;
}

/** `GET /v1/status`. */
export interface StatusResponse {
  readonly version: string;
  readonly pid: number;
  readonly started: string;
  /** URLs as a client would write them; null for a listener that is off. */
  readonly listeners: {
    readonly http: string;
    readonly socks: string;
    readonly gateway: string | null;
    readonly control: string | null;
    readonly socket: string;
  };
  readonly state: string;
  readonly policy: PolicyReport;
  readonly parent: string | null;
  readonly connections: Readonly<Record<'http' | 'socks5' | 'gateway', number>>;
  readonly waiting: { readonly groups: number; readonly holds: number };
  readonly gate: GateView;
  readonly policyChange: PolicyChangeView | null;
  /** Surfaces that listen now, with how many of each. */
  readonly surfaces: Readonly<Partial<Record<Surface, number>>>;
  /** What the tray said of its desktop last, such as `no tray on this desktop`; null when none runs. */
  readonly tray: string | null;
  readonly reviewer: { readonly kind: 'user' | 'auto_review'; readonly problem: string | null };
  readonly audit: {
    readonly journal: {
      readonly file: string;
      readonly ok: boolean;
      readonly problem: string | null;
    };
    readonly exporter: {
      readonly kind: 'none' | 'otlp-http';
      readonly ok: boolean;
      readonly delivered: number;
      readonly dropped: number;
      readonly problem: string | null;
    };
  };
}

/** Body of `POST /v1/tray`: what a tray can show on its desktop; null when all is well. */
export interface TrayReport {
  readonly problem: string | null;
}

/** Answer to it. */
export interface TrayResponse {
  readonly ok: true;
}

/** `GET /v1/health`: open to anybody on this machine, so it says no more than this. */
export interface HealthResponse {
  readonly ok: true;
}

/** `POST /v1/reload`; a rejected file is an answer, not an error, since the last good policy stands. */
export interface ReloadResponse {
  /** False when the files on disk have mistakes and the policy before them stays. */
  readonly loaded: boolean;
  /** The version of the policy now in force. */
  readonly version: string;
  /** Every finding, or what changed and what waits for the next start; one line each. */
  readonly messages: readonly string[];
}

/** `DELETE /v1/grants/{id}`: the grant that is no more. */
export interface RevokeResponse {
  readonly revoked: GrantView;
}

/** Body of every error answer. */
export interface ErrorResponse {
  readonly error: { readonly code: ControlErrorCode; readonly message: string };
}

/** The control API's error codes. */
export const controlErrorCodes = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'self_approval',
  'not_found',
  'method_not_allowed',
  'gone',
  'changed',
  'misdirected',
  'too_large',
  'busy',
  'unavailable',
  'internal',
] as const;
/** One of `controlErrorCodes`. */
export type ControlErrorCode = (typeof controlErrorCodes)[number];

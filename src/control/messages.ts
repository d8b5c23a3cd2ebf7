// The control API's JSON shapes, shared by the server, the client and everything that prints them.
// Types and closed lists only. Times are ISO 8601 in UTC, durations milliseconds.
import type { PolicyReport } from '../config/in-force.ts';
import type { Protocol } from '../policy/destination.ts';

/** How long an answer holds: `once`, `restart`, `always`, or minutes (`30m`) or hours (`2h`), up to 30 days. */
export type AnswerDuration = string;

/** Body of `POST /v1/pending/{id}/answer`; everything but `outcome` has a default. */
export interface AnswerRequest {
  readonly outcome: 'allow' | 'deny';
  /** Default `once`. */
  readonly for?: AnswerDuration;
  /** Default `exact`; else `*.` and a name at or below the registrable domain that covers the host. */
  readonly host?: string;
  /** Default `this`. */
  readonly port?: 'this' | 'any';
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

/** A program that asked, as the OS reported it; not proof. Command lines are shown live only, masked. */
export interface AskerView {
  readonly pid: number;
  readonly program: string;
  readonly commandLine: readonly string[];
  readonly cwd: string | null;
  /** Parent programs, nearest first. */
  readonly parents: readonly string[];
}

/** One question. */
export interface GroupView {
  /** Short id, such as `k3`. */
  readonly id: string;
  readonly revision: number;
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  /** Connections held right now; 0 when the client has gone but the question stands. */
  readonly waiting: number;
  /** Connections that ever asked. */
  readonly asked: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** When the longest-held connection gives up; null when none waits. */
  readonly deadline: string | null;
  /** When the question itself goes. */
  readonly expires: string;
  readonly askers: readonly AskerView[];
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
}

/** `GET /v1/pending`. */
export interface PendingResponse {
  readonly groups: readonly GroupView[];
}

/** `GET /v1/grants`. */
export interface GrantsResponse {
  readonly grants: readonly GrantView[];
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
  'unavailable',
  'internal',
] as const;
/** One of `controlErrorCodes`. */
export type ControlErrorCode = (typeof controlErrorCodes)[number];

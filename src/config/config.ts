// The effective configuration: what is left when every layer has been read, checked and merged.
// Types only; keys, defaults and ranges stand in schema.ts, the merge in merge.ts.
import type { Layer, Origin, RuleRef } from '../policy/decision.ts';
import type { Pattern } from '../policy/pattern.ts';

/** One allow or deny rule with the place it was written. */
export interface ConfigRule {
  readonly pattern: Pattern;
  readonly ref: RuleRef;
}

/** `[network]`: the policy without its rules, and the two proxy listeners. */
export interface NetworkConfig {
  readonly enabled: boolean;
  readonly mode: 'full' | 'limited';
  readonly unknown: 'ask' | 'deny' | 'report';
  readonly allowLocalBinding: boolean;
  /** Managed layers only: unknown is deny, grants do not count, user allow rules were left out. */
  readonly managedOnly: boolean;
  readonly allowUpstreamProxy: boolean;
  /** 0 to 65535; 0 is an ephemeral port. */
  readonly httpPort: number;
  /** 0 to 65535; 0 is an ephemeral port. */
  readonly socksPort: number;
}

/** What the user has run or called at an event: a program with its arguments (no shell), or an address to post to. */
export type Hook =
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** `https:`, or `http:` on this machine; may hold a secret, so it is never printed, logged or recorded. */
  | { readonly kind: 'endpoint'; readonly url: string };

/** `[approvals]`: how long and how many requests may wait for a person, and who else is asked or told. */
export interface ApprovalsConfig {
  /** 0 to 86400; 0 refuses once its program is known and keeps the question. */
  readonly holdSeconds: number;
  /** True when a layer wrote `hold_seconds`: then it holds whatever surfaces are open. */
  readonly holdSecondsExplicit: boolean;
  /** 1 to 1440. */
  readonly questionMinutes: number;
  readonly holdsPerGroup: number;
  readonly holds: number;
  readonly groups: number;
  readonly dangerouslyAllowSelfApproval: boolean;
  /** `auto_review` never without `reviewWith`. */
  readonly reviewer: 'user' | 'auto_review';
  readonly reviewWith: Hook | undefined;
  /** 1 to 60. */
  readonly reviewSeconds: number;
  /** Longest allow the reviewer may give; 1 to 60. */
  readonly reviewMinutes: number;
  readonly reviewPerHour: number;
  readonly onPending: Hook | undefined;
  /** What trays and notifications may do. */
  readonly desktop: 'answer' | 'deny-only' | 'notify-only';
}

/** `[gateway]`: the stand-in for one API origin. */
export interface GatewayConfig {
  readonly enabled: boolean;
  /** 0 to 65535; 0 is an ephemeral port. */
  readonly port: number;
  /** `http:` or `https:`, without credentials, query or fragment; the path has no slash at its end. */
  readonly upstream: URL;
  /** Absolute path of a PEM file whose certificates are added to the system's roots. */
  readonly extraCa: string | undefined;
}

/** `[control]`: the control listener; the unix socket is always there. */
export interface ControlConfig {
  readonly tcp: boolean;
  /** 0 to 65535; 0 is an ephemeral port. */
  readonly port: number;
  readonly confirmWidening: boolean;
}

/** `[audit]`: where the journal is kept. */
export interface AuditConfig {
  /** Absolute, or relative to the state folder (the one path that is not relative to its file). */
  readonly folder: string;
}

/** Client certificate and extra root of an exporter; absolute paths of PEM files. */
export interface ExporterTls {
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** An OTLP/HTTP logs exporter. Header values are secrets: never print, log or record them. */
export interface OtlpHttpExporter {
  readonly kind: 'otlp-http';
  /** The full signal URL, `…/v1/logs`. */
  readonly endpoint: string;
  readonly protocol: 'binary' | 'json';
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ExporterTls;
}

/** `[otel]` and, where no exporter is configured, the standard `OTEL_*` variables. */
export interface OtelConfig {
  /** Becomes the resource attributes `env` and `deployment.environment.name`. */
  readonly environment: string;
  readonly exporter: { readonly kind: 'none' } | OtlpHttpExporter;
  /** From `OTEL_RESOURCE_ATTRIBUTES`, decoded. */
  readonly resourceAttributes: Readonly<Record<string, string>>;
}

/** `[exec]`: the environment given to child programs. */
export interface ExecConfig {
  /** `local`: loopback bypasses the proxy; `none`: nothing does. */
  readonly noProxy: 'local' | 'none';
}

/** One layer that was really read, lowest first. */
export interface LayerSource {
  readonly layer: Layer;
  readonly file: string;
}

/** The whole effective configuration: immutable, replaced as one by a reload. */
export interface Config {
  readonly network: NetworkConfig;
  readonly rules: readonly ConfigRule[];
  readonly approvals: ApprovalsConfig;
  readonly gateway: GatewayConfig;
  readonly control: ControlConfig;
  readonly audit: AuditConfig;
  readonly otel: OtelConfig;
  readonly exec: ExecConfig;
  readonly layers: readonly LayerSource[];
  /** Where each effective value was written, by key path such as `network.http_port`. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Files that were read (presets among them) and places where a file would count once it appears. */
  readonly files: WatchedFiles;
}

/** What the reloader watches: a `read` file that goes missing keeps the last policy. */
export interface WatchedFiles {
  readonly read: readonly string[];
  readonly absent: readonly string[];
  /** What all of them looked like just before they were read (see stamp.ts). */
  readonly stamp: string;
}

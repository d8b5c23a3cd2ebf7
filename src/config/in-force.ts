// The configuration in force with its compiled policy: replaced as one, never in part. Also remembers what
// it was at the start (for keys that wait for the next one) and what a rejected reload said.
import { compilePolicy, type Policy } from '../policy/rules.ts';
import type { Config } from './config.ts';
import { changedKeys, diffConfigs, type ConfigDiff } from './diff.ts';
import { policyInput } from './effective.ts';
import { formatFinding, type Finding } from './finding.ts';

/** What `status` shows of the policy. */
export interface PolicyReport {
  readonly version: string;
  readonly enabled: boolean;
  readonly mode: 'full' | 'limited';
  readonly unknown: 'ask' | 'deny' | 'report';
  readonly rules: { readonly allow: number; readonly deny: number };
  readonly layers: readonly { readonly layer: string; readonly file: string }[];
  /** What a rejected reload said, a finding a line; null when the files on disk are in force. */
  readonly rejected: string | null;
  /** Keys that differ from the start and take effect at the next one. */
  readonly pendingRestart: readonly string[];
  readonly warnings: readonly string[];
}

/** The holder. */
export interface InForce {
  readonly config: Config;
  readonly policy: Policy;
  /** Grows with every configuration that is accepted. */
  readonly generation: number;
  /** What the configuration in force was warned about. */
  readonly warnings: readonly Finding[];
  /** Compiles and swaps; gives what has changed. Throws, and changes nothing, when it does not compile. */
  readonly accept: (config: Config, warnings: readonly Finding[]) => ConfigDiff;
  /** Keeps everything and remembers why. */
  readonly reject: (findings: readonly Finding[]) => void;
  readonly report: () => PolicyReport;
}

/** Compiles the first configuration. */
export function createInForce(first: Config, firstWarnings: readonly Finding[]): InForce {
  let config = first;
  let policy = compilePolicy(policyInput(first));
  let warnings = firstWarnings;
  let rejected: string | null = null;
  let generation = 0;
  return {
    get config() {
      return config;
    },
    get policy() {
      return policy;
    },
    get generation() {
      return generation;
    },
    get warnings() {
      return warnings;
    },
    accept(next, nextWarnings) {
      const diff = diffConfigs(config, next);
      policy = compilePolicy(policyInput(next));
      config = next;
      generation += 1;
      warnings = nextWarnings;
      rejected = null;
      return diff;
    },
    reject(findings) {
      rejected = findings.map(formatFinding).join('\n');
    },
    report: () => ({
      version: policy.version,
      enabled: policy.enabled,
      mode: policy.mode,
      unknown: policy.unknown,
      rules: policy.counts,
      layers: config.layers,
      rejected,
      pendingRestart: waitingKeys(first, config),
      warnings: warnings.map(formatFinding),
    }),
  };
}

function waitingKeys(first: Config, now: Config): readonly string[] {
  return changedKeys(first, now)
    .filter(({ effect }) => effect === 'restart')
    .map(({ key }) => key);
}

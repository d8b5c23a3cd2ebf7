// Configuration texts from anybody: nothing throws, every finding has a place in its text, and no user
// layer widens what the managed layers say.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Config } from '../../src/config/config.ts';
import { policyInput } from '../../src/config/effective.ts';
import type { Finding } from '../../src/config/finding.ts';
import type { DecisionRequest, Verdict } from '../../src/policy/decision.ts';
import { createDestination, parseHost, type Protocol } from '../../src/policy/destination.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { compilePolicy } from '../../src/policy/rules.ts';
import { gitPreset, loadTexts, type Texts } from '../support/layers.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 5_000);
const corpusFile = new URL('corpus/toml-layers.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as Readonly<{
  texts: readonly string[];
  layers: readonly Texts[];
}>;
const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', TOKEN: 't' };

/** Every place lies in its text (or just behind it), and every message is one visible line. */
function assertFindings(findings: readonly Finding[], texts: Texts): void {
  for (const { file, line, column, message } of findings) {
    assert.match(message, /^[^\n]+$/);
    const layer = file === 'config.toml' ? 'user' : file.replace('.toml', '');
    const given = Object.entries(texts).find(([name]) => name === layer)?.[1];
    const body = file === 'git.toml' ? gitPreset : given;
    if (body === undefined) assert.ok(['environment', 'built-in'].includes(file), file);
    const lines = (body ?? '').split(/\r?\n/);
    assert.ok(line >= 1 && line <= lines.length, `${message}: line ${line}`);
    const width = body === undefined ? 1 : (lines[line - 1] ?? '').length + 1;
    assert.ok(column >= 1 && column <= width + 1, `${message}: column ${column} of ${width}`);
  }
}

function checkTexts(texts: Texts): void {
  const result = loadTexts(texts, env);
  const findings = result.ok ? result.warnings : result.findings;
  assert.equal(result.ok, !findings.some(({ severity }) => severity === 'error'));
  assertFindings(findings, texts);
}

const hosts = ['a.example', 'b.a.example', 'c.test', 'localhost', '127.0.0.1', '10.1.2.3', '[::1]'];
const kinds: readonly (readonly [Protocol, DecisionRequest['form'], string])[] = [
  ['http', 'request', 'GET'],
  ['http', 'request', 'POST'],
  ['http', 'upgrade', 'GET'],
  ['https_connect', 'tunnel', 'CONNECT'],
  ['socks5_tcp', 'tunnel', 'none'],
];
const probes: readonly DecisionRequest[] = hosts.flatMap((text) =>
  kinds.flatMap(([protocol, form, method]) =>
    [443, 4131].map((port) => {
      const host = parseHost(text);
      assert.ok(host.ok);
      const client = { address: '127.0.0.1', port: 1, localPort: 2 };
      const listener = protocol === 'socks5_tcp' ? 'socks5' : 'http';
      return {
        destination: createDestination(protocol, host.value, port),
        listener,
        method,
        form,
        client,
      };
    }),
  ),
);

function judgeAll(config: Config): readonly Verdict[] {
  const policy = compilePolicy(policyInput(config));
  const ownPorts = new Set([4131]);
  return probes.map((probe) => evaluate(probe, policy, () => undefined, ownPorts));
}

/** What the managed layers themselves set, by key path. */
function isBound(config: Config, path: string): boolean {
  return config.origins.get(path)?.file !== 'built-in';
}

const hard = new Set([
  'denied',
  'proxy_disabled',
  'proxy_loop',
  'method_not_allowed',
  'mitm_required',
]);

/** Whether the change from `before` to `after` is one that a user may make. */
function mayBecome(managed: Config, before: Verdict, after: Verdict): boolean {
  if (after.outcome === 'deny' || before.outcome === 'allow') return true;
  if (before.outcome === 'deny' && hard.has(before.reason)) return false;
  if (managed.network.managedOnly) return after.outcome === before.outcome;
  const local = before.outcome === 'deny' && before.reason === 'not_allowed_local';
  if (local && !isBound(managed, 'network.allow_local_binding')) return true;
  if (after.outcome === 'ask') return before.outcome === 'ask';
  if (after.rule?.origin.layer === 'user') return true;
  return after.wouldDeny && !isBound(managed, 'network.unknown');
}

function checkNarrowing(texts: Texts): void {
  checkTexts(texts);
  const { user: _, ...managedTexts } = texts;
  const managed = loadTexts(managedTexts, env);
  const both = loadTexts(texts, env);
  if (!managed.ok || !both.ok) return;
  const after = judgeAll(both.config);
  for (const [index, before] of judgeAll(managed.config).entries()) {
    const now = after[index];
    assert.ok(
      now !== undefined && mayBecome(managed.config, before, now),
      JSON.stringify(probes[index]),
    );
  }
}

const noise = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    ...'[ ] [[ ]] { } = . , " \' """ \' # \n \r \r\n \t \uFEFF \0 true false inf 1e9 0x1F 1979-05-27'.split(
      ' ',
    ),
    ...'network experimental_network otel exporter gateway domains allowed_domains presets'.split(
      ' ',
    ),
    ...'mode "full" "*.a.example" "*.com" "\\u202e" "${TOKEN}" "${NO}" otlp-http endpoint headers tls'.split(
      ' ',
    ),
    '[network]\n',
    '[experimental_network]\n',
    'allowed_domains = ["a.example"]\n',
    'domains = { "a.example" = "deny" }\n',
    'exporter = { otlp-http = { endpoint = "http://c.example/v1/logs", protocol = "json" } }\n',
    '__proto__ = 1\n',
    '[approvals]\n',
    'reviewer = "auto_review"\n',
    'review_with = ["review", "", "x"]\n',
    'on_pending = "https://c.example/?key=1"\n',
    'on_pending = "http://',
  ),
);
const text = fc.array(noise, { maxLength: 16 }).map((parts) => parts.join(''));

const patterns = fc.constantFrom(
  ...'a.example *.a.example **.a.example b*.a.example * c.test 127.0.0.1 10.0.0.0/8 ::1 localhost'.split(
    ' ',
  ),
  'a.example:443',
  '*.com',
);
const choice = (...values: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...values);
const list = fc.array(patterns, { maxLength: 3 }).map((all) => JSON.stringify(all));
const map = fc.dictionary(patterns, choice('allow', 'deny'), { maxKeys: 3 }).map(
  (all) =>
    `{ ${Object.entries(all)
      .map(([key, value]) => `"${key}" = "${value}"`)
      .join(', ')} }`,
);
const lines = (shared: boolean): fc.Arbitrary<string> =>
  fc
    .uniqueArray(
      fc.oneof(
        choice('true', 'false').map((value) => `enabled = ${value}`),
        choice('true', 'false').map((value) => `allow_local_binding = ${value}`),
        list.map((value) => `allowed_domains = ${value}`),
        list.map((value) => `denied_domains = ${value}`),
        map.map((value) => `domains = ${value}`),
        ...(shared
          ? [choice('true', 'false').map((value) => `managed_allowed_domains_only = ${value}`)]
          : [
              choice('"full"', '"limited"').map((value) => `mode = ${value}`),
              choice('"ask"', '"deny"', '"report"').map((value) => `unknown = ${value}`),
              choice('["git"]', '[]').map((value) => `presets = ${value}`),
            ]),
      ),
      { maxLength: 5, selector: (line) => line.split(' ')[0] },
    )
    .map((all) => `${all.join('\n')}\n`);
const own = lines(false).map((body) => `[network]\n${body}`);
const ownManaged = fc
  .tuple(own, choice('', '', 'managed_allowed_domains_only = true\n'))
  .map((parts) => parts.join(''));
const codex = lines(true).map((body) => `[experimental_network]\n${body}`);
const layers: fc.Arbitrary<Texts> = fc.record(
  {
    user: own,
    'codex-requirements': codex,
    requirements: ownManaged,
    'managed-preferences': codex,
  },
  { requiredKeys: ['user'] },
);

describe('configuration texts', () => {
  it('of the corpus neither throw nor widen', () => {
    for (const each of corpus.texts) {
      checkTexts({ user: each });
      checkTexts({ 'codex-requirements': each });
    }
    for (const each of corpus.layers) checkNarrowing(each);
  });

  it('never throw, and every finding has a place in its text', () => {
    const property = fc.property(text, fc.boolean(), (each, isCodex) => {
      checkTexts(isCodex ? { 'codex-requirements': each } : { user: each });
    });
    fc.assert(property, { numRuns });
  });

  it('never widen what the managed layers say', () => {
    fc.assert(fc.property(layers, checkNarrowing), { numRuns });
  });
});

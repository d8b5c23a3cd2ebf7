import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../../src/config/config.ts';
import { diffConfigs, diffLines } from '../../../src/config/diff.ts';
import { linesOf, loadTexts } from '../../support/layers.ts';

function load(user: string): Config {
  const result = loadTexts({ user }, { A: 'old', B: 'new' });
  assert.ok(result.ok, linesOf(result).join('\n'));
  return result.config;
}

describe('diffConfigs', () => {
  it('finds nothing where only places and spelling differ', () => {
    const before = load('[network]\nallowed_domains = ["a.example"]\n');
    const after = load('# moved\n\n[network.domains]\n"A.example" = "allow"\n');
    assert.deepEqual(diffConfigs(before, after), {
      changed: [],
      added: [],
      removed: [],
      widens: false,
    });
  });

  it('names changed keys, when they take effect, and which of them widen', () => {
    const before = load('[network]\nmode = "limited"\nunknown = "report"\n');
    const after = load(
      '[network]\nunknown = "deny"\nhttp_port = 0\n[approvals]\nhold_seconds = 290\n',
    );
    assert.deepEqual(diffConfigs(before, after), {
      changed: [
        { key: 'network.mode', effect: 'reload', before: 'limited', after: 'full', widens: true },
        {
          key: 'network.unknown',
          effect: 'reload',
          before: 'report',
          after: 'deny',
          widens: false,
        },
        { key: 'network.http_port', effect: 'restart', before: '4128', after: '0', widens: false },
        {
          key: 'approvals.hold_seconds',
          effect: 'reload',
          before: '290 (default)',
          after: '290',
          widens: false,
        },
      ],
      added: [],
      removed: [],
      widens: true,
    });
  });

  const cases = [
    { name: 'an allow added', before: '', after: 'allowed_domains = ["a.example"]', widens: true },
    {
      name: 'an allow removed',
      before: 'allowed_domains = ["a.example"]',
      after: '',
      widens: false,
    },
    { name: 'a deny added', before: '', after: 'denied_domains = ["a.example"]', widens: false },
    { name: 'a deny removed', before: 'denied_domains = ["a.example"]', after: '', widens: true },
    { name: 'the guard lifted', before: '', after: 'allow_local_binding = true', widens: true },
    { name: 'the proxy switched off', before: '', after: 'enabled = false', widens: false },
  ];
  for (const { name, before, after, widens } of cases) {
    it(`${name} ${widens ? 'widens' : 'does not widen'}`, () => {
      const diff = diffConfigs(load(`[network]\n${before}\n`), load(`[network]\n${after}\n`));
      assert.equal(diff.widens, widens);
      assert.equal(diff.changed.length + diff.added.length + diff.removed.length, 1);
    });
  }

  const collector = (endpoint: string): string =>
    `[otel]\nexporter = { otlp-http = { endpoint = "${endpoint}", protocol = "json" } }`;
  const elsewhere = [
    {
      name: 'another upstream of the gateway',
      before: '',
      after: '[gateway]\nupstream = "https://b.example/v1"',
      widens: true,
    },
    {
      name: 'another collector',
      before: collector('https://a.example/v1/logs'),
      after: collector('https://b.example/v1/logs'),
      widens: true,
    },
    {
      name: 'a first collector',
      before: '',
      after: collector('https://b.example/v1/logs'),
      widens: true,
    },
    {
      name: 'no collector any more',
      before: collector('https://a.example/v1/logs'),
      after: '',
      widens: false,
    },
  ];
  for (const { name, before, after, widens } of elsewhere) {
    it(`${name} ${widens ? 'widens' : 'does not widen'}, whatever the rules say`, () => {
      const diff = diffConfigs(load(before), load(after));
      assert.deepEqual([diff.widens, diff.changed.length], [widens, 1]);
    });
  }

  it('is said a line each', () => {
    const before = load('[network]\nmode = "full"\nallowed_domains = ["a.example"]\n');
    const after = load(
      '[network]\nmode = "limited"\nhttp_port = 1\ndenied_domains = ["b.example"]\n',
    );
    assert.deepEqual(diffLines(diffConfigs(before, after)), [
      'network.mode: full -> limited',
      'network.http_port: 4128 -> 1 (at the next start)',
      '+ deny b.example',
      '- allow a.example',
    ]);
  });

  it('never shows what is secret in an exporter', () => {
    const exporter = (name: string): Config =>
      load(
        `[otel]\nexporter = { otlp-http = { endpoint = "http://127.0.0.1/v1/logs", protocol = "json", headers = { k = "\${${name}}" } } }\n`,
      );
    assert.deepEqual(diffConfigs(exporter('A'), exporter('B')).changed, [
      {
        key: 'otel.exporter',
        effect: 'reload',
        before: 'otlp-http',
        after: 'otlp-http',
        widens: false,
      },
    ]);
  });

  it('never shows what a hook runs or calls', () => {
    const before = load('');
    const after = load('[approvals]\non_pending = "https://chat.example/secret"\n');
    assert.deepEqual(diffConfigs(before, after).changed, [
      {
        key: 'approvals.on_pending',
        effect: 'restart',
        before: 'unset',
        after: 'endpoint',
        widens: false,
      },
    ]);
  });
});

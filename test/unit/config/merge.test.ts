import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyInput } from '../../../src/config/effective.ts';
import type { Config } from '../../../src/config/config.ts';
import { mergeLayers } from '../../../src/config/merge.ts';
import { decodeText, linesOf, loadTexts, type Texts } from '../../support/layers.ts';

function load(texts: Texts): { config: Config; lines: readonly string[] } {
  const result = loadTexts(texts);
  assert.ok(result.ok, linesOf(result).join('\n'));
  return { config: result.config, lines: linesOf(result) };
}

function rulesOf({ rules }: Config): readonly string[] {
  return rules.map(({ pattern, ref }) => `${ref.outcome} ${pattern.text} ${ref.origin.layer}`);
}

describe('a user value under a managed one', () => {
  const cases = [
    { key: 'network.enabled', user: 'false', managed: 'true', want: false },
    { key: 'network.enabled', user: 'true', managed: 'false', want: false, warns: true },
    { key: 'network.mode', user: '"limited"', managed: '"full"', want: 'limited' },
    { key: 'network.mode', user: '"full"', managed: '"limited"', want: 'limited', warns: true },
    { key: 'network.unknown', user: '"report"', managed: '"ask"', want: 'ask', warns: true },
    { key: 'network.unknown', user: '"deny"', managed: '"ask"', want: 'deny' },
    { key: 'network.unknown', user: '"ask"', managed: '"deny"', want: 'deny', warns: true },
    {
      key: 'network.allow_local_binding',
      user: 'true',
      managed: 'false',
      want: false,
      warns: true,
    },
    { key: 'network.allow_upstream_proxy', user: 'false', managed: 'true', want: false },
    { key: 'network.http_port', user: '4200', managed: '4300', want: 4300, warns: true },
    { key: 'network.http_port', user: '4300', managed: '4300', want: 4300 },
    { key: 'approvals.holds', user: '10', managed: '20', want: 10 },
    { key: 'approvals.holds', user: '20', managed: '10', want: 10, warns: true },
    { key: 'approvals.hold_seconds', user: '20', managed: '10', want: 10, warns: true },
    {
      key: 'approvals.dangerously_allow_self_approval',
      user: 'true',
      managed: 'false',
      want: false,
      warns: true,
    },
    { key: 'control.confirm_widening', user: 'false', managed: 'true', want: true, warns: true },
    { key: 'control.confirm_widening', user: 'true', managed: 'false', want: true },
    { key: 'approvals.reviewer', user: '"user"', managed: '"auto_review"', want: 'user' },
    {
      key: 'approvals.desktop',
      user: '"answer"',
      managed: '"deny-only"',
      want: 'deny-only',
      warns: true,
    },
    {
      key: 'approvals.desktop',
      user: '"notify-only"',
      managed: '"deny-only"',
      want: 'notify-only',
    },
    { key: 'approvals.review_minutes', user: '60', managed: '5', want: 5, warns: true },
    { key: 'approvals.review_per_hour', user: '3', managed: '30', want: 3 },
    { key: 'exec.no_proxy', user: '"local"', managed: '"none"', want: 'none', warns: true },
    { key: 'exec.no_proxy', user: '"none"', managed: '"local"', want: 'none' },
  ] as const;
  for (const row of cases) {
    const { key, user, managed, want } = row;
    const warns = 'warns' in row;
    it(`${key}: ${user} under ${managed} gives ${want}${warns ? ' and a warning' : ''}`, () => {
      const [table = '', name = ''] = key.split('.');
      const { config, lines } = load({
        user: `[${table}]\n${name} = ${user}\n`,
        requirements: `[${table}]\n${name} = ${managed}\n`,
      });
      const field = name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
      const group: unknown = Object.entries(config).find(([one]) => one === table)?.[1];
      assert.equal(Object.entries(group as object).find(([one]) => one === field)?.[1], want);
      assert.equal(lines.filter((line) => line.includes('which stands')).length, warns ? 1 : 0);
    });
  }

  it('names both places', () => {
    const { lines, config } = load({
      user: '\n[network]\nmode = "full"\nsocks_port = 1\n',
      requirements: '[network]\nmode = "limited"\nsocks_port = 2\n',
    });
    assert.deepEqual(lines, [
      'config.toml:3:8: warning: network.mode: is wider than the managed value (requirements.toml:2:8), which stands',
      'config.toml:4:14: warning: network.socks_port: is set by the management (requirements.toml:3:14), which stands',
    ]);
    assert.deepEqual(config.origins.get('network.mode'), {
      layer: 'requirements',
      file: 'requirements.toml',
      line: 2,
      column: 8,
    });
  });
});

describe('the shipped default under a managed value', () => {
  it('gives way without a word, since nobody wrote it', () => {
    const { settings, findings } = mergeLayers([
      decodeText('default', '[network]\nunknown = "ask"\n'),
      decodeText('requirements', '[network]\nunknown = "deny"\n'),
    ]);
    assert.deepEqual([settings.get('network.unknown')?.value, findings], ['deny', []]);
  });
});

describe('managed layers among themselves', () => {
  it('take the higher scalar, even a wider one', () => {
    const { config } = load({
      'codex-requirements': '[experimental_network]\nallow_local_binding = false\nhttp_port = 1\n',
      requirements: '[network]\nallow_local_binding = true\nhttp_port = 2\n',
      'managed-preferences': '[experimental_network]\nhttp_port = 3\n',
    });
    assert.deepEqual([config.network.allowLocalBinding, config.network.httpPort], [true, 3]);
  });

  it('replace a lower list with a higher one, and keep every deny', () => {
    const { config } = load({
      'codex-requirements':
        '[experimental_network]\nallowed_domains = ["a.example"]\ndenied_domains = ["x.example"]\n',
      requirements: '[network]\nallowed_domains = ["b.example"]\ndenied_domains = ["y.example"]\n',
    });
    assert.deepEqual(rulesOf(config), [
      'deny y.example requirements',
      'deny x.example codex-requirements',
      'allow b.example requirements',
    ]);
  });

  it('empty a lower list with an explicit empty one', () => {
    const { config } = load({
      'codex-requirements': '[experimental_network]\nallowed_domains = ["a.example"]\n',
      requirements: '[network]\nallowed_domains = []\n',
    });
    assert.deepEqual(rulesOf(config), []);
  });

  it('merge maps by pattern, and never drop a deny', () => {
    const { config } = load({
      'codex-requirements':
        '[experimental_network.domains]\n"a.example" = "allow"\n"b.example" = "allow"\n"c.example" = "deny"\n',
      requirements:
        '[network.domains]\n"B.example" = "deny"\n"c.example" = "allow"\n"d.example" = "allow"\n',
    });
    assert.deepEqual(rulesOf(config), [
      'deny b.example requirements',
      'deny c.example codex-requirements',
      'allow a.example codex-requirements',
      'allow c.example requirements',
      'allow d.example requirements',
    ]);
  });

  it('leave the lower allow rules alone when a layer only denies', () => {
    const { config } = load({
      'codex-requirements':
        '[experimental_network]\nallowed_domains = ["a.example", "b.example"]\n',
      requirements: '[network]\ndenied_domains = ["b.example"]\n',
    });
    assert.deepEqual(rulesOf(config), [
      'deny b.example requirements',
      'allow a.example codex-requirements',
    ]);
  });

  it('warn when one writes a list and the other a map', () => {
    const { config, lines } = load({
      'codex-requirements': '[experimental_network]\nallowed_domains = ["a.example"]\n',
      requirements: '[network.domains]\n"b.example" = "allow"\n',
    });
    assert.equal(rulesOf(config).length, 2);
    assert.deepEqual(lines, [
      'requirements.toml:2:1: warning: network: this layer writes its allow rules as a map and codex-requirements.toml as a list; Codex itself may refuse that mix',
    ]);
  });
});

describe("a user's rules", () => {
  it('join the managed ones', () => {
    const { config } = load({
      user: '[network]\nallowed_domains = ["u.example"]\ndenied_domains = ["v.example"]\n',
      requirements: '[network]\nallowed_domains = ["m.example"]\n',
    });
    assert.deepEqual(rulesOf(config), [
      'deny v.example user',
      'allow m.example requirements',
      'allow u.example user',
    ]);
  });

  it('lose their allows, and keep their denies, when only managed allows count', () => {
    const { config, lines } = load({
      user: '[network]\nallowed_domains = ["u.example", "w.example"]\ndenied_domains = ["v.example"]\n',
      'codex-requirements':
        '[experimental_network]\nmanaged_allowed_domains_only = true\nallowed_domains = ["m.example"]\n',
    });
    assert.deepEqual(rulesOf(config), [
      'deny v.example user',
      'allow m.example codex-requirements',
    ]);
    assert.equal(policyInput(config).managedOnly, true);
    assert.deepEqual(lines, [
      'config.toml:2:20: warning: network: the allow rules of this layer (2) are ignored, since managed_allowed_domains_only is set (codex-requirements.toml:2:32)',
    ]);
  });

  it('cannot reach this machine through a managed star by lifting the local guard', () => {
    const { config, lines } = load({
      user: '[network]\nallow_local_binding = true\n',
      requirements: '[network]\nmanaged_allowed_domains_only = true\n',
    });
    assert.equal(config.network.allowLocalBinding, false);
    assert.deepEqual(lines, [
      'config.toml:2:23: warning: network.allow_local_binding: is ignored, since managed_allowed_domains_only is set (requirements.toml:2:32)',
    ]);
  });

  it('leave nothing reachable when the managed list is missing', () => {
    const { config } = load({
      user: '[network]\nallowed_domains = ["u.example"]\n',
      requirements: '[network]\nmanaged_allowed_domains_only = true\n',
    });
    assert.deepEqual(rulesOf(config), []);
  });
});

describe('two listeners on one port', () => {
  const cases = [
    {
      name: 'both written',
      user: '[network]\nhttp_port = 9000\nsocks_port = 9000\n',
      want: [
        'config.toml:3:14: network.socks_port: 9000 is also the port of network.http_port (config.toml:2:13); give each listener its own, or 0 for a free one',
      ],
    },
    {
      name: 'one by default',
      user: '[network]\nhttp_port = 4131\n',
      want: [
        'config.toml:2:13: network.http_port: 4131 is also the port of control.port (its default); give each listener its own, or 0 for a free one',
      ],
    },
    {
      name: 'one switched off',
      user: '[network]\nhttp_port = 4131\n[control]\ntcp = false\n',
      want: [],
    },
    { name: 'both ephemeral', user: '[network]\nhttp_port = 0\nsocks_port = 0\n', want: [] },
  ];
  for (const { name, user, want } of cases) {
    it(`${want.length === 0 ? 'is fine' : 'is a mistake'}: ${name}`, () => {
      assert.deepEqual(linesOf(loadTexts({ user })), want);
    });
  }
});

describe('values that deserve a word', () => {
  it('are warned about at every load', () => {
    const user =
      '[network]\nunknown = "report"\nallow_local_binding = true\n[approvals]\ndangerously_allow_self_approval = true\n[gateway]\nupstream = "http://127.0.0.1:9/v1"\n';
    assert.deepEqual(linesOf(loadTexts({ user })), [
      'config.toml:2:11: warning: network.unknown: "report" lets every destination through that is neither denied nor local',
      'config.toml:3:23: warning: network.allow_local_binding: requests may reach this machine and its network',
      'config.toml:5:35: warning: approvals.dangerously_allow_self_approval: the program that asks may answer its own question',
      'config.toml:7:12: warning: gateway.upstream: http:// sends requests and their API key in clear text; use https:// unless it is on this machine',
    ]);
  });
});

describe('a hook', () => {
  it('of the management stands', () => {
    const result = loadTexts({
      user: '[approvals]\non_pending = ["/bin/mine"]\n',
      requirements: '[approvals]\non_pending = ["./theirs"]\n',
    });
    assert.ok(result.ok);
    const { onPending } = result.config.approvals;
    assert.deepEqual(onPending, { kind: 'command', argv: ['/conf/theirs'] });
    assert.deepEqual(linesOf(result), [
      'config.toml:2:14: warning: approvals.on_pending: is set by the management (requirements.toml:2:14), which stands',
    ]);
  });
});

describe('a reviewer', () => {
  const cases = [
    {
      name: 'is a mistake without anything that reviews',
      user: '[approvals]\nreviewer = "auto_review"\n',
      want: [
        'config.toml:2:12: approvals.reviewer: "auto_review" needs something that reviews; set approvals.review_with to a program or an address',
      ],
    },
    {
      name: 'is fine with a program',
      user: '[approvals]\nreviewer = "auto_review"\nreview_with = ["/bin/review"]\n',
      want: [],
    },
    {
      name: 'is fine with a program that the management names',
      user: '[approvals]\nreviewer = "auto_review"\n',
      requirements: '[approvals]\nreviewer = "auto_review"\nreview_with = ["/bin/review"]\n',
      want: [],
    },
    {
      name: 'is a mistake of the management, too',
      requirements: '[approvals]\nreviewer = "auto_review"\n',
      want: [
        'requirements.toml:2:12: approvals.reviewer: "auto_review" needs something that reviews; set approvals.review_with to a program or an address',
      ],
    },
    {
      name: 'needs no program once the user asks for a person',
      user: '[approvals]\nreviewer = "user"\n',
      requirements: '[approvals]\nreviewer = "auto_review"\n',
      want: [],
    },
  ];
  for (const { name, want, ...texts } of cases) {
    it(name, () => {
      assert.deepEqual(linesOf(loadTexts(texts)), want);
    });
  }
});

describe('hold_seconds', () => {
  const cases = [
    { name: 'is 290 when nobody sets it', user: '', env: {}, want: [290, false] },
    {
      name: 'is 0 without a person',
      user: '',
      env: { CODEX_NON_INTERACTIVE: '1' },
      want: [0, false],
    },
    {
      name: 'holds when it is written, whatever the environment says',
      user: '[approvals]\nhold_seconds = 5\n',
      env: { CODEX_NON_INTERACTIVE: '1' },
      want: [5, true],
    },
  ];
  for (const { name, user, env, want } of cases) {
    it(name, () => {
      const result = loadTexts({ user }, env);
      assert.ok(result.ok);
      const { holdSeconds, holdSecondsExplicit } = result.config.approvals;
      assert.deepEqual([holdSeconds, holdSecondsExplicit], want);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LayerText } from '../../../src/config/layer.ts';
import { decodeText, linesOf, loadTexts } from '../../support/layers.ts';

interface Case {
  readonly name: string;
  readonly layer?: LayerText['layer'];
  readonly text: string;
  readonly want: readonly string[];
}

const cases: readonly Case[] = [
  { name: 'takes an empty file', text: '', want: [] },
  {
    name: 'takes comments, CRLF and a byte order mark',
    text: '\uFEFF# x\r\n[network]\r\n',
    want: [],
  },
  {
    name: 'names the place of a syntax error after a byte order mark',
    text: '\uFEFF[network\n',
    want: [
      'config.toml:1:9: not valid TOML: illegal character in key; expected key = value or a [table] on a line of its own',
    ],
  },
  {
    name: 'names the place of a syntax error in a CRLF file',
    text: '[network]\r\nmode = \r\n',
    want: ['config.toml:2:8: not valid TOML: invalid value; text stands in quotes, such as "full"'],
  },
  {
    name: 'refuses a key written twice',
    text: '[network]\nmode = "full"\nmode = "full"\n',
    want: [
      'config.toml:3:1: not valid TOML: trying to redefine an already defined table or value; a key or a [table] stands once in a file; join the two',
    ],
  },
  {
    name: 'says all mistakes at once, in the order of the file',
    text: '[network]\nmode = "limitd"\nenabld = true\nallowed_domains = ["ok.example", "*.com"]\nhttp_port = 70000\n',
    want: [
      'config.toml:2:8: network.mode: "limitd" is not known; write "limited" or "full"; did you mean "limited"?',
      'config.toml:3:1: network: "enabld" is not a key of [network]; did you mean "enabled"?',
      'config.toml:4:34: network.allowed_domains[1]: "*.com" is too broad; name at least two labels, such as "*.example.com"',
      'config.toml:5:13: network.http_port: 70000 is out of range; expected a whole number from 0 to 65535',
    ],
  },
  {
    name: 'suggests the table that a misspelt table means',
    text: '[netwrok]\nmode = "full"\n',
    want: ['config.toml:1:2: "netwrok" is not known here; did you mean "network"?'],
  },
  {
    name: 'names the table that a misplaced key belongs to',
    text: 'mode = "full"\n[network]\nhold_seconds = 3\n',
    want: [
      'config.toml:1:1: "mode" is not known here; it belongs in [network]',
      'config.toml:3:1: network: "hold_seconds" is not a key of [network]; it belongs in [approvals]',
    ],
  },
  {
    name: 'lists the keys when nothing is near',
    text: '[exec]\nzzzzzzzzz = 1\n',
    want: ['config.toml:2:1: exec: "zzzzzzzzz" is not a key of [exec]; its keys are no_proxy'],
  },
  {
    name: 'refuses a table that is no table',
    text: 'network = 3\naudit = []\n',
    want: [
      'config.toml:1:11: network: is the number 3; expected a table, [network]',
      'config.toml:2:9: audit: is a list; expected a table, [audit]',
    ],
  },
  {
    name: 'tells quoted booleans and numbers from real ones',
    text: '[network]\nenabled = "true"\nhttp_port = "4128"\n[approvals]\nholds = 1.5\n',
    want: [
      'config.toml:2:11: network.enabled: "true" is a string; write true without quotes (expected true or false)',
      'config.toml:3:13: network.http_port: "4128" is a string; write 4128 without quotes (expected a whole number from 0 to 65535)',
      'config.toml:5:9: approvals.holds: is the number 1.5; expected a whole number from 1 to 65536',
    ],
  },
  {
    name: 'refuses lists and maps of the wrong shape',
    text: '[network]\nallowed_domains = "a.example"\npresets = "codex"\n',
    want: [
      'config.toml:2:19: network.allowed_domains: is a string; expected a list of strings, such as ["*.example.com"]',
      'config.toml:3:11: network.presets: is a string; expected a list of preset names, such as ["codex"]',
    ],
  },
  {
    name: 'refuses entries of the wrong type and unknown outcomes',
    text: '[network.domains]\n"a.example" = "alow"\n"b.example" = 1\n"*.com" = "allow"\n',
    want: [
      'config.toml:2:15: network.domains."a.example": "alow" is not known; expected "allow" or "deny"',
      'config.toml:3:15: network.domains."b.example": is not a string; expected "allow" or "deny"',
      'config.toml:4:1: network.domains."*.com": "*.com" is too broad; name at least two labels, such as "*.example.com"',
    ],
  },
  {
    name: 'refuses both spellings of the rules in one file',
    text: '[network]\ndenied_domains = ["b.example"]\ndomains = { "a.example" = "allow" }\n',
    want: [
      'config.toml:3:1: network.domains: cannot stand together with denied_domains (line 2) in one file; move its entries there or drop the list',
    ],
  },
  {
    name: 'takes managed_allowed_domains_only from managed files only',
    text: '[network]\nmanaged_allowed_domains_only = true\n',
    want: [
      'config.toml:2:1: network.managed_allowed_domains_only: may stand only in a managed file (/etc/sallyport/requirements.toml)',
    ],
  },
  {
    name: 'suggests a preset, and says when one is gone',
    text: '[network]\npresets = ["gti", "codex", 3]\n',
    want: [
      'config.toml:2:12: network.presets[0]: "gti" is not a preset; did you mean "git"?',
      'config.toml:2:19: network.presets[1]: the preset file codex.toml is gone',
      'config.toml:2:28: network.presets[2]: is not a string; expected one of codex, git, broken, wide',
    ],
  },
  {
    name: 'lets a preset hold rules and nothing else',
    text: '[network]\npresets = ["broken", "wide"]\n',
    want: [
      'broken.toml:1:9: not valid TOML: illegal character in key; expected key = value or a [table] on a line of its own',
      'wide.toml:2:1: network.mode: a preset holds only allowed_domains and denied_domains',
    ],
  },
  {
    name: 'refuses rules that are no lists and no map',
    text: '[network]\ndenied_domains = [1, "a.example"]\ndomains = "a.example"\n',
    want: [
      'config.toml:2:19: network.denied_domains[0]: is the number 1; expected a host pattern in quotes',
      'config.toml:3:1: network.domains: cannot stand together with denied_domains (line 2) in one file; move its entries there or drop the list',
      'config.toml:3:11: network.domains: is a string; expected a table, such as { "example.com" = "allow" }',
    ],
  },
  {
    name: 'never repeats the password of a web address',
    text: '[gateway]\nupstream = "https://user:hunter2@api.example/v1"\n',
    want: [
      'config.toml:2:12: gateway.upstream: holds a user name or password; send credentials in a header instead',
    ],
  },
  {
    name: 'refuses web addresses that cannot be an upstream',
    text: '[gateway]\nupstream = "api.example"\n',
    want: [
      'config.toml:2:12: gateway.upstream: is not a web address; write one that starts with "https://" or "http://"',
    ],
  },
  {
    name: 'looks for the files that are named, relative to the file that names them',
    text: '[gateway]\nextra_ca = "root.crt"\n',
    want: ['config.toml:2:12: gateway.extra_ca: the file /conf/root.crt does not exist'],
  },
  {
    name: "points from Codex's table to ours in our own files",
    text: '[experimental_network]\nenabled = true\n',
    want: ["config.toml:1:2: experimental_network: in sallyport's own files this is [network]"],
  },
  {
    name: "ignores Codex's other tables and keys in its file",
    layer: 'codex-requirements',
    text: 'allowed_sandbox_modes = ["read-only"]\n[features]\nx = true\n[otel]\nlog_user_prompt = false\n',
    want: [],
  },
  {
    name: "warns of Codex's network keys that are not acted on",
    layer: 'codex-requirements',
    text: '[experimental_network]\nunix_sockets = { "/x" = "allow" }\nsomething_new = 1\n',
    want: [
      'codex-requirements.toml:2:1: warning: experimental_network.unix_sockets: is a key of Codex that sallyport does not act on',
      'codex-requirements.toml:3:1: warning: experimental_network: "something_new" is not a key of [experimental_network]; its keys are enabled, mode, unknown, presets, allowed_domains, denied_domains, domains, managed_allowed_domains_only, allow_local_binding, allow_upstream_proxy, http_port, socks_port',
    ],
  },
  {
    name: "refuses near misses of ours in Codex's file",
    layer: 'codex-requirements',
    text: '[experimental_netwrok]\n[experimental_network]\ndenied_domain = ["a.example"]\nmode = "limited"\n',
    want: [
      'codex-requirements.toml:1:2: "experimental_netwrok" is not known here; did you mean "experimental_network"?',
      'codex-requirements.toml:3:1: experimental_network: "denied_domain" is not a key of [experimental_network]; did you mean "denied_domains"?',
      "codex-requirements.toml:4:1: experimental_network.mode: is not a key of Codex's file; write it in /etc/sallyport/requirements.toml",
    ],
  },
  {
    name: 'does not overlook our own table in the wrong file',
    layer: 'codex-requirements',
    text: '[network]\nenabled = false\n',
    want: [
      "codex-requirements.toml:1:2: network: Codex's file spells this table [experimental_network]",
    ],
  },
  {
    name: "refuses ports in Codex's rules, where a rule covers every port",
    layer: 'codex-requirements',
    text: '[experimental_network]\nallowed_domains = ["a.example:443"]\n',
    want: [
      'codex-requirements.toml:2:20: experimental_network.allowed_domains[0]: "a.example:443" has a port, and rules here cover every port; write "a.example"',
    ],
  },
  {
    name: 'says where an empty list means something else to Codex',
    layer: 'codex-requirements',
    text: '[experimental_network]\nallowed_domains = []\n',
    want: [
      'codex-requirements.toml:2:19: warning: experimental_network.allowed_domains: is empty, which Codex reads as unset and sallyport as no entry',
    ],
  },
  {
    name: 'warns of a star for everything',
    text: '[network]\nallowed_domains = ["*"]\n',
    want: [
      'config.toml:2:20: warning: network.allowed_domains[0]: "*" allows every public host; name the hosts, or set unknown = "ask" and answer what comes up',
    ],
  },
  {
    name: 'refuses a star that denies everything',
    text: '[network]\ndenied_domains = ["*"]\n',
    want: [
      'config.toml:2:19: network.denied_domains[0]: "*" would deny everything; set unknown = "deny" and list what may pass in allowed_domains',
    ],
  },
  {
    name: 'shows hidden characters instead of sending them to the terminal',
    text: '[network]\n"mo\\u202Ede" = 1\n',
    want: [
      'config.toml:2:1: network: "mo\\u202ede" is not a key of [network]; did you mean "mode"?',
    ],
  },
];

describe('what is said about a document', () => {
  for (const { name, layer = 'user', text, want } of cases) {
    it(name, () => {
      assert.deepEqual(linesOf(loadTexts({ [layer]: text })), want);
    });
  }

  it('refuses nesting that only a machine can have written', () => {
    const text = `a = ${'['.repeat(100)}${']'.repeat(100)}`;
    const [finding] = decodeText('user', text).findings;
    assert.match(finding?.message ?? '', /^not valid TOML: /);
  });

  it('treats keys that are special to JavaScript as plain keys', () => {
    const text =
      '__proto__ = 1\n[network]\nconstructor = 1\n[network.domains]\n__proto__ = "allow"\n';
    const { findings, allow } = decodeText('user', text);
    assert.deepEqual([findings.length, allow.map(({ ref }) => ref.text)], [2, ['__proto__']]);
  });
});

describe('what a document becomes', () => {
  it('keeps the place of every rule, in lists and in maps', () => {
    const list = decodeText(
      'user',
      '[network]\nallowed_domains = [\n  "A.Example",\n  "b.example:22" ]\n',
    );
    const map = decodeText('requirements', '[network.domains]\n"c.example" = "deny"\n');
    const rules = [...list.allow, ...map.deny];
    assert.deepEqual(
      rules.map(({ pattern, ref }) => [pattern.text, ref]),
      [
        [
          'a.example',
          {
            text: 'A.Example',
            outcome: 'allow',
            origin: { layer: 'user', file: 'config.toml', line: 3, column: 3 },
          },
        ],
        [
          'b.example:22',
          {
            text: 'b.example:22',
            outcome: 'allow',
            origin: { layer: 'user', file: 'config.toml', line: 4, column: 3 },
          },
        ],
        [
          'c.example',
          {
            text: 'c.example',
            outcome: 'deny',
            origin: { layer: 'requirements', file: 'requirements.toml', line: 2, column: 1 },
          },
        ],
      ],
    );
  });

  it("keeps a preset's own file and line, under the layer that names it", () => {
    const { allow, presetFiles } = decodeText('requirements', '[network]\npresets = ["git"]\n');
    assert.deepEqual(presetFiles, ['git.toml']);
    assert.deepEqual(
      allow.map(({ ref }) => ref.origin),
      [{ layer: 'requirements', file: 'git.toml', line: 2, column: 20 }],
    );
  });

  it('normalises paths and web addresses', () => {
    const text = '[gateway]\nextra_ca = "ca/root.pem"\nupstream = "HTTPS://API.example:443/v1/"\n';
    const { settings } = decodeText('user', text);
    assert.deepEqual(
      [...settings].map(([path, { value }]) => [path, value]),
      [
        ['gateway.extra_ca', '/conf/ca/root.pem'],
        ['gateway.upstream', 'https://api.example/v1'],
      ],
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RuleEdit } from '../../../src/config/rule-content.ts';
import { applyEdits } from '../../../src/config/rule-edit.ts';

const add = (rule: string, list: RuleEdit['list'] = 'allow'): RuleEdit => ({
  kind: 'add',
  list,
  rule,
});
const remove = (rule: string, list: RuleEdit['list'] = 'allow'): RuleEdit => ({
  kind: 'remove',
  list,
  rule,
});

interface Case {
  readonly name: string;
  readonly text: string;
  readonly edits: readonly RuleEdit[];
  readonly want: string;
  readonly dialect?: 'own' | 'codex';
}

describe('applyEdits', () => {
  const cases: readonly Case[] = [
    {
      name: 'begins an empty file',
      text: '',
      edits: [add('a.example')],
      want: '[network]\nallowed_domains = ["a.example"]\n',
    },
    {
      name: 'adds a table at the end, a blank line before it',
      text: '[exec]\r\nno_proxy = "none"',
      edits: [add('a.example', 'deny')],
      want: '[exec]\r\nno_proxy = "none"\r\n\r\n[network]\r\ndenied_domains = ["a.example"]\r\n',
    },
    {
      name: 'adds no second blank line',
      text: '# about\n\n',
      edits: [add('a.example')],
      want: '# about\n\n[network]\nallowed_domains = ["a.example"]\n',
    },
    {
      name: 'adds a key below the other list',
      text: '[network]\n  denied_domains = ["x.example"] # bad\n  mode = "full"\n',
      edits: [add('a.example')],
      want: '[network]\n  denied_domains = ["x.example"] # bad\n  allowed_domains = ["a.example"]\n  mode = "full"\n',
    },
    {
      name: 'adds a key at the end of its table, not of the file',
      text: '[network]\npresets = ["codex"]\n\n[exec]\nno_proxy = "none"\n',
      edits: [add('a.example')],
      want: '[network]\npresets = ["codex"]\nallowed_domains = ["a.example"]\n\n[exec]\nno_proxy = "none"\n',
    },
    {
      name: 'adds a key to an empty table, behind the comment of its header',
      text: '[network] # all\n[exec]\n',
      edits: [add('a.example')],
      want: '[network] # all\nallowed_domains = ["a.example"]\n[exec]\n',
    },
    {
      name: 'adds a key to a header that ends the file',
      text: '[network]',
      edits: [add('a.example')],
      want: '[network]\nallowed_domains = ["a.example"]',
    },
    {
      name: 'adds a dotted key where the table is written so',
      text: '"network".mode = "full"\n[exec]\n',
      edits: [add('a.example')],
      want: '"network".mode = "full"\n"network".allowed_domains = ["a.example"]\n[exec]\n',
    },
    {
      name: 'adds a key to an inline table',
      text: 'network = { mode = "full" }\n',
      edits: [add('a.example')],
      want: 'network = { mode = "full", allowed_domains = ["a.example"] }\n',
    },
    {
      name: 'adds to a list in the quotes of its last entry',
      text: '[network]\nallowed_domains = ["a.example", \'b.example\']\n',
      edits: [add('c.example')],
      want: "[network]\nallowed_domains = [\"a.example\", 'b.example', 'c.example']\n",
    },
    {
      name: 'adds to a map as inline table',
      text: '[network]\ndomains = { "a.example" = "allow" } # m\n',
      edits: [add('b.example', 'deny')],
      want: '[network]\ndomains = { "a.example" = "allow", "b.example" = "deny" } # m\n',
    },
    {
      name: 'adds to an empty map',
      text: '[network]\ndomains = {}\n',
      edits: [add('b.example', 'deny')],
      want: '[network]\ndomains = { "b.example" = "deny" }\n',
    },
    {
      name: 'adds to a map as table, spaced as its last entry',
      text: "[network.domains]\n  'a.example'='allow'\n[exec]\n",
      edits: [add('b.example')],
      want: "[network.domains]\n  'a.example'='allow'\n  'b.example'='allow'\n[exec]\n",
    },
    {
      name: 'adds to an empty map table',
      text: '[network.domains] # none yet\n',
      edits: [add('b.example')],
      want: '[network.domains] # none yet\n"b.example" = "allow"\n',
    },
    {
      name: 'adds to a map of dotted keys',
      text: '[network]\ndomains."a.example" = "allow"\nmode = "full"\n',
      edits: [add('b.example')],
      want: '[network]\ndomains."a.example" = "allow"\ndomains."b.example" = "allow"\nmode = "full"\n',
    },
    {
      name: "adds to Codex's table and leaves its other tables alone",
      text: 'model = "x"\n[experimental_network]\nenabled = true\n',
      edits: [add('a.example')],
      want: 'model = "x"\n[experimental_network]\nenabled = true\nallowed_domains = ["a.example"]\n',
      dialect: 'codex',
    },
    {
      name: 'removes a rule with its line',
      text: '[network]\nallowed_domains = [\n  "a.example", # for a\n  # for b\n  "b.example",\n]\n',
      edits: [remove('a.example')],
      want: '[network]\nallowed_domains = [\n  # for b\n  "b.example",\n]\n',
    },
    {
      name: 'removes every entry that means the same',
      text: '[network]\nallowed_domains = ["A.example.", "b.example", "a.example"]\n',
      edits: [remove('a.example')],
      want: '[network]\nallowed_domains = ["b.example"]\n',
    },
    {
      name: 'removes what is no rule at all',
      text: '[network]\nallowed_domains = ["https://a.example/", "b.example"]\n',
      edits: [remove('https://a.example/')],
      want: '[network]\nallowed_domains = ["b.example"]\n',
    },
    {
      name: 'removes from a map only what has that outcome',
      text: '[network.domains]\n"a.example" = "allow"\n"b.example" = "deny" # b\n',
      edits: [remove('b.example', 'deny')],
      want: '[network.domains]\n"a.example" = "allow"\n',
    },
    {
      name: 'removes the last dotted key, and the map with it',
      text: 'network.domains."a.example" = "allow"\n# end\n',
      edits: [remove('a.example')],
      want: '# end\n',
    },
    {
      name: 'makes several edits in order',
      text: '[network]\nallowed_domains = ["a.example"]\n',
      edits: [add('b.example'), remove('a.example'), add('a.example', 'deny')],
      want: '[network]\nallowed_domains = ["b.example"]\ndenied_domains = ["a.example"]\n',
    },
    {
      name: 'keeps a byte order mark',
      text: '\uFEFF[network]\nallowed_domains = ["a.example"]\n',
      edits: [add('b.example')],
      want: '\uFEFF[network]\nallowed_domains = ["a.example", "b.example"]\n',
    },
    {
      name: 'gives the text back when there is nothing to do',
      text: 'not TOML at all',
      edits: [],
      want: 'not TOML at all',
    },
  ];
  for (const { name, text, edits, want, dialect = 'own' } of cases) {
    it(name, () => assert.deepEqual(applyEdits(text, edits, dialect), { ok: true, value: want }));
  }

  const refused: readonly (readonly [name: string, text: string, edit: RuleEdit, want: string])[] =
    [
      [
        'a text that does not parse',
        'a = \n',
        add('a.example'),
        'line 1:5 is not valid TOML; mend it first',
      ],
      [
        'a table that is none',
        'network = 1\n',
        add('a.example'),
        'network is not a table; mend it first',
      ],
      [
        'an array of tables',
        '[[network]]\n',
        add('a.example'),
        'network is not a table; mend it first',
      ],
      [
        'a list that is none',
        '[network]\nallowed_domains = "a.example"\n',
        add('b.example'),
        'network: a domain list holds something else than texts; mend it first',
      ],
      [
        'a list of something else',
        '[network]\ndenied_domains = [1]\n',
        add('b.example'),
        'network: a domain list holds something else than texts; mend it first',
      ],
      [
        'a map with other values',
        '[network]\ndomains = { "a.example" = "yes" }\n',
        add('b.example'),
        'network.domains: every value must be "allow" or "deny"; mend it first',
      ],
      [
        'a map that is none',
        '[network]\ndomains = ["a.example"]\n',
        add('b.example'),
        'network.domains: every value must be "allow" or "deny"; mend it first',
      ],
      [
        'a file with both forms',
        '[network]\nallowed_domains = []\ndomains = {}\n',
        add('b.example'),
        'network: has both the lists and domains; keep one of them first',
      ],
      [
        'what is there already',
        '[network]\nallowed_domains = ["A.example"]\n',
        add('a.example'),
        '"A.example" is in allowed_domains already',
      ],
      [
        'the opposite in a map',
        '[network]\ndomains = { "a.example" = "deny" }\n',
        add('a.example'),
        '"a.example" is "deny" in domains; remove that first',
      ],
      [
        'to remove what is not there',
        '[network]\nallowed_domains = ["a.example"]\n',
        remove('a.example', 'deny'),
        '"a.example" is not in denied_domains',
      ],
      [
        'to remove from a map what is not there',
        '[network]\ndomains = { "a.example" = "deny" }\n',
        remove('a.example'),
        '"a.example" is not "allow" in domains',
      ],
      [
        'what is no rule',
        '',
        add('https://a.example/x'),
        '"https://a.example/x" is a URL, not a host; write "a.example"',
      ],
      [
        'an allow that is too broad',
        '',
        add('*.example'),
        '"*.example" is too broad; name at least two labels, such as "*.example.example"',
      ],
      [
        'a rule with a sign that is not to be seen',
        '',
        add('a\u00ADb.example'),
        '"a\\u00adb.example" cannot be written as a rule',
      ],
    ];
  for (const [name, text, edit, want] of refused) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(applyEdits(text, [edit], 'own'), { ok: false, problem: want });
    });
  }

  it("refuses a port in Codex's file", () => {
    const edited = applyEdits('', [add('a.example:443')], 'codex');
    assert.match(edited.ok ? '' : edited.problem, /has a port/);
    assert.ok(applyEdits('', [add('a.example:443')], 'own').ok);
  });

  it('refuses more work than an answer may take', () => {
    const edits = Array.from({ length: 500 }, (_, index) => add(`h${index}.example`));
    const large = `# ${'x'.repeat(10_000)}\n`;
    const edited = applyEdits(large, edits, 'own');
    const problem = '500 edits are too many for a file of this size; edit its text';
    assert.deepEqual(edited, { ok: false, problem });
    const list = Array.from({ length: 101 }, () => '"a.example"');
    const same = applyEdits(
      `[network]\nallowed_domains = [${list.join()}]\n`,
      [remove('a.example')],
      'own',
    );
    assert.deepEqual(same, {
      ok: false,
      problem: '"a.example" stands 101 times in allowed_domains; edit the text',
    });
  });
});

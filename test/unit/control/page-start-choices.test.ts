// The edits of the user's file that the Setup view prepares.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { prepareChoice, startChoices } from '../../../src/control/page/start-choices.js';
import { setNetworkKeys } from '../../../src/control/page/toml-edit.js';

const mine = `# mine
[network] # the network
allowed_domains = ["a.example"] # kept
  unknown = 'ask' # why
[approvals]
unknown = "not this one"
`;

describe('a way to begin', () => {
  it('is one of three', () => {
    assert.deepEqual(
      startChoices.map(({ id }) => id),
      ['ask', 'known', 'deny'],
    );
    assert.deepEqual(prepareChoice('other', ''), { ok: false, problem: 'there is no such choice' });
  });

  it('changes its own lines and no other', () => {
    assert.deepEqual(prepareChoice('deny', mine), {
      ok: true,
      text: mine.replace(`'ask' # why`, `"deny" # why`),
    });
    assert.deepEqual(prepareChoice('known', mine), {
      ok: true,
      text: mine
        .replace(`'ask' # why`, `"ask" # why`)
        .replace(
          '# the network\n',
          '# the network\npresets = ["codex", "codex-extras", "source-hosting"]\n',
        ),
    });
  });

  it('makes the table where there is none', () => {
    assert.deepEqual(prepareChoice('deny', ''), {
      ok: true,
      text: '[network]\nunknown = "deny"\n',
    });
    assert.deepEqual(prepareChoice('deny', '[approvals]\nhold_seconds = 5\n'), {
      ok: true,
      text: '[approvals]\nhold_seconds = 5\n\n[network]\nunknown = "deny"\n',
    });
  });
});

describe('setting keys of the network table', () => {
  it('takes a key away', () => {
    assert.deepEqual(setNetworkKeys('[network]\npresets = ["codex"]\n', { presets: undefined }), {
      ok: true,
      text: '[network]\n',
    });
    assert.deepEqual(setNetworkKeys('# none\n', { presets: undefined }), {
      ok: true,
      text: '# none\n',
    });
  });

  it('keeps the line ends of the file', () => {
    assert.deepEqual(setNetworkKeys('[network]\r\nmode = "full"\r\n', { unknown: '"ask"' }), {
      ok: true,
      text: '[network]\r\nunknown = "ask"\r\nmode = "full"\r\n',
    });
  });

  for (const [name, text] of [
    ['dotted keys', 'network.unknown = "ask"\n'],
    ['an inline table', 'network = { unknown = "ask" }\n'],
    ['a value over several lines', '[network]\nunknown = """\nask"""\n'],
  ] as const) {
    it(`leaves ${name} to the person`, () => {
      const edited = setNetworkKeys(text, { unknown: '"deny"' });
      assert.ok(!edited.ok);
      assert.match(edited.problem, /by hand$/);
    });
  }
});

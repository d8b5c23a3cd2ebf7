import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig, type LoadOptions } from '../../../src/config/load.ts';
import { etagOf } from '../../../src/config/save.ts';
import type { Source } from '../../../src/config/sources.ts';
import type { RuleEdit, RulesSaveResponse } from '../../../src/control/messages.ts';
import {
  createRulesDesk,
  type RulesDesk,
  type RulesEdited,
  type RulesProblem,
} from '../../../src/daemon/rules-desk.ts';
import { SallyportError } from '../../../src/errors.ts';
import { writeFiles, type ConfigFiles } from '../../support/config-files.ts';

const ann = { name: 'ann', surface: 'page' };

interface Given {
  readonly desk: RulesDesk;
  readonly files: ConfigFiles;
  readonly user: string;
  readonly edited: RulesEdited[];
  readonly state: Map<string, string>;
  /** How often the files were loaded on behalf of a saver. */
  readonly reloads: () => number;
}

/** A desk over files in a folder: `sallyport/config.toml` is the user's, `etc/*.toml` the management's; `onKept`: an edit was kept. */
function openDesk(
  texts: Readonly<Record<string, string>>,
  onKept: () => void = () => undefined,
): Given {
  const files = writeFiles(texts);
  const source = (layer: Source['layer'], dialect: Source['dialect'], name: string): Source => {
    return { layer, dialect, file: files.file(name), format: 'toml', required: false };
  };
  const load: LoadOptions = {
    env: { XDG_CONFIG_HOME: files.folder },
    platform: 'linux',
    managedFiles: [
      source('codex-requirements', 'codex', 'etc/codex.toml'),
      source('requirements', 'own', 'etc/own.toml'),
      { ...source('managed-preferences', 'codex', 'none.plist'), format: 'plist' },
    ],
  };
  let config = loaded(load);
  const edited: RulesEdited[] = [];
  const state = new Map<string, string>();
  let reloads = 0;
  const desk = createRulesDesk({
    load,
    config: () => config,
    state: {
      read: (name) => state.get(name),
      writeAtomic: (name, kept) => {
        state.set(name, kept);
        onKept();
      },
    },
    reload: (by) => {
      assert.deepEqual(by, ann);
      reloads += 1;
      config = loaded(load);
      return { loaded: true, version: `v${reloads}`, messages: [] };
    },
    now: () => Date.parse('2026-11-20T12:00:00Z'),
    onEdited: (one) => edited.push(one),
  });
  const user = files.file('sallyport/config.toml');
  return { desk, files, user, edited, state, reloads: () => reloads };
}

function loaded(options: LoadOptions): Config {
  const result = loadConfig(options);
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

function must<T extends object>(answer: T | RulesProblem): T {
  assert.ok(!('problem' in answer), JSON.stringify(answer));
  return answer;
}

function read(file: string): string {
  return readFileSync(file, 'utf8');
}

const add = (rule: string, list: RuleEdit['list'] = 'allow'): RuleEdit => ({
  kind: 'add',
  list,
  rule,
});

const text = '# mine\r\n[network]\r\nallowed_domains = ["a.example"] # few\r\n';
const standard = {
  'sallyport/config.toml': text,
  'etc/own.toml': '[network]\ndenied_domains = ["d.example"]\n',
};

describe('the rules', () => {
  it('are shown to everybody, their files to admins', () => {
    const { desk, files, user } = openDesk(standard);
    const { files: shown, rules, total } = desk.rules('admin');
    assert.deepEqual(shown, [
      { file: user, layer: 'user', text, etag: etagOf(text), editable: true, findings: [] },
      {
        file: files.file('etc/codex.toml'),
        layer: 'codex-requirements',
        text: '',
        etag: 'absent',
        editable: true,
        findings: [],
      },
      {
        file: files.file('etc/own.toml'),
        layer: 'requirements',
        text: standard['etc/own.toml'],
        etag: etagOf(standard['etc/own.toml']),
        editable: true,
        findings: [],
      },
    ]);
    assert.deepEqual(rules, [
      {
        text: 'd.example',
        outcome: 'deny',
        layer: 'requirements',
        file: files.file('etc/own.toml'),
        line: 2,
      },
      { text: 'a.example', outcome: 'allow', layer: 'user', file: user, line: 3 },
    ]);
    assert.equal(total, 2);
    for (const role of ['viewer', 'approver'] as const) {
      const other = desk.rules(role);
      assert.deepEqual([other.rules, other.total], [rules, total]);
      assert.deepEqual(
        other.files.map(({ file, layer, ...rest }) => [file === user, layer, rest]),
        [
          [true, 'user', hiddenFields],
          [false, 'codex-requirements', hiddenFields],
          [false, 'requirements', hiddenFields],
        ],
      );
    }
  });

  const hiddenFields = { text: null, etag: 'hidden', editable: false, findings: [] };

  it('are bounded, and counted', () => {
    const names = Array.from({ length: 6000 }, (_, index) => `"h${index}.example"`);
    const { desk } = openDesk({
      'sallyport/config.toml': `[network]\nallowed_domains = [${names.join()}]\n`,
    });
    const { rules, total } = desk.rules('viewer');
    assert.deepEqual([rules.length, total], [5000, 6000]);
  });

  it('come with what is wrong with their files, once it is wrong on disk', () => {
    const { desk, files, user } = openDesk(standard);
    files.write('sallyport/config.toml', '[network]\nmode = "ful"\n');
    assert.deepEqual(desk.rules('admin').files[0]?.findings, [
      {
        severity: 'error',
        file: user,
        line: 2,
        column: 8,
        message:
          'network.mode: "ful" is not known; write "limited" or "full"; did you mean "full"?',
      },
    ]);
  });

  it('offer a file of their own to a user who has none, with what has been in force', () => {
    const { desk, user } = openDesk({});
    const [shipped, own] = desk.rules('admin').files;
    assert.deepEqual([shipped?.layer, shipped?.editable], ['default', false]);
    const starter = '[network]\nunknown = "ask"\npresets = ["codex"]\n';
    assert.deepEqual(own, {
      file: user,
      layer: 'user',
      text: starter,
      etag: 'absent',
      editable: true,
      findings: [],
    });
  });
});

describe('a draft', () => {
  it('is judged with all layers, and nothing is written', () => {
    const { desk, user } = openDesk(standard);
    const draft =
      '# mine\n[network]\nallowed_domains = ["a.example", "d.example"] # few\nmode = "limited"\n';
    const checked = must(desk.check({ file: user, etag: etagOf(text), text: draft }));
    assert.deepEqual(checked, {
      text: draft.replaceAll('\n', '\r\n'),
      findings: [
        {
          severity: 'warning',
          file: user,
          line: 3,
          column: 33,
          message: `"d.example" is denied by the management, "d.example" (${user.replace('sallyport/config', 'etc/own')}:2), which stands`,
        },
      ],
      diff: [
        { kind: 'same', line: 1, text: '# mine' },
        { kind: 'same', line: 2, text: '[network]' },
        { kind: 'removed', line: 3, text: 'allowed_domains = ["a.example"] # few' },
        { kind: 'added', line: 3, text: 'allowed_domains = ["a.example", "d.example"] # few' },
        { kind: 'added', line: 4, text: 'mode = "limited"' },
      ],
      effect: ['network.mode: full -> limited', '+ allow d.example'],
      widens: true,
    });
    assert.equal(read(user), text);
  });

  it('shows every mistake at its place', () => {
    const { desk, user } = openDesk(standard);
    const checked = must(desk.check({ file: user, etag: etagOf(text), text: '[network\n' }));
    assert.deepEqual([checked.effect, checked.widens], [[], false]);
    assert.deepEqual(
      checked.findings.map(({ severity, file, line, column }) => [severity, file, line, column]),
      [['error', user, 1, 9]],
    );
  });

  it('hides no sign: what is not to be seen is shown as its number', () => {
    const { desk, user } = openDesk(standard);
    const draft = '[network]\nallowed_domains = ["b\u00adad.example"] # \u202e\n';
    const { effect, diff } = must(desk.check({ file: user, etag: etagOf(text), text: draft }));
    assert.deepEqual(effect, ['+ allow b\\u00adad.example', '- allow a.example']);
    assert.equal(diff.at(-1)?.text, 'allowed_domains = ["b\\u00adad.example"] # \\u202e');
  });

  it('keeps its byte order mark, and may not hold a NUL', () => {
    const { desk, files, user } = openDesk(standard);
    files.write('sallyport/config.toml', '\uFEFF[network]\n');
    const etag = etagOf('\uFEFF[network]\n');
    const [file] = desk.rules('admin').files;
    assert.deepEqual([file?.etag, file?.text], [etag, '\uFEFF[network]\n']);
    const edited = must(desk.check({ file: user, etag, edits: [add('b.example')] }));
    assert.equal(edited.text, '\uFEFF[network]\nallowed_domains = ["b.example"]\n');
    const { findings } = must(desk.check({ file: user, etag, text: '[network]\n# a\0b\n' }));
    assert.deepEqual(
      findings.map(({ severity, line }) => [severity, line]),
      [['error', 2]],
    );
  });

  it('of a new file says what it takes from the shipped default', () => {
    const { desk, user } = openDesk({});
    const emptied = must(desk.check({ file: user, etag: 'absent', text: '' }));
    assert.ok(emptied.effect.includes('- allow api.openai.com:443'), emptied.effect.join());
    const edited = must(desk.check({ file: user, etag: 'absent', edits: [add('b.example')] }));
    assert.deepEqual(edited.effect, ['+ allow b.example']);
    assert.equal(
      edited.text,
      '[network]\nunknown = "ask"\npresets = ["codex"]\nallowed_domains = ["b.example"]\n',
    );
    assert.ok(!existsSync(user));
  });

  it('shows two hundred lines of what it does at most', () => {
    const { desk, user } = openDesk(standard);
    const edits = Array.from({ length: 300 }, (_, index) => add(`h${index}.example`));
    const { effect } = must(desk.check({ file: user, etag: etagOf(text), edits }));
    assert.deepEqual([effect.length, effect.at(-1)], [200, 'and 101 more']);
  });

  const etag = etagOf(text);
  const refused: readonly (readonly [
    name: string,
    draft: Omit<Parameters<RulesDesk['check']>[0], 'file'> & { readonly file?: string },
    want: RulesProblem['status'],
    words: RegExp,
  ])[] = [
    [
      'of a file that is no layer',
      { file: '/etc/passwd', etag, text: '' },
      'forbidden',
      /not a configuration file/,
    ],
    [
      'of the same file by another name',
      { file: './config.toml', etag, text: '' },
      'forbidden',
      /not a configuration file/,
    ],
    [
      'of another text than is there',
      { etag: 'absent', text: '' },
      'changed',
      /has changed since you saw it/,
    ],
    ['without a text', { etag }, 'bad', /either the text or edits/],
    ['with a text and edits', { etag, text: '', edits: [] }, 'bad', /either the text or edits/],
    [
      'with too many edits',
      { etag, edits: Array.from({ length: 501 }, () => add('x.example')) },
      'bad',
      /at most 500/,
    ],
    [
      'with an edit that cannot be made',
      { etag, edits: [add('a.example')] },
      'bad',
      /config\.toml: "a\.example" is in allowed_domains already/,
    ],
    ['of more than a MiB', { etag, text: `#${'é'.repeat(524_288)}\n` }, 'bad', /larger than 1 MiB/],
    ['of too many lines', { etag, text: '\n'.repeat(60_000) }, 'bad', /more than 50000 lines/],
    ['with half a surrogate pair', { etag, text: '# \ud83d\n' }, 'bad', /half of a surrogate pair/],
  ];
  for (const [name, draft, want, words] of refused) {
    it(`is refused ${name}`, async () => {
      const { desk, user, reloads } = openDesk(standard);
      const whole = { file: user, ...draft };
      for (const answer of [desk.check(whole), await desk.save(whole, ann)]) {
        assert.ok('problem' in answer);
        assert.equal(answer.status, want);
        assert.match(answer.problem, words);
      }
      assert.equal(read(user), text);
      assert.equal(reloads(), 0);
    });
  }

  it('of the shipped default, of a protected or of a large file is refused', () => {
    const { desk, files, user } = openDesk({});
    const [shipped] = desk.rules('admin').files;
    assert.ok(shipped !== undefined);
    const status = (file: string): string => {
      const answer = desk.check({ file, etag: 'x', text: '' });
      return 'problem' in answer
        ? `${answer.status}: ${answer.problem.replace(file, '')}`
        : 'taken';
    };
    assert.equal(
      status(shipped.file),
      'forbidden: : is part of sallyport; write a file of your own',
    );
    files.write('sallyport/config.toml', `#${' '.repeat(1024 * 1024)}\n`);
    assert.equal(status(user), 'forbidden: : is too large for this; use a text editor');
    assert.deepEqual(desk.rules('admin').files[0]?.text, null);
    files.write('sallyport/config.toml', '');
    chmodSync(user, 0o444);
    assert.equal(status(user), 'forbidden: : is write-protected; lift that first');
    assert.equal(
      status(files.file('none.plist')),
      'forbidden: : is kept by the device management; change it there',
    );
  });
});

describe('saving', () => {
  it('writes the edited lines, loads the file and keeps the edit', async () => {
    const { desk, user, edited, reloads } = openDesk(standard);
    const edits = [add('b.example'), add('c.example', 'deny')];
    const saved = must(await desk.save({ file: user, etag: etagOf(text), edits }, ann));
    const now =
      '# mine\r\n[network]\r\nallowed_domains = ["a.example", "b.example"] # few\r\ndenied_domains = ["c.example"]\r\n';
    assert.equal(read(user), now);
    assert.deepEqual(saved, {
      file: {
        file: user,
        layer: 'user',
        text: now,
        etag: etagOf(now),
        editable: true,
        findings: [],
      },
      reload: { loaded: true, version: 'v1', messages: [] },
      edit: 'e1',
    } satisfies RulesSaveResponse);
    assert.equal(reloads(), 1);
    assert.deepEqual(edited, [
      {
        id: 'e1',
        file: user,
        approver: ann,
        undoes: undefined,
        linesAdded: 2,
        linesRemoved: 1,
        widens: true,
      },
    ]);
    const { edits: kept } = desk.history();
    assert.deepEqual(
      kept.map(({ diff, ...rest }) => [rest, diff.length]),
      [
        [
          {
            id: 'e1',
            at: '2026-11-20T12:00:00.000Z',
            file: user,
            by: 'ann',
            surface: 'page',
            undoable: true,
          },
          5,
        ],
      ],
    );
  });

  it('is refused while anything is wrong, and when nothing differs', async () => {
    const { desk, files, user, state } = openDesk(standard);
    const etag = etagOf(text);
    const bad = await desk.save({ file: user, etag, text: '[network]\nmode = 1\n' }, ann);
    assert.deepEqual(bad, {
      status: 'bad',
      problem: `not saved: ${user}:2:8: network.mode: is the number 1; expected "limited" or "full"`,
    });
    const same = await desk.save({ file: user, etag, text: text.replaceAll('\r', '') }, ann);
    assert.deepEqual(same, {
      status: 'bad',
      problem: `${user}: the text is what the file already says`,
    });
    files.write('etc/own.toml', 'x = 1\n');
    const elsewhere = await desk.save({ file: user, etag, edits: [add('b.example')] }, ann);
    assert.ok('problem' in elsewhere && elsewhere.problem.includes('own.toml:1:1'));
    assert.equal(read(user), text);
    assert.deepEqual([...state], []);
  });

  it('is undone once, as an edit of its own, and not after another change', async () => {
    const { desk, files, user, edited } = openDesk(standard);
    const saved = must(
      await desk.save({ file: user, etag: etagOf(text), edits: [add('b.example')] }, ann),
    );
    const undone = must(await desk.undo(saved.edit, ann));
    assert.equal(undone.edit, 'e2');
    assert.equal(read(user), text);
    assert.deepEqual(
      edited.map(({ id, undoes, widens }) => [id, undoes, widens]),
      [
        ['e1', undefined, true],
        ['e2', 'e1', false],
      ],
    );
    assert.deepEqual(
      desk.history().edits.map(({ id, undoable }) => [id, undoable]),
      [
        ['e2', true],
        ['e1', false],
      ],
    );
    const again = await desk.undo('e1', ann);
    assert.ok('problem' in again && again.status === 'changed');
    const unknown = await desk.undo('e9', ann);
    assert.ok('problem' in unknown && unknown.status === 'unknown');
    files.write('sallyport/config.toml', '# by hand\n');
    const late = await desk.undo('e2', ann);
    assert.ok('problem' in late && late.status === 'changed');
  });

  it('of a new file is undone to what was in force before', async () => {
    const { desk, user } = openDesk({});
    const saved = must(
      await desk.save({ file: user, etag: 'absent', edits: [add('b.example')] }, ann),
    );
    assert.deepEqual([saved.file.layer, saved.file.findings], ['user', []]);
    must(await desk.undo(saved.edit, ann));
    assert.equal(read(user), '[network]\nunknown = "ask"\npresets = ["codex"]\n');
    assert.ok(desk.rules('viewer').rules.some(({ text: rule }) => rule === 'api.openai.com:443'));
  });

  it('keeps no edit of a file that somebody else wrote meanwhile', async () => {
    const { desk, files, user, state, edited, reloads } = openDesk(standard, () => {
      files.write('sallyport/config.toml', '# by hand\n');
    });
    const draft = { file: user, etag: etagOf(text), edits: [add('b.example')] };
    assert.deepEqual(await desk.save(draft, ann), {
      status: 'changed',
      problem: `${user}: has changed since you saw it; look again`,
    });
    assert.equal(read(user), '# by hand\n');
    assert.deepEqual(desk.history(), { edits: [] });
    assert.deepEqual([state.size, edited.length, reloads()], [1, 0, 0]);
  });

  it('says so when what is kept of edits is damaged, and writes nothing', async () => {
    const { desk, user, state } = openDesk(standard);
    state.set('edits.json', '{');
    const answer = await desk.save(
      { file: user, etag: etagOf(text), edits: [add('b.example')] },
      ann,
    );
    assert.deepEqual(answer, {
      status: 'failed',
      problem: 'edits.json: does not hold the history of edits; move it away to begin a new one',
    });
    assert.equal(read(user), text);
    assert.deepEqual(desk.history(), { edits: [] });
  });

  it('lets a bug be one', async () => {
    const { files, user } = openDesk(standard);
    const load: LoadOptions = { env: {}, platform: 'linux', configFile: user, managedFiles: [] };
    const bug = new TypeError('a bug');
    const desk = createRulesDesk({
      load,
      config: () => loaded(load),
      state: {
        read: () => {
          throw bug;
        },
        writeAtomic: () => undefined,
      },
      reload: () => {
        throw new SallyportError('ERR_CONTROL_REFUSED', 'still starting');
      },
      now: Date.now,
      onEdited: () => undefined,
    });
    await assert.rejects(desk.save({ file: user, etag: etagOf(text), text: '' }, ann), bug);
    assert.ok(existsSync(files.folder));
  });
});

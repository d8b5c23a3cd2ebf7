import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRulesCommand, renderCheck, renderRules } from '../../../src/cli/rules.ts';
import type {
  RuleFileView,
  RulesCheckResponse,
  RulesResponse,
} from '../../../src/control/messages.ts';
import { recordIo, startStandIn, type Answer } from '../../support/command.ts';

const file: RuleFileView = {
  file: '/home/dev/config.toml',
  layer: 'user',
  text: '',
  etag: 'e1',
  editable: true,
  findings: [],
};
const managed = { ...file, file: '/etc/sallyport/requirements.toml', editable: false };
const rules: RulesResponse = {
  total: 3,
  files: [{ ...managed, layer: 'requirements' }, file],
  rules: [
    { text: 'a.example', outcome: 'allow', layer: 'user', file: file.file, line: 3 },
    { text: '*.b.example', outcome: 'deny', layer: 'requirements', file: managed.file, line: 1 },
  ],
};
const check: RulesCheckResponse = {
  text: '',
  findings: [
    { severity: 'warning', file: file.file, line: 4, column: 3, message: 'covered already' },
  ],
  diff: [
    { kind: 'same', line: 3, text: '  "a.example",' },
    { kind: 'added', line: 4, text: '  "*.c.example", # \u202e' },
    { kind: 'removed', line: 4, text: '  "old.example",' },
  ],
  effect: ['+ allow *.c.example'],
  widens: true,
};
const saved = {
  file,
  reload: { loaded: true, version: 'p2', messages: ['+ allow *.c.example'] },
  edit: 'e7',
};
const add = ['add', 'allow', '*.c.example'];

function answers(given: Partial<RulesCheckResponse> = {}): Answer {
  return (_method, path) => {
    if (path === '/v1/rules') return [200, rules];
    return [200, path === '/v1/rules/check' ? { ...check, ...given } : saved];
  };
}

describe('rules', () => {
  it('lists', async (t) => {
    const daemon = await startStandIn(t, answers());
    const io = recordIo(daemon.env);
    const command = createRulesCommand(() => Promise.resolve(false));
    assert.equal(await command.run(['--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), rules);
    assert.equal(await command.run([], recordIo(daemon.env)), 0);
  });

  it('shows the difference, asks, and saves what it showed', async (t) => {
    const daemon = await startStandIn(t, answers());
    const io = recordIo(daemon.env);
    const asked: string[] = [];
    const command = createRulesCommand((question) => Promise.resolve(asked.push(question) > 0));
    assert.equal(await command.run(add, io), 0);
    assert.deepEqual(asked, ['save this to /home/dev/config.toml?']);
    assert.equal(
      io.written.out,
      `${renderCheck(file.file, check)}+ allow *.c.example\nin force: version p2\n`,
    );
    const edits = [{ kind: 'add', list: 'allow', rule: '*.c.example' }];
    const body = { file: file.file, etag: 'e1', edits };
    assert.deepEqual(daemon.seen.slice(1), [
      { method: 'POST', path: '/v1/rules/check', body },
      { method: 'POST', path: '/v1/rules/save', body },
    ]);
  });

  it('saves nothing without a yes', async (t) => {
    const daemon = await startStandIn(t, answers());
    const io = recordIo(daemon.env);
    assert.equal(await createRulesCommand(() => Promise.resolve(false)).run(add, io), 1);
    assert.equal(io.written.err, 'sallyport: nothing was saved\n');
    assert.ok(daemon.seen.every(({ path }) => path !== '/v1/rules/save'));
  });

  it('saves nothing with a mistake, even with --yes', async (t) => {
    const findings = [
      { ...check.findings[0], severity: 'error' },
    ] as RulesCheckResponse['findings'];
    const daemon = await startStandIn(t, answers({ findings }));
    const io = recordIo(daemon.env);
    const command = createRulesCommand(() => Promise.resolve(true));
    assert.equal(await command.run([...add, '--yes'], io), 1);
    assert.match(io.written.err, /the file would have mistakes/);
    assert.ok(daemon.seen.every(({ path }) => path !== '/v1/rules/save'));
  });

  it('asks nobody with --yes, and prints JSON alone', async (t) => {
    const daemon = await startStandIn(t, answers());
    const io = recordIo(daemon.env);
    const command = createRulesCommand(() => Promise.reject(new Error('asked')));
    assert.equal(await command.run([...add, '--yes', '--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), saved);
  });

  it('says when there is nothing to change', async (t) => {
    const daemon = await startStandIn(t, answers({ diff: [] }));
    const io = recordIo(daemon.env);
    assert.equal(await createRulesCommand(() => Promise.resolve(true)).run(add, io), 0);
    assert.match(io.written.out, /nothing to change\n$/);
  });

  const mistakes = [
    { words: ['add'], want: /^rules takes add or remove/ },
    { words: ['add', 'ask', 'x'], want: /^rules takes add or remove/ },
    { words: [...add, 'y'], want: /^rules takes add or remove/ },
    { words: ['--yes'], want: /^--yes and --file belong to/ },
    { words: [...add, '--file', 'x'], want: /^--file takes \/home\/dev\/config\.toml$/ },
    { words: [...add, '--file', managed.file], want: /may not be edited from here; --file takes/ },
    { words: add, want: /^there is no terminal to ask on; --yes saves without asking$/ },
  ];
  for (const { words, want } of mistakes) {
    it(`refuses: ${words.join(' ')}`, async (t) => {
      const daemon = await startStandIn(t, answers());
      const command = createRulesCommand(() => Promise.resolve(undefined));
      const run = command.run(words, recordIo(daemon.env));
      await assert.rejects(run, { code: 'ERR_USAGE', message: want });
    });
  }
});

describe('renderRules', () => {
  it('names rules and files', () => {
    assert.equal(
      renderRules({ ...rules, files: [...rules.files, { ...file, etag: 'absent' }] }),
      `ANSWER  RULE         FROM
allow   a.example    /home/dev/config.toml:3 (user)
deny    *.b.example  /etc/sallyport/requirements.toml:1 (requirements)
and 1 rule more
/etc/sallyport/requirements.toml (requirements, read-only)
/home/dev/config.toml (user, editable)
/home/dev/config.toml (user, not there yet)
`,
    );
    assert.equal(renderRules({ files: [], rules: [], total: 0 }), 'no rules\n');
  });
});

describe('renderCheck', () => {
  it('shows lines, findings and effect, escaped', () => {
    assert.equal(
      renderCheck(file.file, check),
      `/home/dev/config.toml
     3    "a.example",
+    4    "*.c.example", # \\u202e
-    4    "old.example",
warning: /home/dev/config.toml:4:3: covered already
effect: + allow *.c.example
`,
    );
  });
});

// An admin edits the domain lists of the running daemon: the files keep every other byte, the policy follows at
// once, edits can be undone, and nobody else can do any of it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createControlClient, type ControlClient } from '../../src/control/client.ts';
import type { RuleEdit, RuleFileView, RulesDraft } from '../../src/control/messages.ts';
import { startCurl, startStreamingOrigin, type RunningCurl } from '../support/curl.ts';
import { eventually, removeFolder, startSallyport, type RunningDaemon } from '../support/daemon.ts';
import type { Origin } from '../support/origin.ts';

let origin: Origin;
let port = 0;
before(async () => {
  origin = await startStreamingOrigin();
  ({ port } = origin);
});
after(async () => await origin.close());

/** curl under `sallyport exec`, through a tunnel. */
function ask(daemon: RunningDaemon, host: string, path = '/'): RunningCurl {
  return startCurl(daemon, ['--proxytunnel', `http://${host}:${port}${path}`]);
}

function clientOf(daemon: RunningDaemon): ControlClient {
  return createControlClient({ state: daemon.state }, { surface: 'page' });
}

async function fileOf(client: ControlClient, name: string): Promise<RuleFileView> {
  const { files } = await client.rules();
  const found = files.find(({ file }) => file.endsWith(name));
  assert.ok(found !== undefined, `${name} is among the files`);
  return found;
}

async function draftOf(
  client: ControlClient,
  name: string,
  ...edits: readonly RuleEdit[]
): Promise<RulesDraft> {
  const { file, etag } = await fileOf(client, name);
  return { file, etag, edits };
}

const add = (rule: string, list: RuleEdit['list'] = 'allow'): RuleEdit => ({
  kind: 'add',
  list,
  rule,
});

/** What a control error must look like. */
const refused = (status: number, message: RegExp): object => ({
  code: 'ERR_CONTROL_REFUSED',
  status,
  message,
});

describe('editing the rules', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  let client: ControlClient;
  let config = '';
  before(async () => {
    daemon = await startSallyport({
      hosts: { 'open.test': '127.0.0.1', 'new.test': '127.0.0.1' },
      etc: {
        'sallyport/requirements.toml':
          '# by ops\r\n[network]\r\ndenied_domains = [\r\n\t"bad.test", # since May\r\n]\r\n',
      },
      config: `# my rules\n[network]\nallowed_domains = [\n  "127.0.0.1:${port}", # the origin\n  "open.test",\n  # more to come\n]\n`,
    });
    client = clientOf(daemon);
    config = readFileSync(daemon.configFile, 'utf8');
  });
  after(async () => {
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  it('shows the rules in force with their places, and the files', async () => {
    const { rules, total, files } = await client.rules();
    assert.deepEqual(
      rules.map(({ text, outcome, layer, line }) => `${outcome} ${text} ${layer}:${line}`),
      [
        'deny bad.test requirements:4',
        `allow 127.0.0.1:${port} user:${lineOf(config, 'the origin')}`,
        `allow open.test user:${lineOf(config, 'open.test')}`,
      ],
    );
    assert.equal(total, 3);
    assert.deepEqual(
      files.map(({ layer, editable, text }) => [layer, editable, text?.length]),
      [
        ['user', true, config.length],
        ['codex-requirements', true, 0],
        ['requirements', true, 70],
      ],
    );
  });

  it('says before saving what it would do, and writes nothing', async () => {
    const draft = await draftOf(client, 'config.toml', add('new.test'), add('bad.test'));
    const checked = await client.checkRules(draft);
    assert.deepEqual(checked.effect, ['+ allow new.test', '+ allow bad.test']);
    assert.ok(checked.widens);
    assert.deepEqual(
      checked.findings.map(({ severity, message }) => `${severity}: ${message}`),
      [
        'warning: "bad.test" is denied by the management, "bad.test" (/etc/sallyport/requirements.toml:4), which stands',
      ],
    );
    assert.deepEqual(
      checked.diff.filter(({ kind }) => kind !== 'same').map(({ kind, text }) => `${kind} ${text}`),
      ['added   "new.test",', 'added   "bad.test",'],
    );
    assert.equal(readFileSync(daemon.configFile, 'utf8'), config);
  });

  it('lets what waits go on once its host is allowed, and keeps every other byte', async () => {
    const asking = ask(daemon, 'new.test');
    await daemon.question('new.test');
    const saved = await client.saveRules(await draftOf(client, 'config.toml', add('new.test')));
    assert.ok(saved.reload.loaded);
    assert.match(saved.reload.messages.join('\n'), /^\+ allow new\.test$/m);
    assert.equal((await asking.ended).stdout, 'origin\n');
    const want = config.replace('  "open.test",\n', '  "open.test",\n  "new.test",\n');
    assert.equal(readFileSync(daemon.configFile, 'utf8'), want);
    assert.equal(saved.file.text, want);
    const record = await eventually('the record of the edit', () =>
      daemon.journal().find(({ name }) => name === 'sallyport.policy.edited'),
    );
    assert.equal(record.attributes['sallyport.approver.surface'], 'page');
  });

  it('closes what a new deny forbids, in a managed file with its own line ends, and undo allows it again', async () => {
    const managed = join(daemon.folder, 'etc/sallyport/requirements.toml');
    const stream = ask(daemon, 'open.test', '/stream');
    await eventually('the stream is open', () => stream.output().includes('first') || undefined);
    const saved = await client.saveRules(
      await draftOf(client, 'sallyport/requirements.toml', add('open.test', 'deny')),
    );
    assert.notEqual((await stream.ended).status, 0);
    assert.equal(
      readFileSync(managed, 'utf8'),
      '# by ops\r\n[network]\r\ndenied_domains = [\r\n\t"bad.test", # since May\r\n\t"open.test",\r\n]\r\n',
    );
    assert.match((await ask(daemon, 'open.test').ended).stderr, /403/);
    const { edits } = await client.rulesHistory();
    assert.deepEqual(
      edits.map(({ id, file, surface, undoable }) => [
        id,
        file.replace(daemon.folder, ''),
        surface,
        undoable,
      ]),
      [
        ['e2', '/etc/sallyport/requirements.toml', 'page', true],
        ['e1', '/config.toml', 'page', true],
      ],
    );
    const undone = await client.undoRules(saved.edit);
    assert.ok(undone.reload.loaded);
    assert.equal((await ask(daemon, 'open.test').ended).stdout, 'origin\n');
    assert.doesNotMatch(readFileSync(managed, 'utf8'), /open\.test/);
    await assert.rejects(client.undoRules(saved.edit), refused(409, /has changed since that edit/));
  });

  it('takes a form that turned CRLF into LF for what it is', async () => {
    const { file, etag, text } = await fileOf(client, 'sallyport/requirements.toml');
    const typed = (text ?? '')
      .replaceAll('\r\n', '\n')
      .replace('# by ops\n', '# by ops\n# and me\n');
    const saved = await client.saveRules({ file, etag, text: typed });
    assert.equal(saved.file.text, (text ?? '').replace('# by ops\r\n', '# by ops\r\n# and me\r\n'));
  });

  it('refuses mistakes, old texts, and every file that is not its own', async () => {
    const { file, etag } = await fileOf(client, 'config.toml');
    const now = readFileSync(daemon.configFile, 'utf8');
    const broken = { file, etag, text: '[network]\nmode = "ful"\n' };
    await assert.rejects(client.saveRules(broken), refused(400, /config\.toml:2:8: network\.mode/));
    const old = { file, etag: 'absent', text: '' };
    await assert.rejects(client.saveRules(old), refused(409, /look again/));
    await assert.rejects(client.checkRules(old), refused(409, /look again/));
    for (const other of [
      '/etc/passwd',
      join(daemon.state, 'token'),
      `${daemon.folder}/./config.toml`,
    ]) {
      const draft = { file: other, etag: 'absent', text: '' };
      await assert.rejects(client.saveRules(draft), refused(403, /not a configuration file/));
      await assert.rejects(client.checkRules(draft), refused(403, /not a configuration file/));
    }
    writeFileSync(daemon.configFile, `${now}# by hand\n`);
    await assert.rejects(client.saveRules({ file, etag, text: '' }), refused(409, /look again/));
    assert.equal(readFileSync(daemon.configFile, 'utf8'), `${now}# by hand\n`);
  });

  it('is for admins: others see the rules in force, and no text', async () => {
    const url = `http://127.0.0.1:${daemon.control}`;
    const { file, etag } = await fileOf(client, 'config.toml');
    for (const role of ['viewer', 'approver'] as const) {
      const { secret } = await client.createToken({ name: role, role });
      const other = createControlClient({ url, token: secret });
      const { files, rules } = await other.rules();
      assert.ok(rules.length > 0);
      assert.ok(files.every((one) => one.text === null && one.etag === 'hidden' && !one.editable));
      const draft = { file, etag, text: '' };
      await assert.rejects(other.checkRules(draft), { status: 403 });
      await assert.rejects(other.saveRules(draft), { status: 403 });
      await assert.rejects(other.rulesHistory(), { status: 403 });
      await assert.rejects(other.undoRules('e1'), { status: 403 });
    }
  });

  it('is not for the program that asks, whatever token it has found', async () => {
    const { file, etag } = await fileOf(client, 'config.toml');
    const body = JSON.stringify({ file, etag, edits: [add('evil.test')] });
    const asks = `curl -sS -m 1 -o /dev/null http://evil.test:${port}/`;
    const saves = `curl -sS --noproxy '*' -H "authorization: Bearer $(cat '${daemon.state}/token')" -H 'content-type: application/json' -d '${body}' http://127.0.0.1:${daemon.control}/v1/rules/save`;
    const script = `${asks}; ${saves}`;
    const words = ['exec', '--', 'sh', '-c', script];
    const { stdout } = await daemon.sallyport(words);
    assert.match(stdout, /self_approval/);
    assert.doesNotMatch(readFileSync(daemon.configFile, 'utf8'), /evil/);
  });
});

describe('an admin who saw the difference', { timeout: 120_000 }, () => {
  it('needs no second word under confirm_widening, a hand edit does; edits outlive a restart', async () => {
    const given = {
      config: '[network]\nallowed_domains = []\n[control]\nconfirm_widening = true\n',
    };
    const first = await startSallyport(given);
    const client = clientOf(first);
    const saved = await client.saveRules(await draftOf(client, 'config.toml', add('a.test')));
    assert.ok((await client.rules()).rules.some(({ text }) => text === 'a.test'));
    const text = saved.file.text ?? '';
    writeFileSync(first.configFile, text.replace('"a.test"', '"a.test", "b.test"'));
    await eventually('the hand edit waits', async () => {
      const { policyChange } = await client.status();
      return policyChange?.state === 'waiting' ? true : undefined;
    });
    assert.ok(!(await client.rules()).rules.some(({ text: rule }) => rule === 'b.test'));
    writeFileSync(first.configFile, text);
    await first.stop();
    const again = await startSallyport({ config: text, folder: first.folder });
    const late = clientOf(again);
    assert.deepEqual(
      (await late.rulesHistory()).edits.map(({ undoable }) => undoable),
      [true],
    );
    const undone = await late.undoRules(saved.edit);
    assert.doesNotMatch(undone.file.text ?? '', /a\.test/);
    assert.deepEqual((await late.rules()).rules, []);
    await again.stop();
    removeFolder(again.folder);
  });
});

/** The 1-based line of the first that holds these words. */
function lineOf(text: string, words: string): number {
  return text.split('\n').findIndex((line) => line.includes(words)) + 1;
}

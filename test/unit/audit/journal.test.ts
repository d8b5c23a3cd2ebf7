import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import type { AuditEvent } from '../../../src/audit/draft.ts';
import { createJournal, readJournal } from '../../../src/audit/journal.ts';
import type { BadLine, Journal, JournalSettings } from '../../../src/audit/journal.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-journal-'));
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function newFolder(): string {
  folders += 1;
  return join(root, `audit-${folders}`);
}

function event(uid: string, text = ''): AuditEvent {
  return { uid, time: '2026-11-20T08:36:41.138Z', name: 'test', attributes: { text } };
}

/** A journal with a clock that stands still until it is moved, and a list of what it told. */
function open(settings: Partial<JournalSettings> & { readonly folder: string }) {
  const told: string[] = [];
  const clock = { nowMs: Date.UTC(2026, 10, 20) };
  const journal = createJournal({
    now: () => clock.nowMs,
    onProblem: (problem) => told.push(problem),
    onRecovered: () => told.push('recovered'),
    ...settings,
  });
  return { journal, told, clock };
}

async function uids(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { uid } of readJournal(path)) found.push(uid);
  return found;
}

function unavailable(problem: string, journal: Journal) {
  const { file } = journal.state();
  return {
    name: 'SallyportError',
    code: 'ERR_AUDIT_UNAVAILABLE',
    message: `audit journal ${file}: ${problem}; nothing passes until it can be written`,
  };
}

describe('append', () => {
  it('resolves when the record is in the file, one object a line, in order', async () => {
    const { journal } = open({ folder: newFolder() });
    const { file } = journal.state();
    await Promise.all([journal.append(event('a', 'é\u202e\n')), journal.append(event('b'))]);
    assert.equal(
      readFileSync(file, 'utf8'),
      '{"uid":"a","time":"2026-11-20T08:36:41.138Z","name":"test","attributes":{"text":"\\u00e9\\u202e\\n"}}\n' +
        '{"uid":"b","time":"2026-11-20T08:36:41.138Z","name":"test","attributes":{"text":""}}\n',
    );
    assert.deepEqual(journal.state(), { file, ok: true, problem: null });
    await journal.close();
  });

  it('writes a turn beyond the limit at once, so that memory stays bounded', async () => {
    const { journal } = open({ folder: newFolder() });
    const { file } = journal.state();
    const first = journal.append(event('a', 'x'.repeat(600_000)));
    const second = journal.append(event('b', 'x'.repeat(600_000)));
    assert.ok(statSync(file).size > 1_200_000);
    await Promise.all([first, second]);
    await journal.close();
  });

  it('rejects once the journal is closed, and close writes what waited', async () => {
    const folder = newFolder();
    const { journal } = open({ folder });
    const waiting = journal.append(event('a'));
    await journal.close();
    await waiting;
    assert.deepEqual(await uids(folder), ['a']);
    await assert.rejects(journal.append(event('b')), unavailable('the journal is closed', journal));
    assert.equal(journal.state().ok, false);
  });
});

describe('the files', () => {
  it('are 0600 in a folder 0700, whatever the umask', async () => {
    const folder = newFolder();
    const umask = process.umask(0);
    const { journal } = open({ folder });
    process.umask(umask);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(journal.state().file).mode & 0o777, 0o600);
    await journal.close();
  });

  it('are begun anew at each start, after all others, so that a torn line stays alone', async () => {
    const folder = newFolder();
    const first = open({ folder });
    await first.journal.append(event('a'));
    await first.journal.close();
    appendFileSync(first.journal.state().file, '{"uid":"torn","time":"2026-');
    const second = open({ folder });
    second.clock.nowMs -= 86_400_000; // a clock set back does not change the order
    await second.journal.append(event('b'));
    await second.journal.close();
    assert.equal(readdirSync(folder).length, 2);
    assert.deepEqual(await uids(folder), ['a', 'b']);
  });

  it('rotate by size, losing nothing', async () => {
    const folder = newFolder();
    const { journal } = open({ folder, maxBytes: 1000 });
    const sent = Array.from({ length: 40 }, (_, index) => `u${index}`);
    for (const uid of sent) await journal.append(event(uid));
    await journal.close();
    assert.deepEqual(await uids(folder), sent);
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    assert.ok(sizes.length > 3);
    assert.ok(sizes.every((size) => size <= 1000));
  });

  it('rotate by age', async () => {
    const folder = newFolder();
    const { journal, clock } = open({ folder, maxAgeMs: 60_000 });
    await journal.append(event('a'));
    clock.nowMs += 60_000;
    await journal.append(event('b'));
    clock.nowMs += 1;
    await journal.append(event('c'));
    await journal.close();
    const names = readdirSync(folder).sort();
    assert.deepEqual(names, [
      '0000000001-20261120T000000.000Z.jsonl',
      '0000000002-20261120T000100.001Z.jsonl',
    ]);
    assert.deepEqual(await uids(folder), ['a', 'b', 'c']);
  });
});

describe('a journal whose file is tampered with', () => {
  const cases = [
    { name: 'deleted', harm: unlinkSync, problem: 'the file was deleted' },
    {
      name: 'shortened',
      harm: (file: string) => truncateSync(file, 3),
      problem: 'the file was shortened',
    },
    {
      name: 'written to',
      harm: (file: string) => appendFileSync(file, 'x'),
      problem: 'somebody else wrote to the file',
    },
    {
      name: 'deleted with its folder',
      harm: (file: string) => rmSync(join(file, '..'), { recursive: true }),
      problem: 'the file was deleted',
    },
  ];
  for (const { name, harm, problem } of cases) {
    it(`refuses at once when it is ${name}, says so once, and begins a new file later`, async () => {
      const folder = newFolder();
      const { journal, told, clock } = open({ folder });
      await journal.append(event('a'));
      const { file } = journal.state();
      harm(file);
      await assert.rejects(journal.append(event('b')), unavailable(problem, journal));
      clock.nowMs += 999;
      await assert.rejects(journal.append(event('c')), unavailable(problem, journal));
      assert.deepEqual(journal.state(), { file, ok: false, problem });
      assert.deepEqual(told, [problem]);
      clock.nowMs += 1;
      await journal.append(event('d'));
      assert.deepEqual(told, [problem, 'recovered']);
      assert.notEqual(journal.state().file, file);
      assert.deepEqual(await uids(journal.state().file), ['d']);
      await journal.close();
    });
  }

  it('sees within a second that it was moved away', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { journal, told } = open({ folder: newFolder() });
    await journal.append(event('a'));
    const { file } = journal.state();
    renameSync(file, `${file}.old`);
    context.mock.timers.tick(1000);
    assert.deepEqual(told, ['the file was moved away']);
    await assert.rejects(
      journal.append(event('b')),
      unavailable('the file was moved away', journal),
    );
    await journal.close();
  });

  it('is not prolonged in its outage by a clock that is set back', async () => {
    const { journal, clock } = open({ folder: newFolder() });
    await journal.append(event('a'));
    unlinkSync(journal.state().file);
    await assert.rejects(journal.append(event('b')));
    clock.nowMs -= 3_600_000;
    await journal.append(event('c'));
    await journal.close();
  });
});

/** Small disks where this user may mount one; a file-size limit fails in the same way everywhere. */
function smallDisks(): string[] {
  const folder = newFolder();
  execFileSync('mkdir', ['-m', '700', folder]);
  const size = 'size=64k,mode=700';
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', folder]);
  return status === 0 ? [folder] : [];
}

describe('a full disk', () => {
  for (const folder of smallDisks()) {
    after(() => execFileSync('umount', ['-l', folder]));
    it('refuses, keeps no torn line, and goes on in the same file once there is room', async () => {
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(40_000));
      const { journal, told, clock } = open({ folder });
      const { file } = journal.state();
      const kept: string[] = [];
      const fill = async (): Promise<void> => {
        for (let number = 0; number < 100; number += 1) {
          await journal.append(event(`u${number}`, 'x'.repeat(900)));
          kept.push(`u${number}`);
        }
      };
      await assert.rejects(fill(), { code: 'ERR_AUDIT_UNAVAILABLE', message: /ENOSPC/ });
      assert.ok(kept.length > 5);
      assert.deepEqual(await uids(file), kept);
      assert.equal(readFileSync(file).at(-1), 10);
      unlinkSync(join(folder, 'ballast'));
      await assert.rejects(journal.append(event('too soon')));
      clock.nowMs += 1000;
      await journal.append(event('after'));
      assert.deepEqual(await uids(folder), [...kept, 'after']);
      assert.deepEqual(told, ['ENOSPC: no space left on device, write', 'recovered']);
      assert.equal(journal.state().file, file);
      await journal.close();
    });
  }

  it('does the same under a file-size limit that is lifted', async () => {
    const folder = newFolder();
    const script = 'ulimit -S -f 32 && exec "$0" "$1" "$2"';
    const child = spawn('bash', ['-c', script, process.execPath, appender, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.startsWith('problem ')) {
        execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
      }
      if (lines.at(-20) === 'recovered') child.kill('SIGKILL');
    }
    const told = lines.filter((line) => /^(problem|recovered)/.test(line));
    assert.deepEqual(told, ['problem EFBIG: file too large, write', 'recovered']);
    const found = new Set(await uids(folder));
    const kept = lines.filter((line) => /^\d/.test(line));
    const refused = lines.flatMap((line) => (line.startsWith('refused ') ? [line.slice(8)] : []));
    assert.deepEqual({ lost: kept.filter((uid) => !found.has(uid)) }, { lost: [] });
    assert.deepEqual({ spurious: refused.filter((uid) => found.has(uid)) }, { spurious: [] });
    assert.ok(refused.length > 10);
  });
});

const appender = join(import.meta.dirname, '..', '..', 'support', 'appender.ts');

describe('kill -9', () => {
  it('loses no acknowledged event', async () => {
    const folder = newFolder();
    const child = spawn(process.execPath, [appender, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length > 20_000) child.kill('SIGKILL');
    });
    await once(child, 'close');
    assert.equal(child.signalCode, 'SIGKILL');
    const acknowledged = text.slice(0, text.lastIndexOf('\n')).split('\n');
    assert.ok(acknowledged.length > 1000);
    const found = new Set(await uids(folder));
    assert.deepEqual(
      acknowledged.filter((uid) => !found.has(uid)),
      [],
    );
  });
});

describe('readJournal', () => {
  it('names a bad line inside a file, and goes on when somebody listens', async () => {
    const folder = newFolder();
    const { journal } = open({ folder });
    const { file } = journal.state();
    await journal.append(event('a'));
    await journal.close();
    appendFileSync(file, '{"uid":1}\n\n');
    writeFileSync(join(folder, 'other.txt'), 'not a journal');
    const second = open({ folder });
    await second.journal.append(event('b'));
    await second.journal.close();
    await assert.rejects(uids(folder), {
      code: 'ERR_STATE_CORRUPT',
      message: `${file}:2: not an audit event; the file was changed after it was written`,
    });
    const bad: BadLine[] = [];
    const good: string[] = [];
    for await (const { uid } of readJournal(folder, (line) => bad.push(line))) good.push(uid);
    assert.deepEqual(good, ['a', 'b']);
    assert.deepEqual(bad, [
      { file, line: 2 },
      { file, line: 3 },
    ]);
  });

  it('does not keep a line without end in memory', async () => {
    const file = join(root, 'endless.jsonl');
    writeFileSync(
      file,
      `${'x'.repeat(3_000_000)}\n${JSON.stringify(event('a'))}\n${'y'.repeat(2_000_000)}`,
    );
    const bad: BadLine[] = [];
    const good: string[] = [];
    for await (const { uid } of readJournal(file, (line) => bad.push(line))) good.push(uid);
    assert.deepEqual({ good, bad }, { good: ['a'], bad: [{ file, line: 1 }] });
  });
});

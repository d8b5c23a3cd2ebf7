import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  createFdSink,
  createLog,
  escapeAscii,
  type LogLevel,
  type LogSink,
} from '../../src/log.ts';
import { makeFolder } from '../support/command.ts';

function recordSink(isTTY: boolean): LogSink & { readonly lines: string[] } {
  const lines: string[] = [];
  return { isTTY, lines, write: (line) => void lines.push(line), drain: () => Promise.resolve() };
}

describe('createLog', () => {
  it('writes one JSON object a line', () => {
    const sink = recordSink(false);
    createLog({ stream: sink }).warn('journal is full', { file: 'a.jsonl', lost: 3 });
    const { time, ...rest } = JSON.parse(sink.lines[0] ?? '') as Record<string, unknown>;
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const want = {
      level: 'warn',
      pid: process.pid,
      message: 'journal is full',
      file: 'a.jsonl',
      lost: 3,
    };
    assert.deepEqual(rest, want);
    assert.equal(sink.lines.length, 1);
  });

  it('writes a short line for a person at a terminal', () => {
    const sink = recordSink(true);
    createLog({ stream: sink }).error('cannot listen', { port: 4128, why: 'taken' });
    assert.match(
      sink.lines[0] ?? '',
      /^\d\d:\d\d:\d\d error cannot listen port=4128 why="taken"\n$/,
    );
  });

  it('takes percent signs as they are', () => {
    const sink = recordSink(true);
    createLog({ stream: sink }).info('100 %s %d');
    assert.match(sink.lines[0] ?? '', /info {2}100 %s %d\n$/);
  });

  for (const isTTY of [true, false]) {
    it(`lets no control, bidi or line-breaking character out ${isTTY ? 'to a terminal' : 'in JSON'}`, () => {
      const sink = recordSink(isTTY);
      const log = createLog({ stream: sink });
      log.info('a\n\u001b[2Jb\u202e\u009bc', { value: '\r\nfake \u2028\u{1f600}' });
      const text = sink.lines.join('');
      assert.match(text, /^[\x20-\x7e]+\n$/);
      if (!isTTY) {
        const { message, value } = JSON.parse(text) as Record<string, string>;
        assert.deepEqual(
          [message, value],
          ['a\n\u001b[2Jb\u202e\u009bc', '\r\nfake \u2028\u{1f600}'],
        );
      }
    });
  }

  it('keeps lines below its level to itself', () => {
    const seen = (['debug', 'info', 'warn', 'error'] as const).map((level: LogLevel) => {
      const sink = recordSink(false);
      const log = createLog({ level, stream: sink });
      log.debug('d');
      log.info('i');
      log.warn('w');
      log.error('e');
      return sink.lines.length;
    });
    assert.deepEqual(seen, [4, 3, 2, 1]);
  });
});

describe('escapeAscii', () => {
  it('keeps newlines and escapes by UTF-16 unit', () => {
    assert.equal(escapeAscii('a\nü\u{1f600}\u0000~'), 'a\n\\u00fc\\ud83d\\ude00\\u0000~');
  });
});

describe('createFdSink', () => {
  it('writes everything in order and drains', async (t) => {
    const file = join(makeFolder(t), 'log');
    const fd = openSync(file, 'w');
    const sink = createFdSink(fd, false);
    const lines = Array.from({ length: 500 }, (_, index) => `line ${index}\n`);
    for (const line of lines) sink.write(line);
    await sink.drain();
    closeSync(fd);
    assert.equal(readFileSync(file, 'utf8'), lines.join(''));
  });

  it('survives a reader that is gone, and drains at once then', async () => {
    const reader = spawn('true', { stdio: ['pipe', 'ignore', 'ignore'] });
    reader.stdin.on('error', () => undefined);
    await once(reader, 'exit');
    const source = join(import.meta.dirname, '..', '..', 'src', 'log.ts');
    const script = `
      import { createLog } from ${JSON.stringify(source)};
      const log = createLog();
      for (let n = 0; n < 1000; n += 1) log.error('nobody reads this');
      await log.close();
      console.log('alive');`;
    const child = spawn(
      '/bin/sh',
      [
        '-c',
        'exec 3>&1; "$0" --input-type=module-typescript -e "$1" 2>&1 >&3 | true',
        process.execPath,
        script,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    await once(child, 'close');
    assert.equal(out, 'alive\n');
  });

  it('drops what a stuck reader leaves over, and ends all the same', async () => {
    const source = join(import.meta.dirname, '..', '..', 'src', 'log.ts');
    const script = `
      import { createLog } from ${JSON.stringify(source)};
      const log = createLog();
      for (let n = 0; n < 3000; n += 1) log.error('x'.repeat(1000));
      await log.close();
      process.exit(0);`;
    // stderr is a pipe that nobody reads while the child runs
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.pause();
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0);
    child.stderr.destroy();
  });
});

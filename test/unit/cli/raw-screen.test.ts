import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createKeyReader, openRawScreen } from '../../../src/cli/raw-screen.ts';
import { createFakeTerminal } from '../../support/fake-terminal.ts';

const enter = '\u001b[?1049h';
const leave = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l';

function open(t: TestContext) {
  const terminal = createFakeTerminal(20, 3);
  const keys: string[] = [];
  const events: string[] = [];
  const screen = openRawScreen(terminal, {
    onKey: (key) => keys.push(key),
    onSize: () => events.push('size'),
    onClosed: () => events.push('closed'),
  });
  t.after(() => screen.close());
  return { ...terminal, keys, events, screen };
}

describe('the screen', () => {
  it('is taken over and given back once', (t) => {
    const { screen, raw, output, written } = open(t);
    screen.close();
    screen.close();
    output.read();
    assert.deepEqual(raw, [true, false]);
    assert.ok(written().startsWith(enter));
    assert.ok(written().endsWith(leave));
    assert.equal(written().split(leave).length, 2);
  });

  it('writes only the rows that differ', (t) => {
    const { screen, written } = open(t);
    screen.draw([[{ text: 'one' }], [{ text: 'two', tone: 'red' }], []]);
    const before = written().length;
    screen.draw([[{ text: 'one' }], [{ text: 'three' }], []]);
    assert.equal(written().slice(before), '\u001b[2;1H\u001b[2Kthree');
    const same = written().length;
    screen.draw([[{ text: 'one' }], [{ text: 'three' }], []]);
    assert.equal(written().length, same);
  });

  it('draws everything again after a new size', (t) => {
    const { screen, written, output, events } = open(t);
    screen.draw([[{ text: 'one' }]]);
    output.emit('resize');
    screen.draw([[{ text: 'one' }]]);
    assert.deepEqual(events, ['size']);
    assert.equal(written().split('one').length, 3);
    assert.deepEqual(screen.size(), { columns: 20, rows: 3 });
  });

  it('rings, and says when the terminal is gone', async (t) => {
    const { screen, written, input, events } = open(t);
    screen.bell();
    assert.ok(written().endsWith('\u0007'));
    input.end();
    await once(input, 'end');
    assert.deepEqual(events, ['closed']);
    screen.close();
    screen.bell();
    screen.draw([[{ text: 'late' }]]);
    assert.ok(!written().includes('late'));
  });

  it('names keys and drops what was pasted', async (t) => {
    const { type, keys } = open(t);
    type('aP!\r\u001b[A\u001b[6~+\u0003\u001b[200~a\ry\u001b[201~q');
    await new Promise(setImmediate);
    assert.deepEqual(keys, ['a', 'P', '!', 'return', 'up', 'pagedown', '+', 'ctrl-c', 'q']);
  });
});

describe('createKeyReader', () => {
  const cases = [
    { name: 'a letter', text: 'a', key: { name: 'a' }, want: ['a'] },
    { name: 'a big letter', text: 'P', key: { name: 'p', shift: true }, want: ['P'] },
    {
      name: 'a letter with Alt as Escape',
      text: '\u001ba',
      key: { name: 'a', meta: true },
      want: ['escape'],
    },
    {
      name: 'a letter with Ctrl',
      text: '\u0001',
      key: { name: 'a', ctrl: true },
      want: ['ctrl-a'],
    },
    { name: 'a letter of another script as nothing', text: 'ä', key: {}, want: [''] },
    { name: 'nothing at all', text: undefined, key: undefined, want: [''] },
  ];
  for (const { name, text, key, want } of cases) {
    it(`names ${name}`, () => {
      const keys: string[] = [];
      createKeyReader((one) => keys.push(one))(text, key);
      assert.deepEqual(keys, want);
    });
  }

  it('lets Ctrl-C through a bracket that never closes', () => {
    const keys: string[] = [];
    const read = createKeyReader((key) => keys.push(key));
    read(undefined, { name: 'paste-start' });
    read('a', { name: 'a' });
    read('\u0003', { name: 'c', ctrl: true });
    assert.deepEqual(keys, ['ctrl-c']);
  });
});

describe('a process that fails', () => {
  it('gives the terminal back before it says why', () => {
    const file = join(import.meta.dirname, '../../../src/cli/raw-screen.ts');
    const none = '() => undefined';
    const script = `
      import { openRawScreen } from ${JSON.stringify(file)};
      openRawScreen({ input: process.stdin, output: process.stdout },
        { onKey: ${none}, onSize: ${none}, onClosed: ${none} });
      setTimeout(() => { throw new Error('a fault'); }, 0);`;
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module-typescript', '-e', script],
      { encoding: 'utf8' },
    );
    assert.equal(status, 1);
    assert.ok(stdout.startsWith(enter) && stdout.endsWith(leave), JSON.stringify(stdout));
    assert.match(stderr, /a fault/);
  });
});

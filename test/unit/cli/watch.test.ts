import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createWatchCommand, watchCommand } from '../../../src/cli/watch.ts';
import { ControlError, type ControlClient } from '../../../src/control/client.ts';
import type { LiveEvent } from '../../../src/control/messages.ts';
import { SallyportError } from '../../../src/errors.ts';
import { recordIo } from '../../support/command.ts';
import { createFakeTerminal } from '../../support/fake-terminal.ts';
import { makeAnswer, makeGate, makeGroup, makeLiveView } from '../../support/views.ts';
import { plainPreview } from '../../support/watch.ts';

const open = makeLiveView({ groups: [makeGroup()] });

/** A daemon whose events the test writes, and that notes what it is asked for. */
function createFakeDaemon() {
  const calls: (readonly unknown[])[] = [];
  let pending: LiveEvent[] = [];
  let wake = Promise.withResolvers<void>();
  let broken: Error | undefined;
  const send = (event: LiveEvent): void => {
    pending.push(event);
    wake.resolve();
  };
  const note =
    <T>(name: string, answer: T) =>
    (...args: readonly unknown[]): Promise<T> => {
      calls.push([name, ...args]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
  async function* watch(signal: AbortSignal): AsyncGenerator<LiveEvent> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      yield* pending.splice(0);
      if (broken !== undefined) throw broken;
      await Promise.race([wake.promise, aborted]);
      wake = Promise.withResolvers();
    }
  }
  const gate = { gate: makeGate(), closed: 0 };
  const client = {
    watch,
    preview: note('preview', plainPreview),
    answer: note('answer', { id: 'k3', outcome: 'allow', released: 1, grant: null }),
    hold: note('hold', { id: 'k3', until: '2026-11-20T14:05:00.000Z' }),
    undo: note('undo', { answer: makeAnswer(), closed: 1 }),
    pause: note('pause', gate),
    resume: note('resume', gate),
    panic: note('panic', new ControlError(403, 'self_approval', 'not by you')),
  };
  return {
    calls,
    send,
    snapshot: (view = open) => send({ type: 'snapshot', id: 0, view }),
    break: (error: Error) => {
      broken = error;
      wake.resolve();
    },
    mend: () => {
      broken = undefined;
      pending = [];
    },
    // only what the watch uses of it
    client: client as unknown as ControlClient,
  };
}

function start(t: TestContext, words: readonly string[] = []) {
  const terminal = createFakeTerminal();
  const daemon = createFakeDaemon();
  let nowMs = Date.parse('2026-11-20T12:00:10.000Z');
  const command = createWatchCommand({
    streams: () => terminal,
    connect: () => daemon.client,
    now: () => nowMs,
  });
  const ended = command.run(words, recordIo());
  t.after(() => terminal.type('\u0003'));
  /** Types keys once the dead time is over. */
  const type = (keys: string): void => {
    nowMs += 5000;
    terminal.type(keys);
  };
  return { ...terminal, type, daemon, ended };
}

describe('watch', () => {
  it('shows questions and answers one by two keys', async (t) => {
    const watch = start(t);
    watch.daemon.snapshot();
    await watch.shows('api.example.net:443');
    watch.type('j');
    await watch.shows('why: No rule names this host.');
    watch.type('a');
    await watch.shows(plainPreview.sentence);
    watch.type('\r');
    await watch.shows('allowed k3: 1 connection goes on; u undoes it');
    assert.deepEqual(watch.daemon.calls.at(-1)?.slice(0, 2), ['answer', 'k3']);
    watch.type('u');
    await watch.shows('undone k3');
    watch.type('q');
    assert.equal(await watch.ended, 0);
    assert.deepEqual(watch.raw, [true, false]);
    assert.ok(watch.written().endsWith('\u001b[?1049l'));
  });

  it('holds, pauses and shows a refusal', async (t) => {
    const watch = start(t);
    watch.daemon.snapshot();
    await watch.shows('api.example.net:443');
    watch.type('j');
    watch.type('+');
    await watch.shows('k3 waits until');
    watch.type('P');
    await watch.shows('Refuse unknown hosts for 10 minutes');
    watch.type('y');
    await watch.shows('open: the rules decide');
    watch.type('!');
    await watch.shows('Panic: deny everything');
    watch.type('y');
    await watch.shows('not by you');
    assert.deepEqual(
      watch.daemon.calls.map(([name, ...args]) => [name, ...args]),
      [
        ['hold', 'k3', '5m'],
        ['pause', '10m'],
        ['panic', true],
      ],
    );
  });

  it('says that the daemon is away, and goes on when it is back', async (t) => {
    const watch = start(t);
    watch.daemon.snapshot();
    await watch.shows('api.example.net:443');
    watch.daemon.break(new SallyportError('ERR_CONTROL_UNREACHABLE', 'the daemon broke off'));
    await watch.shows('trying again: the daemon broke off');
    watch.daemon.mend();
    watch.daemon.snapshot(makeLiveView({ groups: [makeGroup({ host: 'back.example' })] }));
    await watch.shows('back.example');
  });

  it('rings only when asked to', async (t) => {
    const quiet = start(t);
    const loud = start(t, ['--bell']);
    for (const { daemon } of [quiet, loud]) daemon.snapshot();
    await Promise.all([quiet, loud].map(({ shows }) => shows('api.example.net:443')));
    await loud.shows('\u0007');
    assert.ok(!quiet.written().includes('\u0007'));
  });

  it('takes a new size', async (t) => {
    const watch = start(t);
    watch.daemon.snapshot();
    await watch.shows('api.example.net:443');
    Object.assign(watch.output, { columns: 40, rows: 10 });
    watch.output.emit('resize');
    await watch.shows('\u001b[10;1H');
  });

  it('ends when its terminal is gone', async (t) => {
    const watch = start(t);
    watch.input.end();
    assert.equal(await watch.ended, 1);
  });

  it('needs a terminal, and says what to use without one', async () => {
    const terminal = createFakeTerminal();
    terminal.output.isTTY = false;
    const command = createWatchCommand({
      streams: () => terminal,
      connect: () => createFakeDaemon().client,
      now: () => 0,
    });
    const message = 'watch needs a terminal; without one use "sallyport pending --watch"';
    await assert.rejects(command.run([], recordIo()), { code: 'ERR_USAGE', message });
    assert.deepEqual(terminal.raw, []);
  });

  it('says at once that a state folder is not safe', async () => {
    const error = new SallyportError('ERR_STATE_UNSAFE', 'others can write it');
    const command = createWatchCommand({
      streams: () => createFakeTerminal(),
      connect: () => {
        throw error;
      },
      now: () => 0,
    });
    await assert.rejects(command.run([], recordIo()), error);
  });

  it('takes no words', async () => {
    await assert.rejects(watchCommand.run(['k3'], recordIo()), { code: 'ERR_USAGE' });
  });
});

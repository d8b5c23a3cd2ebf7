import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, it } from 'node:test';
import { attemptLimit, interleave, race } from '../../../src/proxy/race.ts';

/** Attempts that never touch the network: the test says what becomes of each. */
function createAttempts(): {
  readonly open: (address: string) => net.Socket;
  readonly opened: string[];
  readonly at: (address: string) => net.Socket;
} {
  const opened: string[] = [];
  const sockets = new Map<string, net.Socket>();
  return {
    opened,
    open: (address) => {
      const socket = new net.Socket();
      opened.push(address);
      sockets.set(address, socket);
      return socket;
    },
    at: (address) => {
      const socket = sockets.get(address);
      assert.ok(socket, `${address} was not tried`);
      return socket;
    },
  };
}

const signal = new AbortController().signal;

describe('interleave', () => {
  const cases = [
    { name: 'keeps one address', given: ['192.0.2.1'], want: ['192.0.2.1'] },
    {
      name: 'takes families in turn, the first family first',
      given: ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2'],
      want: ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'],
    },
    {
      name: 'goes on with one family when the other is used up',
      given: ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'],
      want: ['192.0.2.1', '2001:db8::1', '192.0.2.2', '192.0.2.3'],
    },
    {
      name: 'tries a handful at most',
      given: Array.from({ length: 20 }, (_, i) => `192.0.2.${i}`),
      want: Array.from({ length: attemptLimit }, (_, i) => `192.0.2.${i}`),
    },
  ];
  for (const { name, given, want } of cases) {
    it(name, () => assert.deepEqual(interleave(given), want));
  }
});

describe('race', () => {
  it('starts the second attempt when the first is slow, and destroys the loser', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const attempts = createAttempts();
    const won = race(['192.0.2.1', '192.0.2.2'], { open: attempts.open, staggerMs: 250, signal });
    assert.deepEqual(attempts.opened, ['192.0.2.1']);
    t.mock.timers.tick(249);
    assert.deepEqual(attempts.opened, ['192.0.2.1']);
    t.mock.timers.tick(1);
    assert.deepEqual(attempts.opened, ['192.0.2.1', '192.0.2.2']);
    attempts.at('192.0.2.2').emit('connect');
    assert.equal(await won, attempts.at('192.0.2.2'));
    assert.ok(attempts.at('192.0.2.1').destroyed);
    assert.ok(!attempts.at('192.0.2.2').destroyed);
  });

  it('starts the next attempt at once when one fails, and lets a slow first one win', async () => {
    const attempts = createAttempts();
    const won = race(['192.0.2.1', '192.0.2.2', '192.0.2.3'], {
      open: attempts.open,
      staggerMs: 60_000,
      signal,
    });
    attempts.at('192.0.2.1').emit('error', new Error('refused'));
    assert.deepEqual(attempts.opened, ['192.0.2.1', '192.0.2.2']);
    attempts.at('192.0.2.2').emit('connect');
    assert.equal(await won, attempts.at('192.0.2.2'));
    assert.deepEqual(attempts.opened, ['192.0.2.1', '192.0.2.2']);
  });

  it('fails with every error once nothing is left', async () => {
    const attempts = createAttempts();
    const lost = race(['192.0.2.1', '192.0.2.2'], { open: attempts.open, staggerMs: 1000, signal });
    const errors = [new Error('one'), new Error('two')];
    attempts.at('192.0.2.1').emit('error', errors[0]);
    attempts.at('192.0.2.2').emit('error', errors[1]);
    await assert.rejects(lost, (error: AggregateError) => {
      assert.deepEqual(error.errors, errors);
      return true;
    });
  });

  it('destroys every attempt when the signal is aborted', async () => {
    const attempts = createAttempts();
    const control = new AbortController();
    const lost = race(['192.0.2.1', '192.0.2.2'], {
      open: attempts.open,
      staggerMs: 1000,
      signal: control.signal,
    });
    control.abort(new Error('gone'));
    await assert.rejects(lost, /gone/);
    assert.ok(attempts.at('192.0.2.1').destroyed);
    assert.deepEqual(attempts.opened, ['192.0.2.1']);
  });

  it('opens nothing for a signal that is aborted already, or without addresses', async () => {
    const attempts = createAttempts();
    const gone = AbortSignal.abort(new Error('gone'));
    await assert.rejects(race(['192.0.2.1'], { ...attempts, staggerMs: 1, signal: gone }), /gone/);
    await assert.rejects(race([], { ...attempts, staggerMs: 1, signal }), AggregateError);
    assert.deepEqual(attempts.opened, []);
  });
});

// The header: the state in words and colour, the count in the title, and the switches of the gate as a whole.
/** @import { GateView, LiveView } from '../messages.ts' */
/** @import { Context } from './context.js' */
import { problemOf } from './api.js';
import { mayAnswer } from './context.js';
import { button, byId, setAttribute, setText } from './dom.js';
import { count, moment, waitWords } from './words.js';

/** @typedef {'connecting' | 'live' | 'unreachable' | 'over'} Connection */

/**
 * Makes the header's moving parts; `alerts` is the switch of the desktop alerts.
 * @param {Context} context
 * @param {HTMLElement} alerts
 */
export function createHeader(context, alerts) {
  const state = byId('state');
  const pause = button('Pause 10 min', () => void act(() => context.api.pause('10m')));
  const resume = button('Resume', () => void act(() => context.api.resume()));
  const panic = button('Panic', () => void startPanic(), { class: 'danger' });
  const reopen = button('Reopen', () => void act(() => context.api.panic(false)), {
    class: 'danger',
  });
  byId('controls').append(alerts, pause, resume, panic, reopen);

  /** @param {() => Promise<{ readonly closed: number }>} action */
  async function act(action) {
    try {
      const { closed } = await action();
      if (closed > 0) context.say(`${count(closed, 'connection')} closed`);
    } catch (error) {
      context.say(problemOf(error));
    }
  }

  async function startPanic() {
    const isSure = await context.confirm({
      title: 'Deny everything at once?',
      lines: [
        'Every new request is denied and every open connection closed, until somebody reopens.',
      ],
      yes: 'Deny everything',
      isDangerous: true,
    });
    if (isSure) await act(() => context.api.panic(true));
  }

  return {
    /** @param {Connection} connection */
    update(connection) {
      const live = context.live();
      const { words, tone } = stateOf(connection, live, Date.now());
      setText(state, words);
      setAttribute(state, 'data-tone', tone);
      const waiting = connection === 'live' ? (live?.groups.length ?? 0) : 0;
      document.title = waiting > 0 ? `(${waiting}) sallyport` : 'sallyport';
      const canAct = connection === 'live' && mayAnswer(live?.role);
      const { pausedUntil = null, panicSince = null } = live?.gate ?? {};
      setAttribute(pause, 'hidden', !canAct || pausedUntil !== null || panicSince !== null);
      setAttribute(resume, 'hidden', !canAct || pausedUntil === null);
      setAttribute(panic, 'hidden', !canAct || panicSince !== null);
      setAttribute(reopen, 'hidden', !canAct || panicSince === null);
      setAttribute(alerts, 'hidden', !canAct);
    },
  };
}

/**
 * The state as words and as one of five tones; the words say all that the colour does.
 * @param {Connection} connection
 * @param {LiveView | undefined} live
 * @param {number} nowMs
 * @returns {{ readonly words: string, readonly tone: 'quiet' | 'good' | 'waiting' | 'off' | 'bad' }}
 */
export function stateOf(connection, live, nowMs) {
  if (connection === 'over') return { words: 'session over', tone: 'bad' };
  if (connection === 'unreachable') return { words: 'daemon unreachable', tone: 'bad' };
  if (live === undefined) return { words: 'connecting', tone: 'quiet' };
  const { gate, groups, floods } = live;
  if (gate.panicSince !== null) return { words: 'panic: everything is denied', tone: 'bad' };
  const waits = waitWords(groups);
  if (gate.pausedUntil !== null) {
    const until = `paused until ${moment(gate.pausedUntil, nowMs)}`;
    return { words: waits === '' ? until : `${until}, ${waits}`, tone: 'off' };
  }
  if (floods.length > 0)
    return {
      words: waits === '' ? 'a flood is refused' : `${waits}, and a flood is refused`,
      tone: 'bad',
    };
  if (waits !== '') return { words: waits, tone: 'waiting' };
  return { words: 'nothing waits', tone: 'good' };
}

/**
 * Sentences about the gate that stand above every view.
 * @param {GateView} gate
 * @returns {readonly string[]}
 */
export function gateNotices(gate) {
  const paused =
    gate.pausedUntil === null
      ? []
      : ['Paused: unknown destinations are denied without a question.'];
  const away =
    gate.attendance === 'unattended'
      ? [
          'Nobody was watching: unknown destinations were refused at once. Their questions are kept here.',
        ]
      : [];
  return [...paused, ...away, ...gate.troubles];
}

// What the gate as a whole does, in one line: for pause, resume, panic, lift and the terminal's list. Pure.
import type { GateResponse, GateView } from '../control/messages.ts';
import { escapeText, renderClock, renderCount } from './render.ts';

/** `unknown hosts are denied until 14:05`, and how many connections were closed by it. */
export function renderGate({ gate, closed }: GateResponse): string {
  const ends = closed === 0 ? '' : `; ${renderCount(closed, 'connection')} closed`;
  return escapeText(`${describeGate(gate)}${ends}`);
}

/** The strongest of what is in force. */
export function describeGate({ panicSince, pausedUntil, attendance }: GateView): string {
  if (panicSince !== null) {
    return `panic since ${renderClock(panicSince)}: everything is denied ("sallyport panic --off" ends it)`;
  }
  if (pausedUntil !== null) {
    return `paused: unknown hosts are denied without a question until ${renderClock(pausedUntil)}`;
  }
  return attendance === 'attended'
    ? 'open: the rules decide, and unknown hosts are asked about'
    : 'open, but nobody is there to answer: unknown hosts are refused at once, and their questions kept';
}

// The live stream: what the daemon shows, then what changes, over one request that is made again with growing
// pauses when it breaks.
/** @import { LiveEvent } from '../messages.ts' */
import { sessionHeaders } from './api.js';
import { createEventReader } from './event-reader.js';

const pausesMs = [500, 1000, 2000, 4000, 8000];
/** The daemon writes a comment every 15 s; silence for longer than this is a dead connection. */
const silenceMs = 40_000;

/**
 * What the stream tells.
 * @typedef {object} StreamParts
 * @property {string} secret
 * @property {(event: LiveEvent) => void} onEvent
 * @property {() => void} onUnreachable
 * @property {() => void} onEnded the daemon no longer knows the session
 * @property {AbortSignal} signal
 */

/**
 * Follows until the signal aborts or the session ends. Never rejects.
 * @param {StreamParts} parts
 */
export async function follow(parts) {
  for (let failures = 0; !parts.signal.aborted; failures += 1) {
    const end = await followOnce(parts, () => (failures = 0));
    if (parts.signal.aborted) return;
    if (end === 'ended') return parts.onEnded();
    parts.onUnreachable();
    await pause(pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0, parts.signal);
  }
}

/**
 * @param {StreamParts} parts
 * @param {() => void} onStarted
 * @returns {Promise<'broken' | 'ended'>}
 */
async function followOnce(parts, onStarted) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMs);
  const read = createEventReader();
  try {
    const response = await fetch('/v1/events', {
      headers: sessionHeaders(parts.secret),
      signal: AbortSignal.any([parts.signal, silence.signal]),
    });
    if (response.status === 401) return 'ended';
    if (!response.ok || response.body === null) return 'broken';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'broken';
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      for (const { data } of read(value)) parts.onEvent(JSON.parse(data));
      onStarted();
    }
  } catch {
    return 'broken';
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

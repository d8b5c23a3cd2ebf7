// Reads server-sent events (HTML Living Standard §9.2) out of text that comes in pieces. Pure. EventSource
// itself cannot send the session's header.

/**
 * One event: its name and its joined data lines.
 * @typedef {{ readonly event: string, readonly data: string }} ServerEvent
 */

const limitChars = 32 * 1024 * 1024;

/**
 * Makes a reader: give it each piece of text, get the events it completed. Throws when an event
 * grows past all measure.
 * @returns {(text: string) => ServerEvent[]}
 */
export function createEventReader() {
  let rest = '';
  let event = '';
  /** @type {string[]} */
  let data = [];
  return (text) => {
    /** @type {ServerEvent[]} */
    const done = [];
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > limitChars) throw new Error('an event of the daemon is too long');
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (data.length > 0) done.push({ event: event || 'message', data: data.join('\n') });
        event = '';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'event') event = value;
      if (name === 'data') data.push(value);
    }
    return done;
  };
}

// What stands above every view: that the daemon is away or the session over, what is not well, and a policy change
// that widened or waits to be accepted.
/** @import { PolicyChangeView } from '../messages.ts' */
/** @import { Connection } from './header.js' */
/** @import { Context } from './context.js' */
import { problemOf } from './api.js';
import { mayAnswer } from './context.js';
import { arrange, button, byId, make, setAttribute, setOff, setText } from './dom.js';
import { gateNotices } from './header.js';
import { createQuietTime } from './quiet-time.js';
import { moment } from './words.js';

/**
 * Makes the banners.
 * @param {Context} context
 */
export function createBanners(context) {
  const region = byId('banners');
  const connection = make('p', { class: 'banner bad' });
  const notices = make('ul', { class: 'banner' });
  const change = createChangeBanner(context);
  let shown = '';

  /** @param {readonly string[]} lines */
  function showNotices(lines) {
    const key = JSON.stringify(lines);
    if (key === shown) return;
    shown = key;
    notices.replaceChildren(...lines.map((line) => make('li', {}, line)));
  }

  return {
    /**
     * @param {Connection} state
     * @param {string} problem why there is no session, when there is none
     */
    update(state, problem) {
      const live = context.live();
      const lines = live === undefined ? [] : gateNotices(live.gate);
      const away =
        state === 'unreachable'
          ? 'The daemon does not answer; trying again. What stands below may be old.'
          : problem;
      setText(connection, away);
      showNotices(lines);
      const visible = live?.policyChange ?? null;
      change.update(visible);
      const elements = [
        ...(away === '' ? [] : [connection]),
        ...(lines.length === 0 ? [] : [notices]),
        ...(isShown(visible) ? [change.element] : []),
      ];
      arrange(region, elements);
      setAttribute(region, 'hidden', elements.length === 0);
    },
  };
}

/**
 * @param {PolicyChangeView | null} change
 * @returns {boolean}
 */
function isShown(change) {
  return change !== null && (change.state === 'waiting' || change.state === 'applied');
}

/** @param {Context} context */
function createChangeBanner(context) {
  /** @type {PolicyChangeView | undefined} */
  let shown;
  const title = make('h2', {});
  const lines = make('pre', { class: 'effect', tabindex: 0, 'aria-label': 'What changes' });
  const message = make('p', { class: 'message', role: 'alert' });
  const accept = button('Accept', () => void act('accept'), { class: 'allow' });
  const reject = button('Reject', () => void act('reject'), { class: 'deny' });
  const undo = button('Undo', () => void act('undo'), { class: 'deny' });
  const row = make('div', { class: 'row' }, reject, accept, undo);
  const quiet = createQuietTime(() => {
    for (const one of [accept, reject, undo]) setOff(one, quiet.isOn());
  });

  /** @param {'accept' | 'reject' | 'undo'} verb */
  async function act(verb) {
    if (shown === undefined) return;
    try {
      await context.api.change(shown.id, verb);
      setText(message, '');
    } catch (error) {
      setText(message, problemOf(error));
    }
  }

  return {
    element: make('section', { class: 'banner change' }, title, lines, message, row),
    /** @param {PolicyChangeView | null} change */
    update(change) {
      if (change === null || !isShown(change)) return;
      const isNew = shown?.id !== change.id || shown.state !== change.state;
      shown = change;
      const waits = change.state === 'waiting';
      const at = moment(change.at, Date.now());
      setText(
        title,
        waits
          ? `A policy that lets more through waits since ${at}`
          : `A reload at ${at} lets more through`,
      );
      setText(lines, change.lines.join('\n'));
      setAttribute(row, 'hidden', !mayAnswer(context.live()?.role));
      setAttribute(accept, 'hidden', !waits);
      setAttribute(reject, 'hidden', !waits);
      setAttribute(undo, 'hidden', waits);
      if (isNew) quiet.start();
    },
  };
}

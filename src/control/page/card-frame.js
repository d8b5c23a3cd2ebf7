// What every card has: a place in the list that takes the focus, a heading, a body, and the one line that is left
// of it once it is answered, with Undo for ten seconds.
import { button, make, setAttribute, setText } from './dom.js';

/** How long Undo is offered on an answered card. */
export const undoMs = 10_000;

/**
 * The frame of one card.
 * @typedef {ReturnType<typeof createFrame>} Frame
 */

/**
 * Makes it; `key` names the card in the page and in no other place.
 * @param {string} key
 */
export function createFrame(key) {
  const id = `title-${key.replace(':', '-')}`;
  const title = make('h3', { id });
  const meta = make('p', { class: 'meta' });
  const message = make('p', { class: 'message', role: 'alert' });
  const body = make('div', { class: 'body' });
  const endText = make('span', {});
  const end = make('p', { class: 'end', hidden: true }, endText);
  const element = make(
    'article',
    { class: 'card', tabindex: 0, 'aria-labelledby': id, 'data-key': key },
    end,
    make('div', { class: 'head' }, title, meta),
    message,
    body,
  );
  /** @type {HTMLButtonElement | undefined} */
  let undo;
  let endedAt = 0;

  return {
    element,
    title,
    meta,
    body,
    isOver: () => endedAt > 0,
    endedAt: () => endedAt,
    /** @param {string} text a problem with what was just tried; empty to take it away */
    tell: (text) => setText(message, text),
    /**
     * Leaves one line of the card. The focus, if it was inside, stays with the card.
     * @param {string} text
     * @param {(() => Promise<void>) | undefined} onUndo must not reject
     */
    finish(text, onUndo) {
      const hadFocus = element.contains(document.activeElement);
      endedAt = performance.now();
      setText(endText, text);
      setText(message, '');
      undo?.remove();
      undo = onUndo === undefined ? undefined : button('Undo', onUndo, { class: 'plain undo' });
      if (undo !== undefined) end.append(undo);
      element.classList.add('over');
      setAttribute(end, 'hidden', false);
      if (hadFocus) element.focus({ preventScroll: true });
    },
    undo: () => undo?.click(),
    canUndo: () => undo !== undefined,
    /** Takes the Undo away once its time is over; the focus stays with the card. */
    expireUndo() {
      if (undo === undefined || performance.now() - endedAt < undoMs) return;
      if (document.activeElement === undo) element.focus({ preventScroll: true });
      undo.remove();
      undo = undefined;
    },
  };
}

// The line that says what was done, with Undo for ten seconds.
import { button, make, setAttribute, setText } from './dom.js';

/** How long Undo is offered on a card. */
export const undoMs = 10_000;

/**
 * One such line; nothing is shown before `show`.
 * @typedef {ReturnType<typeof createEndLine>} EndLine
 */

/** Makes the line. */
export function createEndLine() {
  const words = make('span', {});
  const element = make('p', { class: 'end', hidden: true }, words);
  /** @type {HTMLButtonElement | undefined} */
  let undo;
  let shownAt = 0;

  function dropUndo() {
    undo?.remove();
    undo = undefined;
  }

  return {
    element,
    /** When it was shown last, on the page's own clock; 0 before. */
    shownAt: () => shownAt,
    canUndo: () => undo !== undefined,
    undo: () => undo?.click(),
    /**
     * @param {string} text
     * @param {(() => Promise<void>) | undefined} onUndo must not reject
     */
    show(text, onUndo) {
      shownAt = performance.now();
      setText(words, text);
      dropUndo();
      if (onUndo !== undefined) {
        undo = button('Undo', onUndo, { class: 'plain undo' });
        element.append(undo);
      }
      setAttribute(element, 'hidden', false);
    },
    /**
     * Takes the Undo away once its time is over; the focus, if it was there, stays with the card.
     * @param {HTMLElement} card
     */
    expire(card) {
      if (undo === undefined || performance.now() - shownAt < undoMs) return;
      if (document.activeElement === undo) card.focus({ preventScroll: true });
      dropUndo();
    },
  };
}

// What every card has: a place in the list that takes the focus, a heading, a body, and the one line that is left
// of it once it is answered.
import { make, setText } from './dom.js';
import { createEndLine } from './end-line.js';

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
  const end = createEndLine();
  /** For what was done to a part of the card only. */
  const part = createEndLine();
  const element = make(
    'article',
    { class: 'card', tabindex: 0, 'aria-labelledby': id, 'data-key': key },
    end.element,
    make('div', { class: 'head' }, title, meta),
    message,
    body,
    part.element,
  );
  let isOver = false;

  return {
    element,
    title,
    meta,
    body,
    part,
    isOver: () => isOver,
    /** @param {string} text a problem with what was just tried; empty to take it away */
    tell: (text) => setText(message, text),
    /** When the card was over, on the page's own clock. */
    overAt: () => end.shownAt(),
    /** The line whose Undo is still offered, if one is. */
    undoable: () => [end, part].find((line) => line.canUndo()),
    expireUndo() {
      for (const line of [end, part]) line.expire(element);
    },
    /** Gives the room of a card that is over to the others; true when it had kept any. */
    collapse() {
      const hadRoom = element.style.minHeight !== '';
      element.style.minHeight = '';
      return hadRoom;
    },
    /**
     * Leaves one line of the card, in the room it had until `collapse`; the list is told by the event `over`. The
     * focus, if it was inside, stays with the card.
     * @param {string} text
     * @param {(() => Promise<void>) | undefined} onUndo must not reject
     */
    finish(text, onUndo) {
      const hadFocus = element.contains(document.activeElement);
      if (!isOver) element.style.minHeight = `${element.getBoundingClientRect().height}px`;
      isOver = true;
      setText(message, '');
      end.show(text, onUndo);
      element.classList.add('over');
      if (hadFocus) element.focus({ preventScroll: true });
      element.dispatchEvent(new Event('over', { bubbles: true }));
    },
  };
}

// Where the pointer rests on the list, and which of its cards may change their height without moving what is
// under it.

/**
 * What is known of the pointer.
 * @typedef {ReturnType<typeof createPointer>} Pointer
 */

/**
 * Watches it; `onMove` is told of every move, also out of the window.
 * @param {HTMLElement} list
 * @param {() => void} onMove
 */
export function createPointer(list, onMove) {
  /** In the window; undefined while it is outside. @type {{ readonly x: number, readonly y: number } | undefined} */
  let at;
  const note = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    at = { x: clientX, y: clientY };
    onMove();
  };
  document.addEventListener('pointermove', note);
  document.addEventListener('pointerover', note); // also when the page has moved under a pointer at rest
  document.documentElement.addEventListener('pointerleave', () => {
    at = undefined;
    onMove();
  });
  // Behind another tab it points at nothing.
  document.addEventListener('visibilitychange', () => onMove());

  /** The height in the window at which it rests on the list, if it does. */
  function restsAt() {
    if (at === undefined || document.hidden) return undefined;
    const { left, right, top, bottom } = list.getBoundingClientRect();
    const isOn = at.x >= left && at.x < right && at.y >= top && at.y < bottom;
    return isOn ? at.y : undefined;
  }

  return {
    /**
     * Whether this card is not above the pointer and not under it.
     * @param {HTMLElement} card
     * @returns {boolean}
     */
    isClearOf(card) {
      const y = restsAt();
      return y === undefined || card.getBoundingClientRect().top > y;
    },
    /** Keeps the page so long, while the pointer rests, that it stays scrolled as it is when cards below go. */
    keepLength() {
      const isNeeded = restsAt() !== undefined && scrollY > 0;
      const toBottom = innerHeight - list.getBoundingClientRect().top;
      list.style.minHeight = isNeeded ? `${Math.min(list.offsetHeight, toBottom)}px` : '';
    },
  };
}

// Half a second in which what came, changed or moved takes no click and no key: what a person was about to press
// may not be what stands there now.

/** How long. */
export const deadMs = 500;

/**
 * The dead time of one card.
 * @typedef {object} QuietTime
 * @property {() => void} start begins it, anew when it is running
 * @property {() => boolean} isOn
 * @property {() => void} stop ends it without a word, for a card that goes
 */

/**
 * Makes one; `onChange` is told when it begins and when it ends.
 * @param {() => void} onChange
 * @returns {QuietTime}
 */
export function createQuietTime(onChange) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return {
    start() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = undefined;
        onChange();
      }, deadMs);
      onChange();
    },
    isOn: () => timer !== undefined,
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

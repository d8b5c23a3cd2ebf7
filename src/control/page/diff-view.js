// A diff as lines of text: the sign says what the colour says.
/** @import { DiffLine } from '../messages.ts' */
import { make } from './dom.js';

const signs = { same: ' ', added: '+', removed: '−' };

/**
 * Makes the lines.
 * @param {readonly DiffLine[]} lines
 * @param {string} label for screen readers
 * @returns {HTMLElement}
 */
export function diffView(lines, label) {
  return make(
    'pre',
    { class: 'diff', tabindex: 0, 'aria-label': label },
    ...lines.map(({ kind, line, text }) =>
      make('span', { class: kind }, `${String(line).padStart(4)} ${signs[kind]} ${text}\n`),
    ),
  );
}

// The one dialog: asks once more before something that lasts or stops everything.
import { button, make, setOff } from './dom.js';
import { createQuietTime } from './quiet-time.js';

/**
 * What to ask.
 * @typedef {object} Question
 * @property {string} title
 * @property {readonly string[]} lines
 * @property {string} [rule] shown as code
 * @property {string} yes what the button that goes on says
 * @property {boolean} [isDangerous]
 */

/**
 * Asks; false when the person goes back. The way back has the focus.
 * @param {Question} question
 * @returns {Promise<boolean>}
 */
export function confirm(question) {
  return new Promise((resolve) => {
    let answer = false;
    const yes = button(
      question.yes,
      () => {
        answer = true;
        dialog.close();
      },
      { class: question.isDangerous === true ? 'danger' : 'allow' },
    );
    const no = button('Back', () => dialog.close(), { autofocus: true });
    const dialog = make(
      'dialog',
      { 'aria-labelledby': 'confirm-title' },
      make('h2', { id: 'confirm-title' }, question.title),
      ...question.lines.map((line) => make('p', {}, line)),
      question.rule !== undefined && make('pre', { class: 'rule' }, question.rule),
      make('div', { class: 'row' }, no, yes),
    );
    dialog.addEventListener('close', () => {
      quiet.stop();
      dialog.remove();
      resolve(answer);
    });
    const quiet = createQuietTime(() => setOff(yes, quiet.isOn()));
    document.body.append(dialog);
    quiet.start();
    dialog.showModal();
  });
}

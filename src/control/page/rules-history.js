// The edits that were saved through this page or the terminal, each with its diff and its undo.
/** @import { RuleEditView } from '../messages.ts' */
/** @import { Context } from './context.js' */
import { problemOf } from './api.js';
import { diffView } from './diff-view.js';
import { button, make, setAttribute, setText } from './dom.js';
import { moment } from './words.js';

/**
 * Makes the list; `onUndone` is told when a file has become another one.
 * @param {Context} context
 * @param {() => void} onUndone
 */
export function createEditHistory(context, onUndone) {
  const message = make('p', { class: 'message', role: 'alert' });
  const rows = make('ul', { class: 'rows' });
  const element = make(
    'details',
    { hidden: true },
    make('summary', {}, 'Earlier edits'),
    message,
    rows,
  );

  /** @param {RuleEditView} edit */
  async function undo(edit) {
    const isSure = await context.confirm({
      title: 'Put the text before this edit back?',
      lines: [edit.file],
      yes: 'Undo the edit',
    });
    if (!isSure) return;
    try {
      const { reload } = await context.api.undoEdit(edit.id);
      context.say(
        reload.loaded
          ? 'The edit is undone'
          : `Undone, but not in force: ${reload.messages[0] ?? ''}`,
      );
      onUndone();
    } catch (error) {
      setText(message, problemOf(error));
    }
  }

  /** @param {RuleEditView} edit */
  function row(edit) {
    const at = moment(edit.at, Date.now());
    return make(
      'li',
      {},
      make(
        'div',
        { class: 'grow' },
        make(
          'p',
          { class: 'meta' },
          `${at} · ${edit.by} (${edit.surface}) · ${edit.file} · ${edit.id}`,
        ),
        diffView(edit.diff, `Edit of ${at}`),
      ),
      edit.undoable &&
        button('Undo', () => void undo(edit), { 'aria-label': `Undo the edit of ${at}` }),
    );
  }

  return {
    element,
    /** Never rejects. */
    async load() {
      try {
        const { edits } = await context.api.edits();
        rows.replaceChildren(...edits.map(row));
        setAttribute(element, 'hidden', edits.length === 0);
        setText(message, '');
      } catch (error) {
        setText(message, problemOf(error));
      }
    },
  };
}

// The editor of one configuration file, for admins: validation as you type, what would change as lines and as
// effect, and Save only for a text that was checked as it stands. The daemon does the checking; nothing is parsed here.
/** @import { FindingView, RuleEdit, RuleFileView, RulesCheckResponse, RulesDraft } from '../messages.ts' */
/** @import { Context } from './context.js' */
import { ApiError, problemOf } from './api.js';
import { diffView } from './diff-view.js';
import { button, make, setAttribute, setOff, setText } from './dom.js';

const typingMs = 300;

/**
 * The editor.
 * @typedef {ReturnType<typeof createEditor>} Editor
 */

/**
 * Makes it; `onSaved` is told after a save, `onReload` when the person wants the file as it is on disk.
 * @param {Context} context
 * @param {{ readonly onSaved: () => void, readonly onReload: () => void }} hooks
 */
export function createEditor(context, hooks) {
  /** @type {RuleFileView | undefined} */
  let file;
  /** @type {RulesCheckResponse | undefined} of the text as it stands; undefined while it is not checked */
  let checked;
  let turn = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const parts = makeParts({
    onSave: () => void save(),
    onRevert: () => revert(),
    onReload: hooks.onReload,
  });
  parts.area.addEventListener('input', () => {
    showNumbers();
    checkSoon();
  });
  parts.area.addEventListener('scroll', () => (parts.gutter.scrollTop = parts.area.scrollTop));

  function isDirty() {
    return file !== undefined && parts.area.value !== (file.text ?? '').replaceAll('\r\n', '\n');
  }

  /** A text area turns every line end into a line feed; the file's own way is put back here. */
  function textNow() {
    const { value } = parts.area;
    return file?.text?.includes('\r\n') === true ? value.replaceAll('\n', '\r\n') : value;
  }

  function showNumbers() {
    const lines = parts.area.value.split('\n').length;
    setText(parts.gutter, Array.from({ length: lines }, (_, at) => at + 1).join('\n'));
    parts.gutter.scrollTop = parts.area.scrollTop;
  }

  function checkSoon() {
    checked = undefined;
    turn += 1;
    showState();
    clearTimeout(timer);
    timer = setTimeout(() => void check(undefined), typingMs);
  }

  /** @param {readonly RuleEdit[] | undefined} edits instead of the text */
  async function check(edits) {
    if (file === undefined) return;
    turn += 1;
    const mine = turn;
    /** @type {RulesDraft} */
    const draft = {
      file: file.file,
      etag: file.etag,
      ...(edits === undefined ? { text: textNow() } : { edits }),
    };
    try {
      const result = await context.api.check(draft);
      if (mine !== turn) return;
      if (edits !== undefined) parts.area.value = result.text;
      checked = result;
      setText(parts.message, '');
    } catch (error) {
      if (mine === turn) showProblem(error);
    }
    showNumbers();
    showState();
  }

  /** @param {unknown} error */
  function showProblem(error) {
    const isChanged = error instanceof ApiError && error.code === 'changed';
    setText(
      parts.message,
      isChanged
        ? 'The file has changed on disk. Load it again; copy what you need from here first.'
        : problemOf(error),
    );
    setAttribute(parts.reload, 'hidden', !isChanged);
  }

  function showState() {
    const dirty = isDirty();
    const errors = checked?.findings.filter(({ severity }) => severity === 'error').length ?? 0;
    setOff(parts.save, !dirty || checked === undefined || errors > 0);
    setOff(parts.revert, !dirty);
    const words = !dirty
      ? 'as saved'
      : checked === undefined
        ? 'checking'
        : errors > 0
          ? 'has mistakes'
          : 'can be saved';
    setText(parts.state, words);
    showFindings(checked?.findings ?? file?.findings ?? []);
    const effect = dirty ? (checked?.effect ?? []) : [];
    setText(parts.effect, effect.join('\n'));
    setAttribute(parts.effectBox, 'hidden', effect.length === 0);
    setAttribute(parts.widens, 'hidden', !dirty || checked?.widens !== true);
    const diff = dirty ? (checked?.diff ?? []) : [];
    parts.diffBox.replaceChildren(
      ...(diff.length === 0
        ? []
        : [make('h4', {}, 'What saving changes'), diffView(diff, 'What saving changes')]),
    );
  }

  /** @param {readonly FindingView[]} findings */
  function showFindings(findings) {
    const rows = findings.map((finding) => {
      const place = `${finding.line}:${finding.column}`;
      const isHere = finding.file === file?.file;
      const where = isHere
        ? button(place, () => jump(finding.line, finding.column), {
            class: 'plain',
            'aria-label': `${place}, go there`,
          })
        : make('span', {}, `${finding.file}:${place}`);
      return make(
        'li',
        {},
        make('span', { class: 'outcome', 'data-outcome': finding.severity }, finding.severity),
        ' ',
        where,
        ' ',
        finding.message,
      );
    });
    parts.findings.replaceChildren(...rows);
    setAttribute(parts.findings, 'hidden', rows.length === 0);
  }

  /**
   * @param {number} line
   * @param {number} column
   */
  function jump(line, column) {
    const lines = parts.area.value.split('\n');
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const at = before + Math.min(column - 1, lines[line - 1]?.length ?? 0);
    parts.area.focus();
    parts.area.setSelectionRange(at, at);
    const height = parts.area.scrollHeight / Math.max(1, lines.length);
    parts.area.scrollTop = Math.max(0, (line - 4) * height);
  }

  function revert() {
    if (file !== undefined) load(file);
  }

  async function save() {
    if (file === undefined || checked === undefined) return;
    setOff(parts.save, true);
    parts.area.readOnly = true; // the text that comes back takes the place of what is typed meanwhile
    try {
      const saved = await context.api.save({ file: file.file, etag: file.etag, text: textNow() });
      load(saved.file);
      const [first = 'the policy is in force'] = saved.reload.messages;
      context.say(saved.reload.loaded ? `Saved; ${first}` : `Saved, but not in force: ${first}`);
      hooks.onSaved();
    } catch (error) {
      showProblem(error);
      showState();
    } finally {
      parts.area.readOnly = false;
    }
  }

  /** @param {RuleFileView} next */
  function load(next) {
    file = next;
    checked = undefined;
    turn += 1;
    parts.area.value = next.text ?? '';
    setText(parts.message, '');
    setAttribute(parts.reload, 'hidden', true);
    setAttribute(parts.area, 'aria-label', `Text of ${next.file}`);
    showNumbers();
    showState();
  }

  return {
    element: parts.element,
    load,
    isDirty,
    /** @param {readonly RuleEdit[]} edits puts them in, for the person to look at */
    prepare: (edits) => check(edits),
    /** @param {string} text puts this in, for the person to look at */
    prepareText(text) {
      parts.area.value = text;
      showNumbers();
      return check(undefined);
    },
    tell: (/** @type {string} */ text) => setText(parts.message, text),
    text: () => parts.area.value,
  };
}

/** @param {Record<'onSave' | 'onRevert' | 'onReload', () => void>} on */
function makeParts(on) {
  const area = make('textarea', {
    spellcheck: 'false',
    wrap: 'off',
    autocomplete: 'off',
    rows: 20,
  });
  const gutter = make('pre', { class: 'gutter', 'aria-hidden': 'true' });
  const save = button('Save', on.onSave, { class: 'allow' });
  const revert = button('Drop my changes', on.onRevert);
  const reload = button('Load it again', on.onReload, { hidden: true });
  const state = make('span', { class: 'meta', role: 'status' });
  const message = make('p', { class: 'message', role: 'alert' });
  const findings = make('ul', { class: 'findings', hidden: true });
  const widens = make('p', { class: 'warning', hidden: true }, 'This lets more through than now.');
  const effect = make('pre', {
    class: 'effect',
    tabindex: 0,
    'aria-label': 'What the policy would do differently',
  });
  const effectBox = make(
    'div',
    { hidden: true },
    make('h4', {}, 'What the policy would do differently'),
    effect,
  );
  const diffBox = make('div', {});
  const element = make(
    'div',
    { class: 'editor' },
    make('div', { class: 'text' }, gutter, area),
    message,
    reload,
    findings,
    effectBox,
    widens,
    diffBox,
    make('div', { class: 'row' }, save, revert, state),
  );
  return {
    element,
    area,
    gutter,
    save,
    revert,
    reload,
    state,
    message,
    findings,
    widens,
    effect,
    effectBox,
    diffBox,
  };
}

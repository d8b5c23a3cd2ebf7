// The Rules view: every rule in force with where it is written; for admins the files themselves and their history.
/** @import { RuleFileView, RulesResponse, RuleView } from '../messages.ts' */
/** @import { Context, View } from './context.js' */
import { problemOf } from './api.js';
import { make, setAttribute, setText } from './dom.js';
import { createEditHistory } from './rules-history.js';
import { createEditor } from './rules-editor.js';
import { prepareChoice } from './start-choices.js';

const rowsShown = 500;

/**
 * Makes the view in its panel.
 * @param {Context} context
 * @param {HTMLElement} panel
 * @returns {View}
 */
export function createRules(context, panel) {
  /** @type {RulesResponse | undefined} */
  let rules;
  let version = '';
  let isOpen = false;
  const message = make('p', { class: 'message', role: 'alert' });
  const files = make('select', { 'aria-label': 'Configuration file' });
  const edits = createEditHistory(context, () => void load(true));
  const editor = createEditor(context, {
    onSaved: () => void load(false),
    onReload: () => void load(true),
  });
  const admin = make(
    'div',
    { hidden: true },
    make('h3', {}, 'Edit'),
    make('div', { class: 'row' }, files),
    editor.element,
    edits.element,
  );
  const list = createRuleList();
  panel.append(make('h2', {}, 'Rules'), message, admin, make('h3', {}, 'In force'), list.element);
  files.addEventListener('change', () => void choose());

  /** @param {boolean} replace also a text that was edited here */
  async function load(replace) {
    try {
      rules = await context.api.rules();
      version = context.live()?.gate.policyVersion ?? '';
      setText(message, '');
    } catch (error) {
      setText(message, problemOf(error));
      return;
    }
    list.show(rules);
    const editable = rules.files.filter((file) => file.editable);
    setAttribute(admin, 'hidden', editable.length === 0);
    showFiles(files, editable);
    const file = current();
    if (file === undefined) return;
    if (replace || !editor.isDirty()) editor.load(file);
    await edits.load();
  }

  function current() {
    return rules?.files.find(({ file }) => file === files.value);
  }

  async function choose() {
    const file = current();
    if (file === undefined) return;
    const lines = ['What was typed in the other file is lost.'];
    const isSure =
      !editor.isDirty() ||
      (await context.confirm({ title: 'Leave without saving?', lines, yes: 'Leave it' }));
    if (isSure) editor.load(file);
  }

  /**
   * Puts in what another view has prepared: `add/allow/x.example` or `start/ask`.
   * @param {readonly string[]} rest
   */
  async function prepare([verb, what, host]) {
    const user = rules?.files.find((file) => file.editable && file.layer === 'user') ?? current();
    if (user === undefined) return setText(message, 'There is no file that may be edited here.');
    if (files.value !== user.file || !editor.isDirty()) {
      files.value = user.file;
      editor.load(user);
    }
    if (verb === 'add' && (what === 'allow' || what === 'deny') && host !== undefined) {
      await editor.prepare([{ kind: 'add', list: what, rule: readHost(host) }]);
    }
    if (verb === 'start' && what !== undefined) {
      const edited = prepareChoice(what, editor.text());
      if (edited.ok) await editor.prepareText(edited.text);
      else editor.tell(edited.problem);
    }
  }

  /** @param {readonly string[]} rest */
  async function open(rest) {
    isOpen = true;
    await load(false);
    if (rest.length > 0) await prepare(rest);
  }

  return {
    open: (rest) => void open(rest), // never rejects
    tick: () => undefined,
    key: () => undefined,
    update() {
      const now = context.live()?.gate.policyVersion ?? '';
      if (isOpen && now !== version && !panel.hidden) void load(false); // never rejects
    },
  };
}

/**
 * The host of an address, which may hold anything.
 * @param {string} text
 * @returns {string}
 */
function readHost(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {readonly RuleFileView[]} files
 */
function showFiles(select, files) {
  const before = select.value;
  const words = (/** @type {RuleFileView} */ { file, layer, etag }) =>
    `${file} (${layer}${etag === 'absent' ? ', not there yet' : ''})`;
  select.replaceChildren(...files.map((file) => make('option', { value: file.file }, words(file))));
  const wanted =
    files.find(({ file }) => file === before) ?? files.find(({ layer }) => layer === 'user');
  if (wanted !== undefined) select.value = wanted.file;
}

/** The rules in force, with a filter; long lists are cut and say so. */
function createRuleList() {
  /** @type {readonly RuleView[]} */
  let rules = [];
  let total = 0;
  const filter = make('input', { type: 'search', autocomplete: 'off', maxlength: 255 });
  const counted = make('p', { class: 'meta' });
  const rows = make('ul', { class: 'rows' });
  filter.addEventListener('input', () => show());

  function show() {
    const wanted = filter.value.trim().toLowerCase();
    const found = rules.filter(({ text, file }) =>
      `${text} ${file}`.toLowerCase().includes(wanted),
    );
    const cut = found.length > rowsShown ? `, the first ${rowsShown} shown` : '';
    const listed = total > rules.length ? `, ${rules.length} of them listed here` : '';
    setText(counted, `${found.length} of ${total}${listed}${cut}`);
    rows.replaceChildren(...found.slice(0, rowsShown).map(ruleRow));
    setAttribute(rows, 'hidden', found.length === 0);
  }

  return {
    element: make(
      'div',
      {},
      make('div', { class: 'filters' }, make('label', {}, 'Filter', filter)),
      counted,
      rows,
    ),
    /** @param {RulesResponse} next */
    show(next) {
      rules = next.rules;
      total = next.total;
      show();
    },
  };
}

/** @param {RuleView} rule */
function ruleRow({ text, outcome, layer, file, line }) {
  return make(
    'li',
    {},
    make('span', { class: 'outcome', 'data-outcome': outcome }, outcome),
    make(
      'div',
      { class: 'grow' },
      make('p', { class: 'host' }, text),
      make('p', { class: 'meta' }, `${layer} · ${file}:${line}`),
    ),
  );
}

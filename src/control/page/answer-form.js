// The part of a card that answers: Deny first, then Allow, four selects, and in plain sentences what each would do.
/** @import { GroupView, PreviewResponse } from '../messages.ts' */
/** @import { Context } from './context.js' */
/** @import { SelectName } from './selects.js' */
import { answerOf, optionsOf } from './choices.js';
import { button, make, setAttribute, setOff, setText } from './dom.js';
import { createQuietTime } from './quiet-time.js';
import { createSelects } from './selects.js';

const previewDelayMs = 120;

/**
 * What the form asks its card to do.
 * @typedef {object} FormHooks
 * @property {(outcome: 'allow' | 'deny', tell?: string) => Promise<void>} onAnswer never rejects
 * @property {() => Promise<void>} onHold never rejects
 */

/**
 * The form of one question.
 * @typedef {ReturnType<typeof createAnswerForm>} AnswerForm
 */

/**
 * Makes the form.
 * @param {Context} context
 * @param {GroupView} first
 * @param {FormHooks} hooks
 */
export function createAnswerForm(context, first, hooks) {
  let group = first;
  let isBusy = false;
  let isSeen = false;
  /** @type {'allow' | 'deny' | undefined} */
  let armed;
  /** @type {Partial<Record<'allow' | 'deny', PreviewResponse>>} */
  let previews = {};
  const parts = makeParts(group.id, {
    onDeny: () => hooks.onAnswer('deny'),
    onAllow: () => hooks.onAnswer('allow'),
    onTell: () => hooks.onAnswer('deny', parts.tell.value),
    onHold: () => hooks.onHold(),
  });
  const quiet = createQuietTime(() => showOff());
  const preview = createPreviewer(context, (outcome, answer) => {
    previews = { ...previews, [outcome]: answer };
    showPreviews(parts, previews, group.warnings);
    showOff();
  });
  const selects = createSelects(['time', 'host', 'port', 'program'], optionsOf(group), () => ask());
  parts.row.append(...selects.elements);
  parts.note.addEventListener('input', () => ask());

  function choice() {
    return { ...selects.choice(), note: parts.note.value };
  }
  /** A wildcard reaches further than the names that were seen; these at least it covers. */
  function showCovers() {
    const offer = group.wildcards.find(({ host }) => host === selects.choice().host);
    const covers = offer === undefined ? '' : `Seen so far: ${offer.covers.join(', ')}`;
    setText(parts.covers, covers);
  }
  function ask() {
    showCovers();
    if (isSeen) preview.ask(group, choice());
  }
  function showOff() {
    const isOff = quiet.isOn() || isBusy;
    setOff(parts.deny, isOff || isProblem(previews.deny));
    setOff(parts.tellButton, isOff || isProblem(previews.deny));
    setOff(parts.allow, isOff || isProblem(previews.allow));
    setOff(parts.hold, isOff);
  }

  return {
    element: parts.element,
    choice,
    preview: (/** @type {'allow' | 'deny'} */ outcome) => previews[outcome],
    cycle: (/** @type {SelectName} */ name) => selects.cycle(name),
    isReady: () => !quiet.isOn() && !isBusy,
    armed: () => armed,
    /** @param {'allow' | 'deny' | undefined} outcome waits for Enter; undefined: no longer */
    arm(outcome) {
      if (outcome !== undefined && (quiet.isOn() || isBusy || isProblem(previews[outcome]))) return;
      armed = outcome;
      setAttribute(parts.deny, 'data-armed', outcome === 'deny');
      setAttribute(parts.allow, 'data-armed', outcome === 'allow');
      const verb = outcome === 'allow' ? 'Allow' : 'Deny';
      const text = outcome === undefined ? '' : `${verb}: Enter confirms, Esc goes back.`;
      setText(parts.armed, text);
    },
    /** The first time the card comes into sight; what nobody sees is not asked for. */
    see() {
      isSeen = true;
      ask();
    },
    /** @param {boolean} on an answer is on its way */
    setBusy(on) {
      isBusy = on;
      showOff();
    },
    rest: () => quiet.start(),
    stop: () => quiet.stop(),
    /** @param {GroupView} next */
    update(next) {
      const isOther = next.revision !== group.revision || next.waiting !== group.waiting;
      group = next;
      selects.update(optionsOf(next));
      setAttribute(parts.hold, 'hidden', next.waiting === 0);
      if (isOther) ask();
    },
  };
}

/**
 * @param {PreviewResponse | undefined} preview
 * @returns {boolean}
 */
function isProblem(preview) {
  return preview !== undefined && preview.problem !== null;
}

/**
 * Asks what an answer would do, a little after the last change, and drops what comes back too late.
 * @param {Context} context
 * @param {(outcome: 'allow' | 'deny', preview: PreviewResponse) => void} onPreview
 */
function createPreviewer(context, onPreview) {
  let turn = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const askOne = async (
    /** @type {'allow' | 'deny'} */ outcome,
    /** @type {GroupView} */ group,
    /** @type {import('./choices.js').Choice} */ choice,
    /** @type {number} */ mine,
  ) => {
    try {
      const answer = answerOf(outcome, choice, group.revision);
      const preview = await context.api.preview(group.id, answer);
      if (mine === turn) onPreview(outcome, preview);
    } catch {
      // The answer itself will say what is wrong; without the sentence the card is still true.
    }
  };
  return {
    /** @type {(group: GroupView, choice: import('./choices.js').Choice) => void} */
    ask(group, choice) {
      turn += 1;
      const mine = turn;
      clearTimeout(timer);
      timer = setTimeout(() => {
        void askOne('deny', group, choice, mine); // never rejects
        void askOne('allow', group, choice, mine); // never rejects
      }, previewDelayMs);
    },
  };
}

/**
 * @param {string} id
 * @param {Record<'onDeny' | 'onAllow' | 'onTell' | 'onHold', () => Promise<void>>} on
 */
function makeParts(id, on) {
  const names = { deny: `deny-${id}`, allow: `allow-${id}` };
  const deny = button('Deny', on.onDeny, { class: 'deny', 'aria-describedby': names.deny });
  const allow = button('Allow', on.onAllow, { class: 'allow', 'aria-describedby': names.allow });
  const hold = button('Hold 5 min longer', on.onHold, { class: 'plain' });
  const note = make('input', { type: 'text', maxlength: 200, autocomplete: 'off' });
  const tell = make('input', { type: 'text', maxlength: 200, autocomplete: 'off' });
  const tellButton = button('Deny and tell the program', on.onTell, { class: 'deny' });
  const row = make('div', { class: 'row' }, deny, allow);
  const denySentence = make('p', { class: 'sentence', id: names.deny });
  const allowSentence = make('p', { class: 'sentence', id: names.allow });
  const cautions = make('ul', { class: 'cautions', hidden: true });
  const covers = make('p', { class: 'meta covers' });
  const problem = make('p', { class: 'problem' });
  const armed = make('p', { class: 'armed' });
  const more = make(
    'details',
    { class: 'more' },
    make('summary', {}, 'More'),
    make('label', {}, 'Note for the record', note),
    make('label', {}, 'Reason for the program', tell),
    make('div', { class: 'row' }, tellButton, hold),
  );
  const element = make(
    'div',
    { class: 'answer' },
    row,
    armed,
    denySentence,
    allowSentence,
    covers,
    problem,
    cautions,
    more,
  );
  return {
    element,
    row,
    deny,
    allow,
    hold,
    note,
    tell,
    tellButton,
    denySentence,
    allowSentence,
    cautions,
    covers,
    problem,
    armed,
  };
}

/**
 * @param {ReturnType<typeof makeParts>} parts
 * @param {Partial<Record<'allow' | 'deny', PreviewResponse>>} previews
 * @param {readonly string[]} warnings
 */
function showPreviews(parts, { allow, deny }, warnings) {
  setText(parts.denySentence, deny?.sentence ?? '');
  setText(parts.allowSentence, allow?.sentence ?? '');
  setText(parts.problem, allow?.problem ?? deny?.problem ?? '');
  // The warnings stand above already.
  const cautions = (allow?.cautions ?? []).filter((text) => !warnings.includes(text));
  setAttribute(parts.cautions, 'hidden', cautions.length === 0);
  if (
    JSON.stringify([...parts.cautions.children].map((li) => li.textContent)) ===
    JSON.stringify(cautions)
  )
    return;
  parts.cautions.replaceChildren(...cautions.map((text) => make('li', {}, text)));
}

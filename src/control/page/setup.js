// The Setup view: how to begin, how programs are pointed here, and what desktop alerts can do.
/** @import { StatusResponse } from '../messages.ts' */
/** @import { Context, View } from './context.js' */
import { problemOf } from './api.js';
import { make, setAttribute, setText } from './dom.js';
import { startChoices } from './start-choices.js';
import { count } from './words.js';

/**
 * Makes the view in its panel; `areAlertsOn` says whether this page shows desktop alerts.
 * @param {Context} context
 * @param {HTMLElement} panel
 * @param {() => boolean} areAlertsOn
 * @returns {View}
 */
export function createSetup(context, panel, areAlertsOn) {
  const message = make('p', { class: 'message', role: 'alert' });
  const begin = make('div', { class: 'choices' });
  const beginTitle = make('h3', {}, 'What to do with unknown destinations');
  const now = make('p', {});
  const listeners = make('dl', { class: 'facts' });
  const alerts = make('dl', { class: 'facts' });
  panel.append(
    make('h2', {}, 'Setup'),
    message,
    beginTitle,
    now,
    begin,
    make('h3', {}, 'Point programs here'),
    make('p', {}, 'Start a program behind the gate, or give a whole shell its settings:'),
    make(
      'pre',
      { class: 'rule', tabindex: 0, 'aria-label': 'Commands' },
      'sallyport exec -- codex\neval "$(sallyport env)"',
    ),
    listeners,
    make('h3', {}, 'Where questions come up'),
    alerts,
  );

  async function load() {
    try {
      show(await context.api.status());
      setText(message, '');
    } catch (error) {
      setText(message, problemOf(error));
    }
  }

  /** @param {StatusResponse} status */
  function show(status) {
    const isAdmin = context.live()?.role === 'admin';
    setAttribute(begin, 'hidden', !isAdmin);
    const ways = {
      ask: 'are asked about',
      deny: 'are denied',
      report: 'are let through and recorded',
    };
    setText(
      now,
      `Now unknown destinations ${ways[status.policy.unknown]}; in force: ${count(status.policy.rules.allow, 'allow rule')}, ${count(status.policy.rules.deny, 'deny rule')}.`,
    );
    begin.replaceChildren(...startChoices.map(choiceRow));
    const { http, socks, gateway } = status.listeners;
    showFacts(listeners, [
      ['HTTP proxy', http],
      ['SOCKS5', socks],
      ['base URL', gateway ?? 'off'],
      ['state folder', status.state],
    ]);
    showFacts(alerts, [
      ['this page', alertWords(areAlertsOn())],
      [
        'tray',
        (status.surfaces.tray ?? 0) > 0
          ? (status.tray ?? 'running')
          : 'not running: sallyport tray',
      ],
      ['terminal', (status.surfaces.watch ?? 0) > 0 ? 'running' : 'not running: sallyport watch'],
      [
        'reviewer',
        status.reviewer.problem ??
          (status.reviewer.kind === 'user' ? 'none, you are asked' : 'automatic'),
      ],
    ]);
  }

  return {
    open: () => void load(), // never rejects
    update: () => undefined,
    tick: () => undefined,
    key: () => undefined,
  };
}

/** @param {(typeof startChoices)[number]} choice */
function choiceRow({ id, title, about }) {
  return make(
    'div',
    {},
    make('p', {}, make('a', { href: `#rules/start/${id}` }, title)),
    make('p', { class: 'meta' }, `${about} Shows the change to your file before it is saved.`),
  );
}

/**
 * @param {HTMLElement} list
 * @param {readonly (readonly [string, string])[]} facts
 */
function showFacts(list, facts) {
  list.replaceChildren(
    ...facts.flatMap(([name, text]) => [make('dt', {}, name), make('dd', {}, text)]),
  );
}

/**
 * @param {boolean} areOn
 * @returns {string}
 */
function alertWords(areOn) {
  if (areOn) return 'desktop alerts on, while this page is open';
  if (!('Notification' in globalThis)) return 'this browser has no desktop alerts';
  const isBlocked = Notification.permission === 'denied';
  return isBlocked
    ? 'the browser blocks alerts for this page'
    : 'desktop alerts off; see the switch above';
}

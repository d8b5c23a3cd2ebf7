// The page's beginning: opens the session, follows the live stream, and shows the view that the address names.
/** @import { LiveView } from '../messages.ts' */
/** @import { Connection } from './header.js' */
/** @import { Context, View } from './context.js' */
import { createAlerts } from './alerts.js';
import { createApi } from './api.js';
import { createBanners } from './banners.js';
import { confirm } from './confirm.js';
import { byId, setAttribute, setText } from './dom.js';
import { createHeader } from './header.js';
import { createHistory } from './history.js';
import { applyEvent } from './mirror.js';
import { createRemembered } from './remembered.js';
import { createRules } from './rules.js';
import { forgetSession, openSession } from './session.js';
import { createSetup } from './setup.js';
import { follow } from './stream.js';
import { createWaiting } from './waiting.js';

const names = /** @type {const} */ (['waiting', 'remembered', 'history', 'rules', 'setup']);
const openAgain = 'Run "sallyport open" in a terminal again.';

/** @type {LiveView | undefined} */
let live;
/** @type {Connection} */
let connection = 'connecting';
let problem = '';
const stop = new AbortController();

/** @type {Context} */
const context = {
  api: createApi('', () => undefined),
  live: () => live,
  isReachable: () => connection === 'live',
  say: (text) => say(text),
  confirm,
  go(place) {
    location.hash = place;
  },
};
const alerts = createAlerts(context);
const header = createHeader(context, alerts.toggle);
const banners = createBanners(context);
/** @type {Record<(typeof names)[number], View> | undefined} */
let views;
/** @type {View | undefined} */
let open;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let saidTimer;
/** @param {string} text */
function say(text) {
  const line = byId('said');
  setText(line, text);
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => setText(line, ''), 8000);
}

function update() {
  banners.update(connection, problem);
  header.update(connection);
  setAttribute(document.body, 'data-connection', connection);
  // Cards keep their places also while another view is shown; the others catch up when they are opened.
  views?.waiting.update();
  if (open !== views?.waiting) open?.update();
  alerts.update();
}

/** @param {string} why */
function end(why) {
  stop.abort();
  connection = 'over';
  problem = why;
  update();
}

function sessionEnded() {
  forgetSession();
  end(`The daemon does not know this session any more. ${openAgain}`);
}

/** The views are made once the role is known, which never changes in a session. */
function makeViews() {
  return {
    waiting: createWaiting(context, byId('panel-waiting')),
    remembered: createRemembered(context, byId('panel-remembered')),
    history: createHistory(context, byId('panel-history')),
    rules: createRules(context, byId('panel-rules')),
    setup: createSetup(context, byId('panel-setup'), () => alerts.isOn()),
  };
}

function route() {
  const [first = '', ...rest] = location.hash.slice(1).split('/');
  const name = names.find((one) => one === first) ?? 'waiting';
  for (const one of names) {
    setAttribute(byId(`panel-${one}`), 'hidden', one !== name);
    setAttribute(byId(`tab-${one}`), 'aria-selected', one === name ? 'true' : 'false');
    setAttribute(byId(`tab-${one}`), 'tabindex', one === name ? 0 : -1);
  }
  open = views?.[name];
  open?.open(rest);
}

/** @param {KeyboardEvent} event */
function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const at = names.findIndex((name) => byId(`tab-${name}`) === document.activeElement);
  if (step === undefined || at < 0) return;
  const next = names[(at + step + names.length) % names.length] ?? 'waiting';
  event.preventDefault();
  byId(`tab-${next}`).focus();
  location.hash = next;
}

/**
 * Keys are for the view unless a control takes text or choices, or the browser means something by them.
 * @param {KeyboardEvent} event
 */
function pressKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const { target } = event;
  const takesText =
    target instanceof Element && target.matches('input:not([type=checkbox]), textarea, select');
  const isModal = document.querySelector('dialog[open]') !== null;
  if (isModal || (takesText && event.key !== 'Escape')) return;
  open?.key(event);
}

/** @param {string} secret */
function start(secret) {
  context.api = createApi(secret, sessionEnded);
  void follow({
    secret,
    signal: stop.signal,
    onEnded: sessionEnded,
    onUnreachable() {
      connection = 'unreachable';
      update();
    },
    onEvent(event) {
      const role = live?.role;
      live = applyEvent(live, event);
      connection = 'live';
      if (views === undefined || (role !== undefined && role !== live?.role)) begin();
      update();
    },
  }); // never rejects
}

function begin() {
  if (views !== undefined) return location.reload();
  views = makeViews();
  update();
  route();
  alerts.resume();
}

async function main() {
  byId('tabs').addEventListener('keydown', moveTab);
  document.addEventListener('keydown', pressKey);
  setInterval(() => {
    open?.tick();
  }, 1000);
  const opening = await openSession();
  route();
  // A link of `sallyport open` pasted into this tab is a new session, not a view.
  addEventListener('hashchange', () =>
    location.hash.startsWith('#code=') ? location.reload() : route(),
  );
  if (opening.kind === 'open') start(opening.secret);
  else if (opening.kind === 'refused') end(`${opening.message} ${openAgain}`);
  else if (opening.kind === 'none') end(`This tab has no session. ${openAgain}`);
  else {
    connection = 'unreachable';
    problem = `The daemon does not answer. ${openAgain}`;
  }
  update();
}

void main(); // what can fail in it has been turned into words

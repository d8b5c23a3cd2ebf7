// Desktop alerts through the service worker: at most one at a time, shown only while nobody looks at the page.
// The worker passes clicks back; the answer is given here, with this page's session.
/** @import { Alert } from './alert-model.js' */
/** @import { Context } from './context.js' */
import { alertOf } from './alert-model.js';
import { problemOf } from './api.js';
import { button, setAttribute, setText } from './dom.js';
import { deadMs } from './quiet-time.js';

const tag = 'sallyport';
const storageKey = 'sallyport-alerts';
/** @type {Readonly<Record<'deny' | 'allow', string>>} */
const labels = { deny: 'Deny', allow: 'Allow once' };

/**
 * The alerts of this page, with the switch that turns them on.
 * @param {Context} context
 */
export function createAlerts(context) {
  const page = crypto.randomUUID();
  /** @type {ServiceWorkerRegistration | undefined} */
  let registration;
  /** @type {Alert} */
  const none = { kind: 'none', key: '' };
  /** What the desktop shall show. @type {Alert} */
  let wanted = none;
  /** What it shows. @type {Alert} */
  let shown = none;
  let isSettling = false;
  let shownAt = 0;
  const toggle = button('Alerts off', switchOver);

  function showSwitch() {
    setAttribute(toggle, 'data-on', registration !== undefined);
    setText(toggle, registration === undefined ? 'Alerts off' : 'Alerts on');
  }

  async function switchOver() {
    if (registration !== undefined) return await turnOff();
    if (!('serviceWorker' in navigator) || !('Notification' in globalThis)) {
      return context.say('This browser has no alerts; use "sallyport tray" or "sallyport watch".');
    }
    if ((await Notification.requestPermission()) !== 'granted') {
      return context.say(
        'The browser does not permit alerts for this page; see its site settings.',
      );
    }
    await turnOn();
  }

  async function turnOn() {
    try {
      await navigator.serviceWorker.register(workerUrl(), { scope: '/' });
      registration = await navigator.serviceWorker.ready;
      sessionStorage.setItem(storageKey, 'on');
      update();
    } catch {
      context.say('The alerts could not be started in this browser.');
    }
    showSwitch();
  }

  async function turnOff() {
    sessionStorage.removeItem(storageKey);
    await close();
    registration = undefined;
    showSwitch();
  }

  async function close() {
    wanted = none;
    await settle();
  }

  function update() {
    const live = context.live();
    if (registration === undefined || live === undefined) return;
    const alert = context.isReachable() ? alertOf(live) : none; // else no answer would get through
    if (alert.key === wanted.key) return;
    // What is shown is taken back at once when it is out of date, but nothing new comes up before a watching eye.
    wanted = isWatched() ? none : alert;
    void settle(); // never rejects
  }

  /** One step after the other, so that none is left behind on the screen. Never rejects. */
  async function settle() {
    if (isSettling || registration === undefined) return;
    isSettling = true;
    while (wanted.key !== shown.key) {
      shown = wanted;
      try {
        if (shown.kind === 'none') await takeBack(registration);
        else await show(shown, registration);
      } catch {
        context.say('The browser no longer shows alerts.');
      }
      shownAt = performance.now();
    }
    isSettling = false;
  }

  /** @param {ServiceWorkerRegistration} where */
  async function takeBack(where) {
    for (const one of await where.getNotifications({ tag })) one.close();
  }

  /**
   * @param {Exclude<Alert, { kind: 'none' }>} alert
   * @param {ServiceWorkerRegistration} where
   */
  async function show(alert, where) {
    const verbs = alert.kind === 'question' ? alert.verbs : [];
    const open = verbs.length === 0 ? [{ action: 'open', title: 'Open' }] : [];
    const about = alert.kind === 'question' ? { id: alert.id, revision: alert.revision } : {};
    const options = {
      body: alert.body,
      tag,
      requireInteraction: true,
      renotify: true,
      actions: [...verbs.map((action) => ({ action, title: labels[action] })), ...open],
      data: { page, ...about },
    };
    await where.showNotification(alert.title, options);
  }

  /** @param {MessageEvent} event */
  async function take(event) {
    const { kind, verb, page: from, id, revision } = event.data ?? {};
    if (kind !== 'alert' || from !== page) return;
    if (verb !== 'deny' && verb !== 'allow') return context.go('waiting');
    const isShown = shown.kind === 'question' && shown.id === id && shown.revision === revision;
    const isOffered = isShown && shown.kind === 'question' && shown.verbs.includes(verb);
    if (!isOffered || performance.now() - shownAt < deadMs) return;
    try {
      await context.api.answer(id, { outcome: verb, for: 'once', revision });
      context.say(verb === 'deny' ? 'denied once' : 'allowed once');
    } catch (error) {
      context.say(problemOf(error));
    }
  }

  if ('serviceWorker' in navigator) {
    navigator.serviceWorker.addEventListener('message', (event) => void take(event)); // never rejects
  }
  for (const [target, name] of /** @type {const} */ ([
    [globalThis, 'blur'],
    [document, 'visibilitychange'],
  ])) {
    target.addEventListener(name, () => update());
  }
  // An alert whose page is gone could not answer any more.
  globalThis.addEventListener('pagehide', () => void close());

  return {
    toggle,
    update,
    isOn: () => registration !== undefined,
    /** Turns them on again after a reload of the page, when the browser still permits it. */
    resume() {
      const isPermitted = 'Notification' in globalThis && Notification.permission === 'granted';
      if (sessionStorage.getItem(storageKey) === 'on' && isPermitted) void turnOn(); // never rejects
    },
  };
}

/** @returns {boolean} */
function isWatched() {
  return document.visibilityState === 'visible' && document.hasFocus();
}

/** The one script that may pass the page's Trusted Types rule; the browser lets the policy be made once. */
const workerPolicy = /** @type {{ trustedTypes?: any }} */ (globalThis).trustedTypes?.createPolicy(
  'sallyport',
  { createScriptURL: () => '/worker.js' },
);

/** @returns {string} */
function workerUrl() {
  return workerPolicy?.createScriptURL('') ?? '/worker.js';
}

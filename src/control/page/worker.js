// The service worker: shows nothing by itself, caches nothing and knows no secret. It passes a click on an alert
// to the page that showed it, which answers.

/**
 * What this worker uses of its global scope; the library of types for pages does not have it.
 * @typedef {object} WorkerScope
 * @property {(type: string, listener: (event: any) => void) => void} addEventListener
 * @property {() => Promise<void>} skipWaiting
 * @property {{ claim: () => Promise<void>, matchAll: (options: object) => Promise<readonly Page[]>,
 *   openWindow: (url: string) => Promise<unknown> }} clients
 */

/**
 * @typedef {{ focus: () => Promise<unknown>, postMessage: (message: unknown, options: object) => void }} Page
 */

const scope = /** @type {WorkerScope} */ (/** @type {unknown} */ (globalThis));

scope.addEventListener('install', () => void scope.skipWaiting());
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(pass(event.action, event.notification.data));
});

/**
 * Tells every open page; the one whose alert it was takes it. A click beside the buttons shows the page.
 * @param {string} action
 * @param {{ readonly page: string, readonly id: string, readonly revision: number }} data
 */
async function pass(action, data) {
  const pages = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const verb = action === 'deny' || action === 'allow' ? action : 'open';
  const [first] = pages;
  if (first === undefined) await scope.clients.openWindow('/#waiting');
  else if (verb === 'open') await first.focus();
  for (const page of pages) page.postMessage({ kind: 'alert', verb, ...data }, {});
}

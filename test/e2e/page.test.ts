// The page on the real daemon, in a real Chromium: held requests of curl behind `sallyport exec` are answered by
// mouse and keyboard; grants, undo and rules do what the page says; other pages are kept out.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { createControlClient, type ControlClient } from '../../src/control/client.ts';
import { openPage, startBrowser, type WatchedPage } from '../support/browser.ts';
import {
  eventually,
  launcher,
  removeFolder,
  run,
  startSallyport,
  type Finished,
  type RunningDaemon,
} from '../support/daemon.ts';
import { startHttpOrigin, type Origin } from '../support/origin.ts';

const names = [
  'mouse.test',
  'denied.test',
  'key.test',
  'told.test',
  'faster.test',
  'hour.test',
  'tunnel.test',
  'ruled.test',
  'alert.test',
  'elsewhere.test',
];

describe('the page on the daemon', { timeout: 300_000 }, () => {
  let browser: Browser;
  let origin: Origin;
  let daemon: RunningDaemon;
  let client: ControlClient;
  let watched: WatchedPage;
  /** What the slow answers go out on. */
  const slow = new Set<ServerResponse>();

  before(async () => {
    origin = await startHttpOrigin((request, response) => {
      if (request.url === '/slow') {
        slow.add(response);
        response.write('begun\n');
      } else response.end('origin\n');
    });
    daemon = await startSallyport({ hosts: hostsOf(names), config: configFor(origin.port) });
    client = createControlClient({ state: daemon.state }, { surface: 'cli' });
    browser = await startBrowser();
  });
  after(async () => {
    await browser.close();
    await daemon.stop();
    await origin.close();
    removeFolder(daemon.folder);
  });
  beforeEach(async () => {
    watched = await openPage(browser);
    await enter(watched.page);
  });
  afterEach(async () => {
    await watched.context.close();
    assert.deepEqual(watched.complaints, []);
  });

  /** Opens the page as `sallyport open` does. */
  async function enter(page: Page): Promise<void> {
    const { url } = await client.pageCode();
    await page.goto(String(url));
    await page.locator('#state:not(:text("connecting"))').waitFor();
  }

  /** curl behind the gate; `-p` makes it a tunnel. */
  const curl = (host: string, ...more: readonly string[]): Promise<Finished> =>
    run(
      launcher,
      ['exec', '--', 'curl', '-sS', '-m', '100', ...more, `http://${host}:${origin.port}/`],
      { env: daemon.env, timeoutMs: 120_000 },
    );
  const card = (host: string): Locator =>
    watched.page.locator('.card').filter({ has: watched.page.locator('h3', { hasText: host }) });
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await watched.page.keyboard.press(key);
  };
  /** A button of a card once it may be pressed. */
  const ready = (host: string, name: string): Locator =>
    card(host)
      .getByRole('button', { name, exact: true })
      .and(watched.page.locator(':not([aria-disabled])'));

  it('shows a held request without a reload, and lets it go by a click', async () => {
    const asked = curl('mouse.test');
    await card('mouse.test').getByText('curl -sS').waitFor();
    await card('mouse.test').getByText(process.cwd()).first().waitFor();
    await card('mouse.test')
      .getByText(/^Allow .*mouse\.test/)
      .waitFor();
    assert.match(await watched.page.title(), /^\(\d+\) sallyport$/);
    await ready('mouse.test', 'Allow').click();
    const { status, stdout } = await asked;
    assert.deepEqual([status, stdout], [0, 'origin\n']);
    await card('mouse.test').getByText('allowed once · 1 connection').waitFor();
  });

  it('denies by a click, and tells the program why', async () => {
    const asked = curl('denied.test');
    await ready('denied.test', 'Deny').click();
    assert.match((await asked).stdout, /denied\.test/);
    const told = curl('told.test');
    await card('told.test').getByText('More').click();
    await card('told.test').getByLabel('Reason for the program').fill('use the mirror');
    await ready('told.test', 'Deny and tell the program').click();
    assert.match((await told).stdout, /The approver says: use the mirror/);
  });

  it('allows and denies by keyboard', async () => {
    const asked = curl('key.test');
    await ready('key.test', 'Allow').waitFor();
    await card('key.test').focus();
    await press('a', 'Enter');
    assert.equal((await asked).stdout, 'origin\n');
    const again = curl('key.test');
    const second = watched.page.locator('.card:not(.over)', { hasText: 'key.test' });
    await second.locator('.deny:not([aria-disabled])').first().waitFor();
    await second.focus();
    await press('d', 'Enter');
    assert.match((await again).stdout, /denied|refused/i);
    const { answers } = await client.history();
    assert.deepEqual(
      answers
        .filter(({ host }) => host === 'key.test')
        .map(({ outcome, surface }) => [outcome, surface]),
      [
        ['deny', 'page'],
        ['allow', 'page'],
      ],
    );
  });

  it('tells who was faster', async () => {
    const asked = curl('faster.test');
    await ready('faster.test', 'Allow').waitFor();
    const { id } = await daemon.question('faster.test');
    assert.equal((await daemon.sallyport(['deny', id])).status, 0);
    await card('faster.test')
      .getByText(/denied once by .* \(cli\)/)
      .waitFor();
    assert.match((await asked).stdout, /denied|refused/i);
  });

  it('remembers for an hour until it is revoked', async () => {
    const asked = curl('hour.test');
    await card('hour.test').getByLabel('How long').selectOption('1h');
    await card('hour.test').getByLabel('Which program').selectOption('any');
    await ready('hour.test', 'Allow').click();
    assert.equal((await asked).stdout, 'origin\n');
    assert.equal((await curl('hour.test')).stdout, 'origin\n');
    await watched.page.getByRole('tab', { name: 'Remembered' }).click();
    const row = watched.page.locator('#panel-remembered .rows > li', { hasText: 'hour.test' });
    await row.getByText(/used [12] times?, last/).waitFor();
    await row.getByRole('button', { name: 'Revoke hour.test' }).click();
    await row.waitFor({ state: 'detached' });
    assert.deepEqual(
      (await client.grants()).grants.filter(({ host }) => host === 'hour.test'),
      [],
    );
    const again = curl('hour.test');
    await watched.page.getByRole('tab', { name: 'Waiting' }).click();
    await watched.page
      .locator('.card:not(.over)', { hasText: 'hour.test' })
      .locator('.deny:not([aria-disabled])')
      .first()
      .click();
    assert.notEqual((await again).stdout, 'origin\n');
  });

  it('undoes an allow, and closes the tunnel that it opened', async () => {
    const asked = run(
      launcher,
      ['exec', '--', 'curl', '-sSNp', '-m', '100', `http://tunnel.test:${origin.port}/slow`],
      { env: daemon.env, timeoutMs: 120_000 },
    );
    await ready('tunnel.test', 'Allow').click();
    await eventually('the tunnel stands', () => (slow.size > 0 ? true : undefined));
    await card('tunnel.test').getByRole('button', { name: 'Undo' }).click();
    await card('tunnel.test').getByText('undone · 1 connection closed').waitFor();
    const { status, stdout } = await asked;
    assert.equal(stdout, 'begun\n');
    assert.notEqual(status, 0);
  });

  it('saves an edited rule with the comments of the file as they were, and undoes it', async () => {
    const { page } = watched;
    const before_ = readFileSync(daemon.configFile, 'utf8');
    await page.getByRole('tab', { name: 'Rules' }).click();
    const area = page.locator('textarea');
    await eventually(
      'the file is loaded',
      async () => (await area.inputValue()) === before_ || undefined,
    );
    const edited = before_.replace(
      '"kept.test", # why',
      `"kept.test", # why\n  "ruled.test:${origin.port}", # new`,
    );
    await area.fill(edited);
    await page
      .getByLabel('What saving changes')
      .getByText(`"ruled.test:${origin.port}", # new`)
      .waitFor();
    await page
      .getByRole('button', { name: 'Save' })
      .and(page.locator(':not([aria-disabled])'))
      .click();
    await page.getByText(/^Saved; /).waitFor();
    assert.equal(readFileSync(daemon.configFile, 'utf8'), edited);
    assert.equal((await curl('ruled.test')).stdout, 'origin\n');
    await page.getByText('Earlier edits').click();
    await page
      .getByRole('button', { name: /^Undo the edit/ })
      .first()
      .click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: 'Undo the edit' })
      .and(page.locator(':not([aria-disabled])'))
      .click();
    await page.getByText('The edit is undone').waitFor();
    assert.equal(readFileSync(daemon.configFile, 'utf8'), before_);
  });

  it('says where a rule has a mistake, and does not save it', async () => {
    const { page } = watched;
    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.locator('textarea').fill('[network]\nallowed_domains = ["*.com"]\n');
    await page
      .getByRole('button', { name: /^2:\d+, go there$/ })
      .first()
      .waitFor();
    assert.equal(
      await page.getByRole('button', { name: 'Save' }).getAttribute('aria-disabled'),
      'true',
    );
  });

  it('makes a rule out of the history: prepared, with its difference', async () => {
    const { page } = watched;
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('link', { name: 'Make a rule from denied.test' }).first().click();
    await page.getByLabel('What saving changes').getByText('denied.test').waitFor();
    assert.doesNotMatch(readFileSync(daemon.configFile, 'utf8'), /denied\.test/);
  });

  it('shows an alert whose Allow once lets a held request go', async () => {
    const options: BrowserContextOptions = { permissions: ['notifications'] };
    const other = await openPage(browser, options);
    const { page } = other;
    await enter(page);
    await page.evaluate('document.hasFocus = () => false');
    await page.getByRole('button', { name: 'Alerts off' }).click();
    await page.getByRole('button', { name: 'Alerts on' }).waitFor();
    const asked = curl('alert.test');
    const [worker] = page.context().serviceWorkers();
    const shown = await eventually('the alert is shown', async () => {
      const list = await worker?.evaluate<{ title: string; actions: string[] }[]>(
        `self.registration.getNotifications().then((all) => all.map(({ title, actions }) => ({ title, actions: actions.map((one) => one.title) })))`,
      );
      return list?.find(({ title }) => title.startsWith('alert.test'));
    });
    assert.deepEqual(shown.actions, ['Deny', 'Allow once']);
    // No hand can reach a headless browser's notification: the click is given to the worker as the browser would.
    // The page takes it after its half second only, so it is tried until then.
    const finished = Promise.race([asked, never(30_000)]);
    await page
      .locator('.card', { hasText: 'alert.test' })
      .locator('.deny:not([aria-disabled])')
      .first()
      .waitFor();
    await worker?.evaluate(`self.registration.getNotifications().then(([notification]) =>
      self.dispatchEvent(new NotificationEvent('notificationclick', { notification, action: 'allow' })))`);
    assert.equal((await finished).stdout, 'origin\n');
    assert.deepEqual(other.complaints, []);
    await other.context.close();
  });

  it('is kept from other pages, foreign names and who has no token', async (t) => {
    const { page } = watched;
    const own = new URL(page.url()).origin;
    const port = new URL(own).port;
    const answered = await page.evaluate(
      `Promise.all(['/v1/pending', '/v1/events', '/v1/rules'].map((path) => fetch(path).then(({ status }) => status)))`,
    );
    assert.deepEqual(answered, [401, 401, 401]);
    const foreign = await startPage();
    t.after(() => {
      foreign.server.close();
      foreign.server.closeAllConnections();
    });
    const other = await watched.context.newPage();
    await other.goto(`http://127.0.0.1:${foreign.port}/`);
    const tries = await other.evaluate(`Promise.all([
      fetch('${own}/v1/pending', { headers: { authorization: 'Bearer x' } }),
      fetch('${own}/v1/pause', { method: 'POST', body: '{"for":"1h"}', mode: 'no-cors' }),
      import('${own}/app.js'),
    ].map((one) => one.then(() => 'read', () => 'refused')))`);
    assert.deepEqual(tries, ['refused', 'refused', 'refused']);
    assert.equal((await client.status()).gate.pausedUntil, null);
    const framed = await other.evaluate(`new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.src = '${own}/';
      frame.onload = () => { try { resolve(frame.contentDocument === null ? 'other' : 'own'); } catch { resolve('other'); } };
      document.body.append(frame);
    })`);
    assert.equal(framed, 'other');
    assert.equal(await other.frames()[1]?.locator('#state').count(), 0);
    const rebound = await watched.context.newPage();
    const response = await rebound.goto(`http://elsewhere.test:${port}/`);
    assert.equal(response?.status(), 421);
  });

  it('says that the session is over when the daemon has been started again', async () => {
    const port = Number(new URL(watched.page.url()).port);
    const config = readFileSync(daemon.configFile, 'utf8');
    await daemon.stop();
    await watched.page.locator('#state', { hasText: 'daemon unreachable' }).waitFor();
    writeFileSync(daemon.configFile, config);
    daemon = await startSallyport({
      hosts: hostsOf(names),
      folder: daemon.folder,
      config: config.replace(/(\[control\]\n)port = 0/, `$1port = ${port}`),
    });
    await watched.page.locator('#state', { hasText: 'session over' }).waitFor({ timeout: 30_000 });
    await watched.page.getByText('Run "sallyport open" in a terminal again.').waitFor();
  });
});

function configFor(port: number): string {
  return `# the whole file is read again after each save
[network]
allowed_domains = [
  "kept.test", # why
  "127.0.0.1:${port}",
]
# the end
`;
}

function hostsOf(hosts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(hosts.map((host) => [host, '127.0.0.1']));
}

async function never(ms: number): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
  throw new Error('the request was not let go');
}

/** A web page of somebody else. */
async function startPage(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>other</title><body>other</body>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

// The page's other views, its header, its alerts and its looks in a real Chromium, over made-up data.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { HistoryEntry } from '../../src/control/messages.ts';
import {
  accessibilityFaults,
  openPage,
  startBrowser,
  type WatchedPage,
} from '../support/browser.ts';
import { eventually } from '../support/daemon.ts';
import { openPageBench, type PageBench } from '../support/page-bench.ts';
import { makeAnswer, makeGate, makeGrant, makeGroup } from '../support/views.ts';

let browser: Browser;
let watched: WatchedPage | undefined;
before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser.close();
});
afterEach(async () => {
  await watched?.context.close();
  assert.deepEqual(watched?.complaints, []);
});

interface Scene {
  readonly world: PageBench;
  readonly page: Page;
}

/** Opens the page over this data. */
async function open(
  context: TestContext,
  set: (world: PageBench) => void = () => undefined,
  role: 'viewer' | 'approver' | 'admin' = 'admin',
  options: BrowserContextOptions = {},
): Promise<Scene> {
  const world = await openPageBench(context);
  set(world);
  watched = await openPage(browser, options);
  const { page } = watched;
  await page.clock.install();
  await page.goto(world.link(role));
  await page.locator('#state:not(:text("connecting"))').waitFor();
  return { world, page };
}

/** Waits until this is true on the page. (The library's own way would be refused by the page's policy.) */
async function until(page: Page, script: string): Promise<void> {
  await eventually(script, async () => (await page.evaluate(script)) === true || undefined);
}

/** Waits until the page's state says this. */
async function state(page: Page, text: string): Promise<void> {
  await page.locator('#state', { hasText: text }).waitFor();
}

describe('the session of the page', { timeout: 120_000 }, () => {
  it('is opened by a code that leaves the address at once and works once', async (t) => {
    const { world, page } = await open(t);
    assert.equal(new URL(page.url()).hash, '#waiting');
    const link = world.link();
    await page.goto('about:blank');
    await page.goto(link);
    await state(page, 'nothing waits');
    const other = await page.context().newPage();
    await other.goto(link);
    await other.getByText('This link was used before, or is too old.').waitFor();
    await other.getByText('Run "sallyport open" in a terminal again.').waitFor();
  });

  it('shows the question that the link names, and moves no focus', async (t) => {
    const groups = Array.from({ length: 12 }, (_, n) =>
      makeGroup({ id: `k${n + 1}`, host: `h${n + 1}.example.net` }),
    );
    const { world, page } = await open(t, ({ ask }) => ask(...groups));
    await page.goto('about:blank');
    await page.goto(`${world.link()}/k12`);
    const card = page.locator('.card.wanted');
    await card.getByText('h12.example.net').first().waitFor();
    assert.equal(new URL(page.url()).hash, '#waiting/k12');
    await until(
      page,
      `(() => {
        const { top, bottom } = document.querySelector('.card.wanted').getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight && document.activeElement === document.body;
      })()`,
    );
  });

  it('stays with its tab: over a reload, and in no other', async (t) => {
    const { page } = await open(t);
    await page.reload();
    await state(page, 'nothing waits');
    const other = await page.context().newPage();
    await other.goto(new URL('/', page.url()).href);
    await other.getByText('This tab has no session.').waitFor();
    assert.deepEqual(await page.context().cookies(), []);
  });

  it('is over when the daemon does not know it any more', async (t) => {
    const { world, page } = await open(t, (w) => w.ask(makeGroup()));
    for (const { id } of world.bench.tokens.list()) world.bench.tokens.revoke(id);
    world.bench.feed.recheck();
    await state(page, 'session over');
    await page.getByText('The daemon does not know this session any more.').waitFor();
    assert.equal(await page.title(), 'sallyport');
  });

  it('says plainly that the daemon is unreachable, and goes on when it is back', async (t) => {
    const { world, page } = await open(t);
    await page.context().setOffline(true);
    world.bench.feed.close();
    await state(page, 'daemon unreachable');
    await page.getByText('The daemon does not answer; trying again.').waitFor();
    await page.context().setOffline(false);
    world.ask(makeGroup());
    await state(page, '1 destination waits');
    await page.getByText('The daemon does not answer').waitFor({ state: 'hidden' });
  });
});

describe('the header', { timeout: 120_000 }, () => {
  it('pauses and resumes', async (t) => {
    const { page } = await open(t);
    await page.getByRole('button', { name: 'Pause 10 min' }).click();
    await state(page, 'paused until');
    await page.getByRole('button', { name: 'Resume' }).click();
    await state(page, 'nothing waits');
  });

  it('asks once more before panic, and reopens', async (t) => {
    const { page } = await open(t);
    await page.getByRole('button', { name: 'Panic' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Back' }).click();
    await state(page, 'nothing waits');
    await page.getByRole('button', { name: 'Panic' }).click();
    const sure = page.getByRole('button', { name: 'Deny everything', exact: true });
    await sure.and(page.locator(':not([aria-disabled])')).click();
    await state(page, 'panic: everything is denied');
    await page.getByRole('button', { name: 'Reopen' }).click();
    await state(page, 'nothing waits');
  });

  it('moves between the views with links and arrow keys', async (t) => {
    const { page } = await open(t);
    await page.getByRole('tab', { name: 'History' }).click();
    assert.equal(new URL(page.url()).hash, '#history');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tabpanel', { name: 'Rules' }).waitFor();
    assert.equal(await page.locator(':focus').textContent(), 'Rules');
    await page.goBack();
    await page.getByRole('tabpanel', { name: 'History' }).waitFor();
  });

  it('shows what is not well above every view', async (t) => {
    const { page } = await open(t, (w) => {
      w.gate = makeGate({ attendance: 'unattended', troubles: ['the exporter is behind'] });
    });
    const notices = page.getByRole('region', { name: 'Notices' });
    await notices.getByText('the exporter is behind').waitFor();
    await notices.getByText('Nobody was watching').waitFor();
  });
});

describe('a policy that lets more through', { timeout: 120_000 }, () => {
  const change = {
    id: 'c1',
    at: '2026-11-20T12:00:00.000Z',
    state: 'waiting',
    lines: ['+ allow *.example.net'],
    version: 'v2',
  } as const;

  it('is shown with its lines and accepted, then undone', async (t) => {
    const { world, page } = await open(t, (w) => {
      w.change = change;
    });
    await page.getByText('+ allow *.example.net').waitFor();
    await page.locator('.banner .allow:not([aria-disabled])').click();
    await page.getByRole('heading', { name: 'lets more through' }).waitFor();
    await page
      .locator('.banner')
      .getByRole('button', { name: 'Undo' })
      .and(page.locator(':not([aria-disabled])'))
      .click();
    await page.locator('.banner').waitFor({ state: 'detached' });
    assert.deepEqual(world.asked, ['accept c1', 'undo c1']);
  });

  it('is rejected', async (t) => {
    const { world, page } = await open(t, (w) => {
      w.change = change;
    });
    await page.locator('.banner .deny:not([aria-disabled]):visible').click();
    await page.locator('.banner').waitFor({ state: 'detached' });
    assert.deepEqual(world.asked, ['reject c1']);
  });
});

describe('what is remembered', { timeout: 120_000 }, () => {
  const grants = (world: PageBench) => {
    const old = '2026-01-02T12:00:00.000Z';
    world.grants.set(
      'g1',
      makeGrant({
        expires: '2999-11-20T13:00:00.000Z',
        uses: 3,
        lastUsed: new Date().toISOString(),
        note: 'for the build',
      }),
    );
    world.grants.set(
      'g2',
      makeGrant({
        id: 'g2',
        for: 'always',
        expires: null,
        host: '*.old.example',
        port: 'any',
        created: old,
        programs: [{ executable: '/usr/bin/curl', folder: '/home/dev/app' }],
      }),
    );
  };

  it('is shown with its uses, and the long unused apart', async (t) => {
    const { page } = await open(t, grants);
    await page.getByRole('tab', { name: 'Remembered' }).click();
    const rows = page.locator('#panel-remembered .rows > li');
    await rows.first().waitFor();
    assert.match(
      (await rows.first().textContent()) ?? '',
      /allow api\.example\.net:443 until .*any programCONNECT \(TLS\) · used 3 times, last .*for the build/,
    );
    await page.getByText('Not used for 30 days').waitFor();
    assert.match(
      (await rows.last().textContent()) ?? '',
      /\*\.old\.example, any port always, curl in \/home\/dev\/app.*not used yet/,
    );
  });

  it('is revoked', async (t) => {
    const { world, page } = await open(t, grants);
    await page.getByRole('tab', { name: 'Remembered' }).click();
    await page.getByRole('button', { name: 'Revoke api.example.net' }).click();
    await page
      .getByRole('button', { name: 'Revoke api.example.net' })
      .waitFor({ state: 'detached' });
    assert.deepEqual(world.asked, ['revoke g1']);
  });
});

describe('the history', { timeout: 120_000 }, () => {
  const entries = (world: PageBench) => {
    for (let at = 0; at < 130; at += 1) {
      world.history.push(
        makeEntry({
          uid: `u${at}`,
          host: at === 3 ? 'odd.example' : 'api.example.net',
          at: new Date(Date.now() - at * 60_000).toISOString(),
        }),
      );
    }
    world.answers.push(makeAnswer());
  };

  it('is filtered and loaded further', async (t) => {
    const { page } = await open(t, entries);
    await page.getByRole('tab', { name: 'History' }).click();
    const rows = page.locator('#panel-history h3:text("Decisions") ~ .rows > li');
    await page.getByRole('button', { name: 'Load more' }).click();
    await rows.nth(129).waitFor();
    await page.getByRole('search').getByLabel('Host').fill('odd');
    await until(
      page,
      "document.querySelectorAll('#panel-history h3:last-of-type ~ .rows > li').length === 1",
    );
    await page.getByRole('search').getByLabel('Outcome').selectOption('deny');
    await page.getByText('No decision fits.').waitFor();
  });

  it('undoes an answer of this run', async (t) => {
    const { world, page } = await open(t, entries);
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('button', { name: 'Undo k3, api.example.net' }).click();
    await page
      .locator('#panel-history')
      .getByText(/· undone /)
      .waitFor();
    assert.ok(world.asked.includes('undo k3'));
  });

  it('makes a rule: the edit is prepared, not saved', async (t) => {
    const { world, page } = await open(t, entries);
    await page.goto(`${new URL(page.url()).origin}/#history`);
    await page.getByRole('link', { name: 'Make a rule from odd.example' }).click();
    await page.getByText('+ allow "odd.example",').waitFor();
    assert.match(
      await page.locator('textarea').inputValue(),
      /"a\.example", # kept\n {2}"odd\.example",\n\]/,
    );
    assert.ok(!world.asked.includes('save'));
  });
});

describe('the rules', { timeout: 120_000 }, () => {
  it('are shown with where they stand, also to who may not edit them', async (t) => {
    const { page } = await open(t, undefined, 'approver');
    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.getByText('requirements · /etc/sallyport/requirements.toml:12').waitFor();
    assert.equal(await page.locator('textarea:visible').count(), 0);
    await page.getByRole('searchbox', { name: 'Filter' }).fill('paste');
    await page.getByText('1 of 2').waitFor();
  });

  it('are checked as they are typed; a mistake keeps them from being saved and is a click away', async (t) => {
    const { page } = await open(t);
    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.locator('textarea').fill('[network]\n# two\n  BROKEN\n');
    await page.getByText('not a rule').waitFor();
    assert.equal(
      await page.getByRole('button', { name: 'Save' }).getAttribute('aria-disabled'),
      'true',
    );
    await page.getByRole('button', { name: '3:3, go there' }).click();
    assert.equal(await page.evaluate('document.activeElement.selectionStart'), 18);
  });

  it('are saved once their difference has been shown', async (t) => {
    const { world, page } = await open(t);
    await page.getByRole('tab', { name: 'Rules' }).click();
    const text = `${String(world.file.text)}# more\n`;
    await page.locator('textarea').fill(text);
    await page.getByLabel('What saving changes').getByText('# more').waitFor();
    await page.getByText('This lets more through than now.').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved; 1 rule added').waitFor();
    assert.equal(world.file.text, text);
  });

  it('take no typing while they are saved: it would be lost', async (t) => {
    const { page } = await open(t);
    await page.getByRole('tab', { name: 'Rules' }).click();
    const area = page.locator('textarea');
    await area.fill('# mine\n');
    await page.getByText('can be saved').waitFor();
    const held = Promise.withResolvers<void>();
    await page.route('**/v1/rules/save', async (route) => {
      await held.promise;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Save' }).click();
    assert.equal(await area.isEditable(), false);
    held.resolve();
    await page.getByText('Saved; 1 rule added').waitFor();
    assert.equal(await area.isEditable(), true);
  });

  it('are not saved over what somebody else has saved', async (t) => {
    const { world, page } = await open(t);
    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.locator('textarea').fill('# mine\n');
    await page.getByText('can be saved').waitFor();
    world.file = { ...world.file, text: '# theirs\n', etag: 'e9' };
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The file has changed on disk.').waitFor();
    assert.equal(await page.locator('textarea').inputValue(), '# mine\n');
    await page.getByRole('button', { name: 'Load it again' }).click();
    await until(page, "document.querySelector('textarea').value === '# theirs\\n'");
  });

  it('can begin from one of three choices, shown before it is saved', async (t) => {
    const { page } = await open(t);
    await page.getByRole('tab', { name: 'Setup' }).click();
    await page.getByText('http://127.0.0.1:4128').waitFor();
    await page.getByRole('link', { name: 'Deny everything unknown' }).click();
    await page.getByLabel('What saving changes').getByText('unknown = "deny"').waitFor();
  });
});

describe('desktop alerts', { timeout: 120_000 }, () => {
  /** The alert that the browser holds now, as the worker showed it. */
  const alertOn = async (page: Page, title: string) => {
    await until(
      page,
      `navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((list) => list.length === 1 && list[0].title === ${JSON.stringify(title)})`,
    );
    return await page.evaluate(
      'navigator.serviceWorker.ready.then((r) => r.getNotifications()).then(([one]) => one.actions.map(({ title }) => title))',
    );
  };
  /** A click as the browser would tell the worker of it; a headless one has no notification to click on. */
  const click = async (page: Page, action: string) => {
    const [worker] = page.context().serviceWorkers();
    assert.ok(worker !== undefined);
    const script = `self.registration.getNotifications().then(([notification]) =>
      self.dispatchEvent(new NotificationEvent('notificationclick', { notification, action: '${action}' })))`;
    await worker.evaluate(script);
  };
  const start = async (t: TestContext, set: (world: PageBench) => void): Promise<Scene> => {
    const scene = await open(t, set, 'admin', { permissions: ['notifications'] });
    await scene.page.evaluate('document.hasFocus = () => false');
    await scene.page.getByRole('button', { name: 'Alerts off' }).click();
    await scene.page.getByRole('button', { name: 'Alerts on' }).waitFor();
    return scene;
  };

  it('offer Deny and Allow once for one question, and answer it', async (t) => {
    const { world, page } = await start(t, (w) => w.ask(makeGroup()));
    assert.deepEqual(await alertOn(page, 'api.example.net:443 is waiting'), ['Deny', 'Allow once']);
    await page.clock.fastForward(600);
    await click(page, 'allow');
    await page.locator('.card').getByText('allowed once').waitFor();
    assert.deepEqual(world.given, [{ id: 'k3', outcome: 'allow', for: 'once', revision: 1 }]);
    await until(
      page,
      'navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((list) => list.length === 0)',
    );
  });

  it('offer no allow for a warned host, or where desktops may not', async (t) => {
    const { world, page } = await start(t, (w) => w.ask(makeGroup({ quickAllow: false })));
    assert.deepEqual(await alertOn(page, 'api.example.net:443 is waiting'), ['Deny']);
    world.gate = makeGate({ desktop: 'notify-only' });
    world.mark('gate');
    await until(
      page,
      "navigator.serviceWorker.ready.then((r) => r.getNotifications()).then(([one]) => one?.actions[0].title === 'Open')",
    );
    await page.clock.fastForward(600);
    await click(page, 'allow');
    await page.getByRole('button', { name: 'Alerts on' }).click();
    assert.deepEqual(world.given, []);
  });

  it('from three questions on offer only the way to the page', async (t) => {
    const { page } = await start(t, (w) =>
      w.ask(...['k1', 'k2', 'k3', 'k4'].map((id) => makeGroup({ id, host: `${id}.example.net` }))),
    );
    assert.deepEqual(await alertOn(page, '4 destinations wait'), ['Open']);
  });
});

describe('the looks', { timeout: 180_000 }, () => {
  const full = (world: PageBench) => {
    const bundle = { id: 'b1', title: 'npm install asks for 2 new hosts', suggests: null };
    world.ask(
      makeGroup({ warnings: ['exarnple.net looks like example.net: "rn" for "m".'] }),
      makeGroup({ id: 'k4', host: `${'very-long-label.'.repeat(12)}example.net` }),
      makeGroup({ id: 'k5', host: 'a.example.org', bundle }),
      makeGroup({ id: 'k6', host: 'b.example.org', bundle }),
    );
    const flood = { id: 'f1', since: '2026-11-20T12:00:00.000Z', program: 'node', pid: 7 };
    world.floods.set('f1', { ...flood, refused: 90, hosts: ['a.example', 'b.example'] });
    world.grants.set('g1', makeGrant());
    world.grants.set(
      'g2',
      makeGrant({ id: 'g2', for: 'always', created: '2026-01-02T12:00:00.000Z' }),
    );
    world.answers.push(makeAnswer());
    world.history.push(makeEntry({}), makeEntry({ uid: 'u2', outcome: 'deny' }));
    world.gate = makeGate({ troubles: ['the exporter is behind'] });
    world.change = {
      id: 'c1',
      at: '2026-11-20T12:00:00.000Z',
      state: 'waiting',
      lines: ['+ allow *.example.net'],
      version: 'v2',
    };
    world.file = {
      ...world.file,
      findings: [
        {
          severity: 'warning',
          file: world.file.file,
          line: 4,
          column: 3,
          message: 'covered by a wider rule',
        },
      ],
    };
  };

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, width] of [
      ['wide', 1280],
      ['narrow', 360],
    ] as const) {
      it(`have no fault that axe knows and nothing that runs over, ${colorScheme}, ${name}`, async (t) => {
        const { page } = await open(t, full, 'admin', {
          colorScheme,
          viewport: { width, height: 800 },
        });
        const faults: string[] = [];
        for (const view of ['Waiting', 'Remembered', 'History', 'Rules', 'Setup']) {
          await page.getByRole('tab', { name: view }).click();
          await page
            .locator(`[role=tabpanel]:visible :is(.rows > li, .card, .choices p)`)
            .first()
            .waitFor();
          if (view === 'Rules') {
            await page.locator('textarea').fill('BROKEN\n# more\n');
            await page.getByText('not a rule').waitFor();
          }
          await until(
            page,
            "document.querySelector('.card .deny[aria-disabled]') === null || document.querySelector('#panel-waiting').hidden",
          );
          faults.push(...(await accessibilityFaults(page)).map((fault) => `${view}: ${fault}`));
          const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          if (Number(over) > 0) faults.push(`${view}: ${String(over)} px too wide`);
          const small =
            await page.evaluate(`[...document.querySelectorAll('button, select, input, summary, [role=tab]')].filter((one) => {
            const { width, height } = one.getBoundingClientRect();
            return width > 0 && (width < 24 || height < 24);
          }).map((one) => one.outerHTML.slice(0, 120))`);
          faults.push(...(small as string[]).map((one) => `${view}: too small: ${one}`));
          await page.screenshot({
            path: `${artefacts}/page-${view.toLowerCase()}-${colorScheme}-${name}.png`,
            fullPage: true,
          });
        }
        await page.getByRole('tab', { name: 'Waiting' }).click();
        await page.getByRole('button', { name: 'Panic' }).click();
        await page.locator('dialog .danger:not([aria-disabled])').waitFor();
        faults.push(...(await accessibilityFaults(page)).map((fault) => `dialog: ${fault}`));
        assert.deepEqual(faults, []);
      });
    }
  }
});

/** Where the pictures of a run go; not kept. */
const artefacts = new URL('../artefacts', import.meta.url).pathname;

function makeEntry(given: Partial<HistoryEntry>): HistoryEntry {
  return {
    uid: 'u1',
    at: '2026-11-20T12:00:00.000Z',
    outcome: 'allow',
    protocol: 'https_connect',
    host: 'api.example.net',
    port: 443,
    method: 'CONNECT',
    reason: 'allow',
    source: 'decider',
    rule: null,
    question: 'k3',
    grant: null,
    approver: 'dev',
    surface: 'page',
    waitMs: 5000,
    program: '/usr/bin/curl',
    pid: 4711,
    ...given,
  };
}

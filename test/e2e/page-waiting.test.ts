// The Waiting view in a real Chromium, over made-up questions: what comes up, what a click or a key does, what
// keeps its place. The clock of the page is the test's, so that its half seconds pass when they should.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { openPage, startBrowser, type WatchedPage } from '../support/browser.ts';
import { openPageBench, type PageBench } from '../support/page-bench.ts';
import { makeAnswer, makeAskerView, makeGroup } from '../support/views.ts';

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
  /** The card with this host or title in its heading. */
  readonly card: (title: string) => Locator;
  /** Lets the page's clock go on. */
  readonly pass: (ms: number) => Promise<void>;
}

/** Opens the page over these questions; its clock stands still from then on. */
async function open(
  context: TestContext,
  set: (world: PageBench) => void = () => undefined,
  role: 'viewer' | 'approver' | 'admin' = 'admin',
): Promise<Scene> {
  const world = await openPageBench(context);
  set(world);
  watched = await openPage(browser);
  const { page } = watched;
  await page.clock.install();
  await page.goto(world.link(role));
  await page.locator('#state:not(:text("connecting"))').waitFor();
  await page.clock.pauseAt(Date.now() + 1000);
  return {
    world,
    page,
    card: (title) => page.locator('.card').filter({ has: page.locator('h3', { hasText: title }) }),
    pass: async (ms) => {
      await page.clock.runFor(ms);
    },
  };
}

const narrowestAllow = {
  outcome: 'allow',
  for: 'once',
  host: 'exact',
  port: 'this',
  program: 'this',
  revision: 1,
} as const;

describe('a question on the page', { timeout: 120_000 }, () => {
  it('comes up without a reload, and is counted in the header and the title', async (t) => {
    const { world, page, card } = await open(t);
    assert.equal(await page.locator('#state').textContent(), 'nothing waits');
    world.ask(makeGroup());
    await card('api.example.net').waitFor();
    assert.equal(await page.locator('#state').textContent(), '1 destination waits');
    assert.equal(await page.title(), '(1) sallyport');
  });

  it('shows outside text as text', async (t) => {
    const hostile = '<img src=x onerror=alert(1)>';
    const { page, card } = await open(t, (world) => {
      world.ask(makeGroup({ askers: [makeAskerView({ commandLine: [hostile], cwd: hostile })] }));
    });
    await card('api.example.net').getByText(hostile).first().waitFor();
    assert.equal(await page.locator('img').count(), 0);
  });

  it('is allowed as narrowly as can be by one click', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    await pass(600);
    await card('api.example.net').getByRole('button', { name: 'Allow' }).click();
    await card('api.example.net').getByText('allowed once').waitFor();
    assert.deepEqual(world.given, [{ id: 'k3', ...narrowestAllow }]);
  });

  it('is denied by one click', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    await pass(600);
    await card('api.example.net').getByRole('button', { name: 'Deny', exact: true }).click();
    await card('api.example.net').getByText('denied once').waitFor();
    assert.deepEqual(world.given, [{ id: 'k3', ...narrowestAllow, outcome: 'deny' }]);
  });

  it('is answered as far as the selects and the note say, and says before what that does', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    const one = card('api.example.net');
    await one.getByLabel('Which host').selectOption('*.example.net');
    await one.getByLabel('How long').selectOption('1h');
    await one.getByLabel('Which port').selectOption('any');
    await one.getByLabel('Which program').selectOption('any');
    await one.getByText('More').click();
    await one.getByLabel('Note for the record').fill('for the build');
    await pass(600);
    await one.getByText('Allow curl to reach *.example.net:443 (1h, any, any).').waitFor();
    await one.getByText('It covers names that nobody has seen yet.').waitFor();
    await one.getByText('Seen so far: api.example.net').waitFor();
    await one.getByRole('button', { name: 'Allow' }).click();
    await one.getByText('allowed for 1 h, *.example.net, any port').waitFor();
    assert.deepEqual(world.given, [
      {
        id: 'k3',
        outcome: 'allow',
        for: '1h',
        host: '*.example.net',
        port: 'any',
        program: 'any',
        note: 'for the build',
        revision: 1,
      },
    ]);
  });

  it('says why an answer would be refused, and does not offer it', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    const one = card('api.example.net');
    await one.getByLabel('Which host').selectOption('*.example.net');
    await pass(600);
    await one.getByText('a wildcard needs a time other than once').waitFor();
    await one.getByRole('button', { name: 'Allow' }).click({ force: true });
    assert.equal(world.given.length, 0);
  });

  it('is denied with a reason for the program', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    const one = card('api.example.net');
    await pass(600);
    await one.getByText('More').click();
    await one.getByLabel('Reason for the program').fill('use the mirror');
    await one.getByRole('button', { name: 'Deny and tell the program' }).click();
    await one.getByText('denied once').waitFor();
    assert.deepEqual(world.given, [
      { id: 'k3', ...narrowestAllow, outcome: 'deny', tell: 'use the mirror' },
    ]);
  });

  it('is held longer', async (t) => {
    const { world, page, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    await pass(600);
    await card('api.example.net').getByText('More').click();
    await card('api.example.net').getByRole('button', { name: 'Hold 5 min longer' }).click();
    await page.getByText('api.example.net is held 5 minutes longer').waitFor();
    assert.deepEqual(world.asked, ['hold k3 300000']);
  });

  it('asks once more before always, with the rule', async (t) => {
    const { world, page, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    await card('api.example.net').getByLabel('How long').selectOption('always');
    await pass(600);
    await card('api.example.net').getByText('Allow curl').waitFor();
    const dialog = page.getByRole('dialog');
    const ask = async () => {
      await card('api.example.net').getByRole('button', { name: 'Allow' }).click();
      await dialog.getByText('allow api.example.net:443').waitFor();
      assert.equal(await page.locator(':focus').textContent(), 'Back');
    };
    await ask();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(world.given.length, 0);
    await ask();
    await pass(600);
    await dialog.getByRole('button', { name: 'Allow always' }).click();
    await card('api.example.net').getByText('allowed always').waitFor();
    assert.equal(world.given[0]?.for, 'always');
  });
});

describe('the dead time', { timeout: 120_000 }, () => {
  it('takes no click and no key for half a second after a card comes up', async (t) => {
    const { world, page, card, pass } = await open(t);
    world.ask(makeGroup());
    const one = card('api.example.net');
    await one.waitFor();
    await one.getByRole('button', { name: 'Deny', exact: true }).click({ force: true });
    await one.focus();
    await page.keyboard.press('d');
    await page.keyboard.press('Enter');
    await pass(400);
    await one.getByRole('button', { name: 'Allow' }).click({ force: true });
    assert.equal(world.given.length, 0);
    await pass(200);
    await one.getByRole('button', { name: 'Deny', exact: true }).click();
    await one.getByText('denied once').waitFor();
    assert.equal(world.given.length, 1);
  });

  it('begins anew when the question changes, and quotes what the person then saw', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    const one = card('api.example.net');
    await pass(600);
    world.ask(makeGroup({ revision: 2, warnings: ['It looks like another name.'] }));
    await one.getByText('It looks like another name.').waitFor();
    await one.getByRole('button', { name: 'Allow' }).click({ force: true });
    assert.equal(world.given.length, 0);
    await pass(600);
    await one.getByRole('button', { name: 'Allow' }).click();
    await one.getByText('allowed once').waitFor();
    assert.equal(world.given[0]?.revision, 2);
  });

  it('begins anew for a card that something above has pushed away', async (t) => {
    const { world, page, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    await pass(600);
    world.gate = { ...world.gate, troubles: ['the exporter does not answer'] };
    world.mark('gate');
    await page.getByText('the exporter does not answer').waitFor();
    const deny = card('api.example.net').getByRole('button', { name: 'Deny', exact: true });
    await page.locator('.card .deny[aria-disabled=true]').first().waitFor();
    await deny.click({ force: true });
    assert.equal(world.given.length, 0);
  });

  it('keeps a question that changed at the last moment', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    await pass(600);
    world.changedNext = true;
    await card('api.example.net').getByRole('button', { name: 'Allow' }).click();
    await card('api.example.net').getByText('It has changed meanwhile: look again.').waitFor();
    assert.equal(world.given.length, 0);
  });
});

describe('keys', { timeout: 120_000 }, () => {
  const two = (world: PageBench) => {
    world.ask(makeGroup(), makeGroup({ id: 'k4', host: 'b.example.net', askers: [] }));
  };

  it('choose a card, arm an answer and confirm it', async (t) => {
    const { world, page, card, pass } = await open(t, two);
    await pass(600);
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'BODY');
    await page.keyboard.press('a');
    await page.keyboard.press('Enter');
    assert.equal(world.given.length, 0);
    for (const key of ['j', 'j', 'k', 'a']) await page.keyboard.press(key);
    await card('api.example.net').getByText('Allow: Enter confirms, Esc goes back.').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    assert.equal(world.given.length, 0);
    for (const key of ['a', 'Enter']) await page.keyboard.press(key);
    await card('api.example.net').getByText('allowed once').waitFor();
    await pass(600); // the second card has moved up
    for (const key of ['j', 'd', 'Enter']) await page.keyboard.press(key);
    await card('b.example.net').getByText('denied once').waitFor();
    assert.deepEqual(
      world.given.map(({ id, outcome }) => [id, outcome]),
      [
        ['k3', 'allow'],
        ['k4', 'deny'],
      ],
    );
  });

  it('change the selects and undo', async (t) => {
    const { world, page, card, pass } = await open(t, two);
    await pass(600);
    for (const key of ['j', 't', 'h', 'p', 'g', 'a']) await page.keyboard.press(key);
    await pass(200);
    await card('api.example.net').getByText('(1h, any, any)').first().waitFor();
    await page.keyboard.press('Enter');
    await card('api.example.net').getByText('allowed for 1 h').waitFor();
    const { for: time, host, port, program } = world.given[0] ?? { outcome: 'deny' };
    assert.deepEqual(
      { time, host, port, program },
      {
        time: '1h',
        host: '*.example.net',
        port: 'any',
        program: 'any',
      },
    );
    await page.keyboard.press('u');
    await card('api.example.net').getByText('undone · 1 connection closed').waitFor();
    assert.deepEqual(world.asked, ['undo k3']);
  });

  it('are letters while a text is typed', async (t) => {
    const { world, page, card, pass } = await open(t, two);
    await pass(600);
    await card('api.example.net').getByText('More').click();
    await card('api.example.net').getByLabel('Note for the record').focus();
    await page.keyboard.type('adtju');
    await page.keyboard.press('Enter');
    assert.equal(
      await card('api.example.net').getByLabel('Note for the record').inputValue(),
      'adtju',
    );
    assert.equal(world.given.length, 0);
  });

  it('on a button mean the button', async (t) => {
    const { world, page, card, pass } = await open(t, two);
    await pass(600);
    for (const key of ['j', 'a', 'Tab', 'Enter']) await page.keyboard.press(key);
    await card('api.example.net').getByText('denied once').waitFor();
    assert.equal(world.given[0]?.outcome, 'deny');
  });
});

describe('the list', { timeout: 120_000 }, () => {
  const titles = async (page: Page) => await page.locator('.card h3').allTextContents();

  it('keeps its places: new ones come last, an answered one leaves a line with Undo', async (t) => {
    const { world, page, card, pass } = await open(t, (w) =>
      w.ask(makeGroup(), makeGroup({ id: 'k4', host: 'b.example.net' })),
    );
    await pass(600);
    const first = await card('b.example.net').boundingBox();
    await card('api.example.net').getByRole('button', { name: 'Deny', exact: true }).click();
    await card('api.example.net').getByText('denied once').waitFor();
    world.ask(makeGroup({ id: 'k5', host: 'a.example.net' }));
    await card('a.example.net').waitFor();
    assert.deepEqual(await titles(page), [
      'api.example.net:443',
      'b.example.net:443',
      'a.example.net:443',
    ]);
    const now = await card('b.example.net').boundingBox();
    assert.ok(Math.abs((now?.y ?? 0) - (first?.y ?? 0)) <= 2, 'a card slid under the pointer');
    await card('api.example.net').getByRole('button', { name: 'Undo' }).waitFor();
    await pass(11_000);
    await card('api.example.net')
      .getByRole('button', { name: 'Undo' })
      .waitFor({ state: 'detached' });
    await page.mouse.move(5, 5);
    await pass(1100);
    assert.deepEqual(await titles(page), ['b.example.net:443', 'a.example.net:443']);
  });

  it('undoes within ten seconds', async (t) => {
    const { world, card, pass } = await open(t, (w) => w.ask(makeGroup()));
    await pass(600);
    await card('api.example.net').getByRole('button', { name: 'Allow' }).click();
    await card('api.example.net').getByRole('button', { name: 'Undo' }).click();
    await card('api.example.net').getByText('undone · 1 connection closed').waitFor();
    assert.deepEqual(world.asked, ['undo k3']);
  });

  it('says who answered elsewhere, and that nobody did', async (t) => {
    const { world, card } = await open(t, (w) =>
      w.ask(makeGroup(), makeGroup({ id: 'k4', host: 'b.example.net' })),
    );
    world.answers.unshift(makeAnswer({ approver: 'sam', surface: 'tray' }));
    world.groups.clear();
    world.mark('answers', 'groups');
    await card('api.example.net').getByText('allowed once by sam (tray)').waitFor();
    await card('b.example.net').getByText('no longer asks').waitFor();
  });

  it('shows a bundle as a checklist and allows only what is ticked', async (t) => {
    const bundle = { id: 'b1', title: 'npm install asks for 3 new hosts', suggests: null };
    const { world, page, card, pass } = await open(t, (w) =>
      w.ask(
        makeGroup({ bundle }),
        makeGroup({ id: 'k4', host: 'b.example.net', bundle }),
        makeGroup({ id: 'k5', host: 'c.example.net', bundle }),
      ),
    );
    await pass(600);
    assert.deepEqual(await titles(page), ['npm install asks for 3 new hosts']);
    const one = card('npm install');
    await one.getByRole('button', { name: 'Allow ticked' }).click({ force: true });
    assert.equal(world.given.length, 0);
    await one.getByLabel('b.example.net').check();
    await one.getByRole('button', { name: 'Allow 1 ticked' }).click();
    await one.getByText('Deny all 2').waitFor();
    await one.getByText('1 destination allowed once').waitFor();
    await one.getByRole('button', { name: 'Undo' }).click();
    await one.getByText('1 destination undone · 1 connection closed').waitFor();
    await pass(600);
    await one.getByRole('button', { name: 'Deny all 2' }).click();
    await one.getByText('2 destinations denied once').waitFor();
    assert.deepEqual(
      world.given.map(({ id, outcome }) => [id, outcome]),
      [
        ['k4', 'allow'],
        ['k3', 'deny'],
        ['k5', 'deny'],
      ],
    );
  });

  it('puts a bundle in the place of its first question', async (t) => {
    const { world, page, card } = await open(t, (w) =>
      w.ask(makeGroup(), makeGroup({ id: 'k4', host: 'b.example.net' })),
    );
    const bundle = { id: 'b1', title: '2 names below example.net', suggests: 'deny' } as const;
    world.ask(makeGroup({ bundle }), makeGroup({ id: 'k6', host: 'x.example.net', bundle }));
    await card('2 names below').waitFor();
    assert.deepEqual(await titles(page), ['2 names below example.net', 'b.example.net:443']);
  });

  it('shows a program that is refused quietly, and lifts that', async (t) => {
    const { world, card, page, pass } = await open(t, (w) => {
      const flood = { id: 'f1', since: '2026-11-20T12:00:00.000Z', program: 'node', pid: 7 };
      w.floods.set('f1', { ...flood, refused: 90, hosts: ['a.example', 'b.example'] });
    });
    await pass(600);
    await card('node (7) asks for too many hosts').getByText('a.example, b.example').waitFor();
    assert.equal(await page.locator('#state').textContent(), 'a flood is refused');
    await card('node (7)').getByRole('button', { name: 'Ask about it again' }).click();
    await card('node (7)').getByText('node is asked about again').waitFor();
    assert.deepEqual(world.asked, ['lift f1']);
  });

  it('shows a viewer what waits, and no way to answer', async (t) => {
    const { page, card } = await open(t, (w) => w.ask(makeGroup()), 'viewer');
    await card('api.example.net').waitFor();
    assert.deepEqual(await page.locator('button:visible').allTextContents(), []);
    assert.equal(await page.locator('select:visible').count(), 0);
  });
});

describe('a card that is over', { timeout: 120_000 }, () => {
  const hosts = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example.net`);
  const five = (world: PageBench) => {
    world.ask(...hosts.map((host, at) => makeGroup({ id: `k${at + 1}`, host })));
  };
  const tall = { width: 1000, height: 2100 };
  const low = { width: 1000, height: 600 };
  /** The b-question ends by itself, the d-question is answered in the tray. */
  const endTwo = async ({ world, card }: Scene) => {
    world.answers.unshift(makeAnswer({ id: 'k4', approver: 'sam', surface: 'tray' }));
    for (const id of ['k2', 'k4']) world.groups.delete(id);
    world.mark('answers', 'groups');
    await card('b.example').getByText('no longer asks').waitFor();
    await card('d.example').getByText('allowed once by sam (tray)').waitFor();
  };
  const button = (one: Locator, name: string) => one.getByRole('button', { name, exact: true });
  const topOf = async (one: Locator) => (await one.boundingBox())?.y ?? -1;
  /** Which cards are one line high, by the first letter of their hosts. */
  const lines = async (page: Page) =>
    await page.evaluate(`[...document.querySelectorAll('.card')]
      .map((card) => (card.offsetHeight < 70 ? '-' : '') + card.textContent[0])
      .join(' ')`);

  it('is one line at once while no pointer is there, and none after ten seconds', async (t) => {
    const scene = await open(t, five);
    const { page, card, pass } = scene;
    await pass(600);
    await page.mouse.move(5, 5);
    await endTwo(scene);
    await pass(600);
    await card('c.example').focus();
    for (const key of ['a', 'Enter']) await page.keyboard.press(key);
    await card('c.example').getByText('allowed once').waitFor();
    assert.equal(await lines(page), 'a -b -c -d e');
    await page.keyboard.press('j');
    await pass(11_000);
    assert.equal(await lines(page), 'a -d e', 'the line under the keys stays');
    await page.keyboard.press('j');
    await pass(1100);
    assert.equal(await lines(page), 'a e');
  });

  it('keeps its place only above and under the pointer, until that leaves', async (t) => {
    const scene = await open(t, five);
    const { page, card, pass } = scene;
    await page.setViewportSize(tall);
    await pass(600);
    const own = card('c.example');
    await button(own, 'Deny').hover();
    const start = await topOf(own);
    await endTwo(scene);
    assert.equal(await lines(page), 'a b c -d e');
    await button(own, 'Deny').click();
    await own.getByText('denied once').waitFor();
    assert.deepEqual([await lines(page), await topOf(own)], ['a b c -d e', start]);
    await pass(11_000);
    assert.deepEqual([await lines(page), await topOf(own)], ['a b c e', start]);
    await card('a.example').locator('.meta').first().hover();
    assert.equal(await lines(page), 'a -b -c e', 'both are below the pointer now');
    await pass(1100);
    assert.equal(await lines(page), 'a e');
  });

  it('collapses when the pointer leaves the list, and does not grow again', async (t) => {
    const scene = await open(t, five);
    const { page, card, pass } = scene;
    await page.setViewportSize(tall);
    await pass(600);
    await card('e.example').locator('.meta').first().hover();
    await endTwo(scene);
    assert.equal(await lines(page), 'a b c d e');
    await page.mouse.move(5, 5);
    assert.equal(await lines(page), 'a -b c -d e');
    await pass(600);
    const allow = button(card('c.example'), 'Allow');
    const start = await topOf(allow);
    await allow.hover();
    assert.deepEqual([await lines(page), await topOf(allow)], ['a -b c -d e', start]);
    await pass(11_000);
    assert.deepEqual([await lines(page), await topOf(allow)], ['a -b c e', start]);
  });

  it('leaves the page scrolled as it is while the pointer rests', async (t) => {
    const scene = await open(t, five);
    const { page, card, pass } = scene;
    await page.setViewportSize(low);
    await pass(600);
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
    const own = card('d.example').locator('.answer');
    await own.hover({ position: { x: 5, y: 5 } });
    const start = await topOf(own);
    scene.world.groups.delete('k5');
    scene.world.mark('groups');
    await card('e.example').getByText('no longer asks').waitFor();
    assert.deepEqual([await lines(page), await topOf(own)], ['a b c d -e', start]);
    await pass(11_000);
    assert.deepEqual([await lines(page), await topOf(own)], ['a b c d', start]);
  });

  for (const time of ['once', '1h', 'restart', 'always']) {
    it(`offers Undo for ten seconds after an answer for "${time}"`, async (t) => {
      const { world, page, card, pass } = await open(t, five);
      const one = card('a.example');
      await one.getByLabel('How long').selectOption(time);
      await pass(600);
      await button(one, 'Allow').click();
      if (time === 'always') {
        await pass(600);
        await button(page.getByRole('dialog'), 'Allow always').click();
      }
      await button(one, 'Undo').waitFor();
      await pass(9000);
      await button(one, 'Undo').click();
      await one.getByText('undone · 1 connection closed').waitFor();
      assert.deepEqual(world.asked, ['undo k1']);
    });
  }

  it('offers Undo for an answer that an alert of the page gave, and for none of elsewhere', async (t) => {
    const scene = await open(t, five);
    const { world, card } = scene;
    await endTwo(scene);
    const at = new Date().toISOString();
    world.answers.unshift(makeAnswer({ id: 'k1', approver: 'sam', surface: 'page', at }));
    world.groups.delete('k1');
    world.mark('answers', 'groups');
    await card('a.example').getByText('allowed once by sam (page)').waitFor();
    for (const host of ['b.example', 'd.example']) {
      assert.equal(await button(card(host), 'Undo').count(), 0);
    }
    await button(card('a.example'), 'Undo').click();
    await card('a.example').getByText('undone · 1 connection closed').waitFor();
    assert.deepEqual(world.asked, ['undo k1']);
  });
});

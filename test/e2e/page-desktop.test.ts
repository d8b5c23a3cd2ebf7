// The page's alerts on a desktop without a screen: Chromium's own notifications, shown by dunst, answered by real
// clicks of the mouse.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { openPageIn, startBrowserOn } from '../support/browser.ts';
import { eventually } from '../support/daemon.ts';
import { startDesktop, type Desktop, type Point } from '../support/desktop.ts';
import { openPageBench, type PageBench } from '../support/page-bench.ts';
import { makeGroup } from '../support/views.ts';

/** Backgrounds of a notification in the test's dunstrc, urgent and not. */
const colours = [
  [0x12, 0x34, 0x56],
  [0x23, 0x45, 0x67],
] as const;

describe("the page's alerts on a desktop", { timeout: 120_000 }, () => {
  let desktop: Desktop & { readonly close: () => Promise<void> };
  let browser: BrowserContext;
  before(async () => {
    desktop = await startDesktop();
    await desktop.startDunst();
    browser = await startBrowserOn(desktop.env, join(desktop.folder, 'chromium'));
    await browser.grantPermissions(['notifications']);
  });
  after(async () => {
    await browser.close();
    await desktop.close();
  });

  async function open(context: TestContext): Promise<{ world: PageBench; page: Page }> {
    const world = await openPageBench(context);
    const watched = await openPageIn(browser);
    context.after(async () => {
      await watched.page.close();
      assert.deepEqual(watched.complaints, []);
    });
    const { page } = watched;
    await page.goto(world.link());
    await page.evaluate('document.hasFocus = () => false');
    await page.getByRole('button', { name: 'Alerts off' }).click();
    await page.getByRole('button', { name: 'Alerts on' }).waitFor();
    return { world, page };
  }

  /** A click with the left button on the notification, and this word picked from the actions it offers. */
  async function pick(word: string): Promise<string> {
    const offered = join(desktop.folder, 'offered');
    rmSync(offered, { force: true });
    writeFileSync(join(desktop.folder, 'choice'), word);
    const at = await Promise.any<Point>(
      colours.map(async (colour) => await desktop.findColour(colour, 2000)),
    );
    await desktop.click(at);
    return await eventually('the actions are offered', () => {
      try {
        return readFileSync(offered, 'utf8') || undefined;
      } catch {
        return undefined;
      }
    });
  }

  for (const [word, outcome] of [
    ['Deny', 'deny'],
    ['Allow once', 'allow'],
  ] as const) {
    it(`take a click on ${word} as the answer`, async (t) => {
      const { world, page } = await open(t);
      world.ask(makeGroup());
      await page.locator('.card .deny:not([aria-disabled])').first().waitFor();
      const offered = await pick(word);
      assert.match(offered, /Deny/);
      assert.match(offered, /Allow once/);
      await page
        .locator('.card')
        .getByText(/(denied|allowed) once/)
        .waitFor();
      assert.deepEqual(world.given, [{ id: 'k3', outcome, for: 'once', revision: 1 }]);
    });
  }

  it('offer no allow for a warned host', async (t) => {
    const { world, page } = await open(t);
    world.ask(makeGroup({ quickAllow: false, warnings: ['It looks like another name.'] }));
    await page.locator('.card .deny:not([aria-disabled])').first().waitFor();
    await desktop.picture('page-alert');
    assert.doesNotMatch(await pick('Deny'), /Allow/);
    await page.locator('.card').getByText('denied once').waitFor();
  });
});

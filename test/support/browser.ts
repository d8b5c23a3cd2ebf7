// Drives the real Chromium of this machine for tests of the page, and notes everything the browser complains of.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** `--no-sandbox` since tests run as root; the browser's own traffic to the outside is cut off. */
const chromiumOptions = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-proxy-server',
    '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
};

/** A browser without a screen. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch(chromiumOptions);
}

/**
 * A browser on a desktop, whose notifications are that desktop's. It has a profile of its own in this folder: from
 * the passing contexts of a browser, clicks on notifications get lost.
 */
export async function startBrowserOn(
  desktop: NodeJS.ProcessEnv,
  folder: string,
): Promise<BrowserContext> {
  const options = { ...chromiumOptions, headless: false, env: withoutGaps(desktop) };
  return await chromium.launchPersistentContext(folder, { ...options, viewport: null });
}

function withoutGaps(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** A page and what went wrong on it. */
export interface WatchedPage {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Breaches of the content security policy, exceptions, and errors on the console other than answers of 4xx. */
  readonly complaints: readonly string[];
}

/** Opens a page in a context of its own. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  return await openPageIn(
    await browser.newContext({ viewport: { width: 1000, height: 800 }, ...options }),
  );
}

/** Opens a page. */
export async function openPageIn(context: BrowserContext): Promise<WatchedPage> {
  const complaints: string[] = [];
  await context.addInitScript({ content: tellViolations });
  await context.addInitScript({ content: readFileSync(axeFile, 'utf8') });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() !== 'error' || text.startsWith('Failed to load resource')) return;
    complaints.push(text);
  });
  page.setDefaultTimeout(10_000);
  return { context, page, complaints };
}

/** Runs in the browser, before the page's own scripts. */
const tellViolations = `document.addEventListener('securitypolicyviolation', (event) => {
  console.error('csp:', event.violatedDirective, event.blockedURI, event.sample);
});`;

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe-core finds wrong on the page as it stands: the rule and the elements. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`,
    );
  });
}

interface Axe {
  readonly run: (options: object) => Promise<{
    readonly violations: readonly { id: string; nodes: readonly { html: string }[] }[];
  }>;
}

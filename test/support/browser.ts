// Drives the real Chromium of this machine for tests of the page, and notes everything the browser complains of.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** The browser; `--no-sandbox` since tests run as root. Its own traffic to the outside is cut off. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-proxy-server',
      '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
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
  const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
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

import { afterAll, afterEach, beforeAll } from '@jest/globals';
import puppeteer, { type Browser, type BrowserContext, type Page } from 'puppeteer-core';
import { chromium } from './machine-tools.js';

/** A page, and what went wrong on it. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors of the console, of scripts, and requests that failed. */
  readonly troubles: string[];
}

/** How tests look at pages. */
export interface Browsers {
  /** A new page, with credentials; closed after the test. */
  open(options?: { width?: number; height?: number; isDark?: boolean }): Promise<WatchedPage>;
}

/** A headless Chromium for the tests of a block. To be asked for before the applications: their servers wait for its connections. */
export function useBrowser(credentials?: { username: string; password: string }): Browsers {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    if (chromium === undefined) return;
    // Root has no sandbox in Chromium, and containers have a small /dev/shm.
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars'];
    browser = await puppeteer.launch({ executablePath: chromium, args });
  }, 60_000);
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(() => browser?.close());
  return {
    async open({ width = 1280, height = 860, isDark = false } = {}) {
      if (browser === undefined) throw new Error('There is no browser.');
      const context = await browser.createBrowserContext();
      contexts.push(context);
      const page = await context.newPage();
      await page.setViewport({ width, height });
      const scheme = { name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' };
      await page.emulateMediaFeatures([scheme]);
      if (credentials !== undefined) await page.authenticate(credentials);
      const troubles: string[] = [];
      page.on('console', (line) => {
        if (line.type() === 'error' || line.type() === 'warn') troubles.push(line.text());
      });
      page.on('pageerror', (error) => troubles.push(String(error)));
      return { page, troubles };
    },
  };
}

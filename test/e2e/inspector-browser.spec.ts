import { describe, expect } from '@jest/globals';
import type { SerializedAXNode } from 'puppeteer-core';
import { useBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { startInspected } from '../support/inspected-apps.js';
import { chromium, itWhere } from '../support/machine-tools.js';
import { fillFile } from '../support/many-entries.js';
import { useNestApps } from '../support/nest-apps.js';

const it = itWhere(chromium !== undefined, 'Chromium');

const VIEWS = ['', 'namespaces', 'keys', 'tags', 'locks', 'cluster', 'factories', 'jobs', 'events'];
/** Those that show no key, tag or name, or only while it happens. */
const NAMELESS = ['', 'namespaces', 'cluster', 'events'];
const HOSTILE = `</script><img src=x onerror="document.title='broken'">`;
const MILLION = 1_000_000;
const LIMIT_MS = 120_000;

/** Roles that need a name. */
const USED = ['button', 'link', 'textbox', 'combobox', 'image', 'region', 'navigation'];

function allOf(node: SerializedAXNode): SerializedAXNode[] {
  return [node, ...(node.children ?? []).flatMap(allOf)];
}

describe('the inspector in Chromium', () => {
  const browsers = useBrowser({ username: 'admin', password: 'secret' });
  const strangers = useBrowser();
  const apps = useNestApps();

  it(
    'shows a hostile key as text, in each view',
    async () => {
      const { cache, url } = await startInspected(apps, { inspector: { values: true } });
      await cache.wrap(HOSTILE, () => HOSTILE, { tags: [HOSTILE] });
      await cache.lock(HOSTILE, { ttl: '1m' }).acquire();
      await cache.runOnce(HOSTILE, { window: '1h' }, () => undefined);
      const { page, troubles } = await browsers.open();
      const entry = new URLSearchParams({ namespace: 'default', key: HOSTILE });

      for (const view of [...VIEWS, `keys?${entry}`]) {
        await page.goto(`${url}/${view}`);
        if (view === 'events') await page.waitForSelector('#state.on');
        expect(await page.$$eval('#view img, #view script', (found) => found.length)).toBe(0);
        if (!NAMELESS.includes(view)) {
          expect(await page.$eval('#view', ({ textContent }) => textContent)).toContain(HOSTILE);
        }
        expect(await page.title()).toMatch(/ · HyperCache$/);
      }
      expect(troubles).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'moves while the node works, until it is paused',
    async () => {
      const { cache, url } = await startInspected(apps);
      const { page, troubles } = await browsers.open();
      await page.goto(`${url}/namespaces`);
      await page.waitForSelector('#state.on');
      const entries = (): Promise<string | null> =>
        page.$eval('#namespaces', ({ textContent }) => textContent);

      await cache.set('a', 1);
      await eventually(async () => expect(await entries()).toMatch(/default1–/));
      await cache.set('b', 1);
      await eventually(async () => expect(await entries()).toMatch(/default2–/));

      await page.click('#pause');
      expect(await page.$eval('#state', ({ textContent }) => textContent)).toBe('paused');
      await page.click('#pause');
      await page.waitForSelector('#state.on');
      expect(troubles).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'deletes an entry, by the keyboard',
    async () => {
      const { cache, url } = await startInspected(apps, { inspector: { actions: true } });
      await cache.set('a', 1);
      await cache.set('b', 1);
      const { page, troubles } = await browsers.open();
      page.on('dialog', (dialog) => void dialog.accept());
      await page.goto(`${url}/keys`);

      await page.focus('[data-question="Delete the entry a?"]');
      await page.keyboard.press('Enter');
      await page.waitForFunction(`document.getElementById('message').textContent !== ''`);

      expect(await page.$eval('#message', ({ textContent }) => textContent)).toBe(
        'The entry a is deleted.',
      );
      await eventually(async () =>
        expect(await page.$$eval('a.key', (keys) => keys.map((key) => key.textContent))).toEqual([
          'b',
        ]),
      );
      await expect(cache.get('a')).resolves.toBeUndefined();
      expect(troubles).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'gives nothing to a stranger',
    async () => {
      const { cache, url } = await startInspected(apps);
      await cache.set('secret-key', 1);
      const { page } = await strangers.open();

      for (const view of [...VIEWS, 'stream?view=']) {
        const response = await page.goto(`${url}/${view}`).catch(() => undefined);
        expect(response?.status() ?? 401).toBe(401);
        // The browser leaves for a page of its own.
        expect(await eventually(() => page.content())).not.toMatch(/secret-key|data-live/);
      }
    },
    LIMIT_MS,
  );

  it(
    'fits a phone, in each view',
    async () => {
      const { cache, url } = await startInspected(apps, { inspector: { actions: true } });
      await cache.wrap('k'.repeat(300), () => 1, { tags: ['t'.repeat(100)] });
      await cache.lock('l'.repeat(200), { ttl: '1m' }).acquire();
      await cache.runOnce('j'.repeat(200), { window: '1h' }, () => undefined);
      const { page, troubles } = await browsers.open({ width: 360, height: 700 });

      for (const view of VIEWS) {
        await page.goto(`${url}/${view}`);
        const width = await page.evaluate('document.scrollingElement.scrollWidth');
        expect([view, width]).toEqual([view, 360]);
      }
      expect(troubles).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'names all that can be used, and begins with a way past the menu',
    async () => {
      const { cache, url } = await startInspected(apps, { inspector: { actions: true } });
      await cache.wrap('a', () => 1, { tags: ['b'] });
      await cache.lock('c', { ttl: '1m' }).acquire();
      const { page } = await browsers.open();

      for (const view of VIEWS) {
        await page.goto(`${url}/${view}`);
        const tree = await page.accessibility.snapshot();
        const nodes = tree === null ? [] : allOf(tree);
        const nameless = nodes.filter(
          ({ role, name = '' }) => USED.includes(role) && name.trim() === '',
        );
        expect([view, nameless]).toEqual([view, []]);
        expect(nodes.filter(({ role }) => role === 'link').length).toBeGreaterThan(VIEWS.length);
        expect(await page.$$eval('h1', (found) => found.length)).toBe(1);
        await page.keyboard.press('Tab');
        expect(await page.evaluate('document.activeElement.className')).toBe('skip');
      }
    },
    LIMIT_MS,
  );

  it(
    'renders with a million entries',
    async () => {
      const sqlitePath = apps.directory();
      const first = await startInspected(apps, { cache: { sqlitePath } });
      await first.cache.set('first', 1);
      await first.app.close();
      fillFile(sqlitePath, MILLION);
      const { url } = await startInspected(apps, { cache: { sqlitePath } });
      const { page, troubles } = await browsers.open();

      for (const view of VIEWS) {
        const response = await page.goto(`${url}/${view}`);
        expect(response?.status()).toBe(200);
      }
      await page.goto(`${url}/namespaces`);
      expect(await page.$eval('#namespaces', ({ textContent }) => textContent)).toContain(
        '1,000,001',
      );
      await page.goto(`${url}/keys?prefix=key:05`);
      await page.waitForSelector('.pager a');
      await page.click('.pager a');
      await page.waitForSelector('a.key');
      expect(await page.$eval('a.key', ({ textContent }) => textContent)).toBe('key:0500100');
      expect(troubles).toEqual([]);
    },
    LIMIT_MS,
  );
});

import { describe, expect } from '@jest/globals';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { useBrowser } from '../support/browser.js';
import { startInspected } from '../support/inspected-apps.js';
import { playScene, SCENE_TOKEN, SceneClockModule } from '../support/inspected-scene.js';
import { chromium, itWhere } from '../support/machine-tools.js';
import { useNestApps } from '../support/nest-apps.js';

const it = itWhere(chromium !== undefined, 'Chromium');

/** Where the images of docs/inspector.md go when they are made again: SCREENSHOTS=docs/images. */
const { SCREENSHOTS } = process.env;
const MAX_BYTES = 120_000;
const VIEWS = [
  ['overview', ''],
  ['namespaces', 'namespaces'],
  ['keys', 'keys?prefix=product'],
  ['entry', 'keys?namespace=default&key=product%3A7'],
  ['tags', 'tags'],
  ['locks', 'locks'],
  ['cluster', 'cluster'],
  ['factories', 'factories'],
  ['jobs', 'jobs'],
  ['events', 'events'],
] as const;

describe('the images of the inspector', () => {
  const browsers = useBrowser({ username: 'admin', password: 'secret' });
  const apps = useNestApps();

  it('show each view of a node at work, light, dark and on a phone', async () => {
    const directory = SCREENSHOTS ?? apps.directory();
    mkdirSync(directory, { recursive: true });
    const primary = await startInspected(apps, {
      inspector: { imports: [SceneClockModule], actions: true, values: true },
      cache: { apiToken: SCENE_TOKEN, durability: 'relaxed' },
    });
    const { origin } = new URL(primary.url);
    await playScene(primary, { apps, primaryUrl: origin });
    const shoot = async (
      name: string,
      path: string,
      options: Parameters<typeof browsers.open>[0] = {},
    ): Promise<void> => {
      const { page, troubles } = await browsers.open({ width: 1200, height: 760, ...options });
      await page.goto(`${primary.url}/${path}`);
      if (name === 'events') {
        await page.waitForSelector('#state.on');
        await primary.cache.mget(Array.from({ length: 9 }, (_, id) => `product:${id * 31}`));
        await page.waitForFunction(`document.querySelectorAll('#events tr').length > 9`);
      }
      const file = join(directory, `inspector-${name}.png`);
      await page.screenshot({ path: file as `${string}.png` });
      await page.close();
      expect(troubles).toEqual([]);
      expect(statSync(file).size).toBeLessThan(MAX_BYTES);
    };

    for (const [name, path] of VIEWS) await shoot(name, path);
    await shoot('dark', '', { isDark: true });
    await shoot('phone', '', { width: 390, height: 844, isDark: true });
  }, 180_000);
});

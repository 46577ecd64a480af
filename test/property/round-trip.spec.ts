import { describe, expect, it } from '@jest/globals';
import fc, { draws } from '../support/fast-check.js';
import type { HyperCacheNode, NodeCache } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { startApi } from '../support/api-apps.js';
import { apiClient } from '../support/api-client.js';
import { campaign } from '../support/campaign.js';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { show, storable, storableKey } from '../support/values.js';

const RUNS = 12 * campaign.factor;
const TIMEOUT_MS = 60_000 * campaign.factor;

const entries = fc.uniqueArray(fc.tuple(storableKey, storable), {
  minLength: 1,
  maxLength: 4,
  selector: ([key]) => key,
});
type Entries = [key: string, value: unknown][];

/** Everything on the way to a caller and back: memory of every kind, and the file. */
const LAYERS: readonly (readonly [what: string, options: HyperCacheOptions])[] = [
  ['copied from memory', { isolation: 'copy' }],
  ['frozen in memory', { isolation: 'freeze' }],
  ['shared in memory', { isolation: 'share' }],
  ['read from the file', { l1: false }],
];

async function expectEntries(cache: NodeCache, expected: Entries): Promise<void> {
  for (const [key, value] of expected) expect(show(await cache.get(key))).toBe(show(value));
  const values = await cache.mget(expected.map(([key]) => key));
  expect(show(values)).toBe(show(expected.map(([, value]) => value)));
}

async function store(cache: NodeCache, given: Entries): Promise<void> {
  await Promise.all(given.map(([key, value]) => cache.set(key, value)));
}

/** Resolves when a replica shows what its primary has committed. */
async function caughtUp(replica: HyperCacheNode, primary: HyperCacheNode): Promise<void> {
  const { revision } = await primary.stats();
  await eventually(async () => {
    expect((await replica.stats()).revision).toBeGreaterThanOrEqual(revision);
  });
}

describe.each(LAYERS)('Any keys and values, %s', (_what, options) => {
  const clusters = useDirectClusters();

  it(
    'come back on the primary as they went in',
    async () => {
      const cache = (await clusters.primary(options)).cache('default');
      await fc.assert(
        fc.asyncProperty(entries, async (given) => {
          await store(cache, given);
          await expectEntries(cache, given);
        }),
        draws(RUNS),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'come back on a secondary that was told of them by its primary',
    async () => {
      const primary = await clusters.primary();
      const { node, cache } = await clusters.secondary(primary, options);
      await fc.assert(
        fc.asyncProperty(entries, async (given) => {
          await store(primary.cache('default'), given);
          await caughtUp(node, primary);
          await expectEntries(cache, given);
        }),
        draws(RUNS),
      );
    },
    TIMEOUT_MS,
  );

  it.each([
    ['synchronously', false],
    ['asynchronously', true],
  ])(
    'come back on a secondary that wrote them %s, and on its primary',
    async (_how, asyncRequests) => {
      const primary = await clusters.primary();
      const { node, cache } = await clusters.secondary(primary, { ...options, asyncRequests });
      await fc.assert(
        fc.asyncProperty(entries, async (given) => {
          await store(cache, given);
          await expectEntries(cache, given);
          await node.flush();
          await expectEntries(primary.cache('default'), given);
          await caughtUp(node, primary);
          await expectEntries(cache, given);
        }),
        draws(RUNS),
      );
    },
    TIMEOUT_MS,
  );
});

describe('Any keys and values', () => {
  const clusters = useDirectClusters();

  it(
    'come back after a restart, and from a snapshot',
    async () => {
      const sqlitePath = clusters.directory();
      const first = await clusters.primary({ sqlitePath });
      const all = fc.sample(entries, RUNS).flat();
      await store(first.cache('default'), all);
      await first.close();
      const expected: Entries = [...new Map(all)];

      const primary = await clusters.primary({ sqlitePath });
      const { node, cache } = await clusters.secondary(primary);
      await caughtUp(node, primary);

      await expectEntries(primary.cache('default'), expected);
      await expectEntries(cache, expected);
    },
    TIMEOUT_MS,
  );
});

/** What docs/http-api.md says of what JSON cannot express. */
function asDocumented(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map || value instanceof Set) return Array.from(value, asDocumented);
  if (Array.isArray(value)) return value.map(asDocumented);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, asDocumented(field)]));
}

/** A path cannot carry these: most clients resolve them. */
const pathKey = storableKey.filter((key) => key !== '.' && key !== '..');

/** As JSON.parse makes them; -0 does not exist there. */
const jsonValue = storable.map(asDocumented);

describe.each(PLATFORMS)('Any keys and values, through the JSON API on %s,', (platform) => {
  const apps = useNestApps();

  async function start() {
    const { app, url } = await startApi(apps, platform, 'listen');
    return { call: apiClient(url), cache: app.get(HyperCache) };
  }

  it(
    'come out as documented',
    async () => {
      const { call, cache } = await start();
      await fc.assert(
        fc.asyncProperty(pathKey, storable, async (key, value) => {
          await cache.set(key, value);
          const { status, body } = await call('GET', `/cache/${encodeURIComponent(key)}`);
          expect(status).toBe(200);
          expect(show(body)).toBe(
            show({
              key,
              value: asDocumented(value),
              revision: Object(body).revision,
              expiresAt: null,
            }),
          );
        }),
        draws(RUNS),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'come in as they were sent',
    async () => {
      const { call, cache } = await start();
      await fc.assert(
        fc.asyncProperty(pathKey, jsonValue, async (key, value) => {
          const { status } = await call('POST', `/cache/${encodeURIComponent(key)}`, { value });
          expect(status).toBe(200);
          expect(show(await cache.get(key))).toBe(show(value));
        }),
        draws(RUNS),
      );
    },
    TIMEOUT_MS,
  );
});

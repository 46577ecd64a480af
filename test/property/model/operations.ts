import fc from '../../support/fast-check.js';
import { types } from 'node:util';
import { NotAnIntegerError } from '../../../lib/common/errors.js';
import type { NodeCache } from '../../../lib/node/hyper-cache-node.js';
import type { CacheModel } from './cache-model.js';

type Ttl = number | undefined;
type Tags = readonly string[];

interface Keyed {
  readonly key: string;
}

interface Stored extends Keyed {
  readonly value: unknown;
  readonly ttl: Ttl;
  readonly tags: Tags;
}

/** One call of a cache, as data. */
export type Operation =
  | ({ readonly kind: 'get' | 'has' | 'expiresAt' | 'delete' | 'pull' } & Keyed)
  | ({ readonly kind: 'set' | 'add' | 'wrap' } & Stored)
  | ({ readonly kind: 'touch'; readonly ttl: Ttl } & Keyed)
  | ({
      readonly kind: 'increment';
      readonly by: number;
      readonly initial: number;
      readonly ttl: Ttl;
    } & Keyed)
  | { readonly kind: 'mget'; readonly keys: readonly string[] }
  | { readonly kind: 'deletePrefix' | 'keys'; readonly prefix: string }
  | { readonly kind: 'deleteTag'; readonly tag: string }
  | { readonly kind: 'clear' };

/** The outcome of an increment of something that is no counter. */
const REFUSED = 'refused';

/** Few, so that operations meet; some are prefixes of others, some lie at the edges of Unicode. */
export const KEYS = [
  'a',
  'ab',
  'a\0',
  'a\0b',
  'a\u{10ffff}',
  '\ud7ff',
  '\ud7ffz',
  '\ue000',
  '\u{10ffff}\u{10ffff}',
  '日本',
  '__proto__',
  'constructor',
] as const;

const key = fc.constantFrom(...KEYS);
const prefix = fc.constantFrom('', 'a', 'a\0', 'a\0b', '\ud7ff', '\u{10ffff}', '日', 'none');
const tag = fc.constantFrom('red', 'gr\0een', 'blue');
const tags = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Tags>([]) },
  { weight: 1, arbitrary: fc.uniqueArray(tag, { maxLength: 3 }) },
);
const ttl = fc.constantFrom<Ttl[]>(undefined, 0, -5, 1, 40, 100, 1000, 60_000);
const positiveTtl = fc.constantFrom<Ttl[]>(undefined, 0, 1, 40, 1000);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(null, true, '', 'text', NaN, 2 ** 53, 'x'.repeat(3000)) },
  { weight: 1, arbitrary: fc.array(fc.nat(9)).map((list) => ({ id: list.length, list })) },
  { weight: 1, arbitrary: fc.nat().map((ms) => ({ at: new Date(ms), of: new Map([[ms, [ms]]]) })) },
);
/** Practically never the same twice. */
const unique = fc.noBias(fc.integer({ min: 1_000_000, max: 2 ** 40 }));
/** It shows which factory was called, if any. */
const made = unique.map((n) => (n % 2 === 0 ? n : { n, at: new Date(n) }));

/** Operations on one cache. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('get' as const), key }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value, ttl, tags }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('has', 'expiresAt', 'pull'), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), key, value, ttl, tags }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wrap' as const),
      key,
      value: made,
      ttl: positiveTtl,
      tags,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('touch' as const), key, ttl }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('increment' as const),
      key,
      by: fc.integer({ min: -2, max: 2 }),
      // Far from all values: it shows whether the counter was found.
      initial: unique,
      ttl,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('mget' as const),
      keys: fc.array(key, { maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('deletePrefix', 'keys'), prefix }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deleteTag' as const), tag }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
);

/** Calls the cache; the operation has begun when this returns. */
export async function issue(cache: NodeCache, op: Operation): Promise<unknown> {
  switch (op.kind) {
    case 'get':
    case 'has':
    case 'expiresAt':
    case 'delete':
    case 'pull':
      return cache[op.kind](op.key);
    case 'set':
      await handOver(op.value, (own) => cache.set(op.key, own, op));
      return undefined;
    case 'add':
      return handOver(op.value, (own) => cache.add(op.key, own, op));
    case 'wrap': {
      const entry = cache.wrap(op.key, () => structuredClone(op.value), op);
      // A hit is there at once, and may change with the next set.
      return cache.release('then' in entry ? (await entry).value : entry.value);
    }
    case 'touch':
      return cache.touch(op.key, op.ttl);
    case 'increment':
      return cache.increment(op.key, op.by, op).catch((error: unknown) => {
        if (error instanceof NotAnIntegerError) return REFUSED;
        throw error;
      });
    case 'mget':
      return cache.mget(op.keys);
    case 'keys':
      return collect(cache.keys(op.prefix));
    case 'deletePrefix':
      return cache.deletePrefix(op.prefix);
    case 'deleteTag':
      return cache.deleteTag(op.tag);
    case 'clear':
      return cache.clear();
  }
}

/** What the model says the operation does. */
export function predict(model: CacheModel, op: Operation): unknown {
  switch (op.kind) {
    case 'get':
      return model.get(op.key);
    case 'has':
      return model.live(op.key) !== undefined;
    case 'expiresAt':
      return model.live(op.key)?.expiresAt;
    case 'delete':
      return model.delete(op.key);
    case 'pull':
      return model.pull(op.key);
    case 'set':
      return model.set(op.key, op.value, op.ttl, op.tags);
    case 'add':
      return model.add(op.key, op.value, op.ttl, op.tags);
    case 'wrap':
      return model.wrap(op.key, op.value, op.ttl, op.tags);
    case 'touch':
      return model.touch(op.key, op.ttl);
    case 'increment':
      return model.increment(op.key, op.by, op.initial, op.ttl);
    case 'mget':
      return op.keys.map((each) => model.get(each));
    case 'keys':
      return model.liveKeys(op.prefix);
    case 'deletePrefix':
      return model.deletePrefix(op.prefix);
    case 'deleteTag':
      return model.deleteTag(op.tag);
    case 'clear':
      return model.clear();
  }
}

/** Calls with a copy of the value and spoils the copy as soon as the call has returned. */
function handOver<T>(given: unknown, call: (own: unknown) => T): T {
  const own: unknown = structuredClone(given);
  const result = call(own);
  spoil(own);
  return result;
}

/** Changes whatever of a value can be changed: nobody else may notice. */
export function spoil(given: unknown): void {
  if (typeof given !== 'object' || given === null || Object.isFrozen(given)) return;
  if (types.isDate(given)) given.setTime(0);
  else if (types.isMap(given)) given.set('spoilt', true);
  else for (const part of Object.values(given)) spoil(part);
  if (Array.isArray(given)) given.push('spoilt');
  else Object.assign(given, { spoilt: true });
}

async function collect(keys: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const each of keys) all.push(each);
  return all;
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc, { draws } from '../support/fast-check.js';
import { rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NodeCache } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { deferred } from '../support/deferred.js';
import { makeTemporaryDirectory } from '../support/temporary-directory.js';
import { SystemUnderTest } from './model/system-under-test.js';

const KEYS = ['a', 'ab', 'b'] as const;
type Key = (typeof KEYS)[number];

const INVALIDATIONS = ['delete', 'pull', 'set', 'setExpired', 'clear', 'prefix', 'tag'] as const;
const READS = ['get', 'mget', 'find', 'getWithRevision', 'wrap'] as const;

type Step =
  | { readonly do: 'wrap'; readonly key: Key; readonly ttl: number; readonly threshold: number }
  | { readonly do: 'release'; readonly which: number }
  | {
      readonly do: 'invalidate';
      readonly key: Key;
      readonly how: (typeof INVALIDATIONS)[number];
      readonly isAwaited: boolean;
    }
  | { readonly do: 'read'; readonly key: Key; readonly how: (typeof READS)[number] }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'turn' | 'flush' | 'maintain' };

const key = fc.constantFrom(...KEYS);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('wrap' as const),
        key,
        ttl: fc.constantFrom(0, 100),
        threshold: fc.constantFrom(0, 80),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(5) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('invalidate' as const),
        key,
        how: fc.constantFrom(...INVALIDATIONS),
        isAwaited: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        key,
        how: fc.constantFrom(...READS),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(30, 100) }),
    },
    { weight: 3, arbitrary: fc.constant<Step>({ do: 'turn' }) },
    { weight: 1, arbitrary: fc.constantFrom<Step[]>({ do: 'flush' }, { do: 'maintain' }) },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
);

/**
 * An origin whose every state has a larger number than all before, and a cache of it. The number that a read may
 * return at least is the origin's when the last invalidation that is over was begun.
 */
class Origin {
  #state = 0;
  readonly #states: Record<Key, number> = { a: 0, ab: 0, b: 0 };
  readonly #floors: Record<Key, number> = { a: 0, ab: 0, b: 0 };
  readonly #held: (() => void)[] = [];
  readonly #running: Promise<unknown>[] = [];

  constructor(
    private readonly cache: NodeCache,
    private readonly system: SystemUnderTest,
  ) {}

  async perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'wrap':
        this.#running.push(this.#wrap(step.key, step.ttl, step.threshold));
        return;
      case 'release':
        this.#held.splice(step.which % Math.max(1, this.#held.length), 1)[0]?.();
        return;
      case 'invalidate': {
        const over = this.#invalidate(step.key, step.how);
        if (step.isAwaited) await over;
        else this.#running.push(over);
        return;
      }
      case 'read':
        await this.#read(step.key, step.how);
        return;
      case 'advance':
        this.system.clock.advance(step.ms);
        return;
      case 'turn':
        await nextTurn();
        return;
      default:
        await this.system[step.do]();
    }
  }

  async finish(): Promise<void> {
    await this.#releaseUntil(Promise.all(this.#running));
    // Refreshes in the background are owned by nobody: let them end.
    for (let i = 0; i < 3; i++) await this.#releaseUntil(nextTurn());
    for (const each of KEYS) for (const how of READS) await this.#read(each, how);
  }

  /** Lets all factories go, also those that begin now, until the promise is settled. */
  async #releaseUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => {
      isSettled = true;
    });
    while (!isSettled) {
      for (const release of this.#held.splice(0)) release();
      await Promise.race([settled, nextTurn()]);
    }
    return settled;
  }

  async #wrap(name: Key, ttl: number, refreshThreshold: number): Promise<void> {
    const floor = this.#floors[name];
    const gate = deferred<void>();
    const factory = async (): Promise<number> => {
      const state = this.#states[name];
      this.#held.push(gate.resolve);
      await gate.promise;
      return state;
    };
    const { value } = await this.cache.wrap(name, factory, { ttl, refreshThreshold, tags: [name] });
    expect(value).toBeGreaterThanOrEqual(floor);
  }

  async #read(name: Key, how: (typeof READS)[number]): Promise<void> {
    const floor = this.#floors[name];
    const found = await this.#find(name, how);
    if (found !== undefined) expect(found).toBeGreaterThanOrEqual(floor);
  }

  async #find(name: Key, how: (typeof READS)[number]): Promise<unknown> {
    switch (how) {
      case 'get':
        return this.cache.get(name);
      case 'mget':
        return (await this.cache.mget([name]))[0];
      case 'find':
        return (await this.cache.find(name))?.value;
      case 'getWithRevision':
        return (await this.cache.getWithRevision(name)).value;
      case 'wrap': {
        const made = (): number => this.#states[name];
        // It may join a factory that the test holds.
        const entry = Promise.resolve(this.cache.wrap(name, made, { tags: [name] }));
        return (await this.#releaseUntil(entry)).value;
      }
    }
  }

  async #invalidate(name: Key, how: (typeof INVALIDATIONS)[number]): Promise<void> {
    const touched = KEYS.filter(
      (each) => each === name || how === 'clear' || (how === 'prefix' && each.startsWith(name)),
    );
    const state = ++this.#state;
    for (const each of touched) this.#states[each] = state;
    await this.#run(name, how, state);
    for (const each of touched) this.#floors[each] = Math.max(this.#floors[each], state);
  }

  #run(name: Key, how: (typeof INVALIDATIONS)[number], state: number): Promise<unknown> {
    const { cache } = this;
    switch (how) {
      case 'delete':
        return cache.delete(name);
      case 'pull':
        return cache.pull(name);
      case 'set':
        return cache.set(name, state, { tags: [name] });
      case 'setExpired':
        return cache.set(name, state, { ttl: -1 });
      case 'clear':
        return cache.clear();
      case 'prefix':
        return cache.deletePrefix(name);
      case 'tag':
        return cache.deleteTag(name);
    }
  }
}

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['by default', {}],
  ['with an L1 of one entry', { l1: { maxEntries: 1 } }],
  ['without L1', { l1: false }],
  ["with durability 'relaxed'", { durability: 'relaxed' }],
  ["with durability 'relaxed', without L1", { durability: 'relaxed', l1: false }],
  ['with room for two entries', { maxEntries: 2 }],
];

describe('what was deleted or overwritten never returns, whatever factories were at work', () => {
  let root = '';
  beforeAll(() => {
    root = makeTemporaryDirectory();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each(VARIANTS)('%s', async (_name, options) => {
    const system = new SystemUnderTest(root, options);
    let runs = 0;
    await system.start();
    try {
      await fc.assert(
        fc.asyncProperty(steps, async (some) => {
          const origin = new Origin(system.cache(`run ${runs++}`), system);
          for (const step of some) await origin.perform(step);
          await origin.finish();
        }),
        draws(250),
      );
    } finally {
      await system.stop();
    }
  });
});

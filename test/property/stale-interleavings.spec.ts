import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HyperCacheNode, NodeCache } from '../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../support/clusters.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import fc, { draws } from '../support/fast-check.js';
import { ManualClock } from '../support/manual-clock.js';

const KEYS = ['a', 'ab'] as const;
type Key = (typeof KEYS)[number];
type At = 0 | 1;

const KEPT = { ttl: 100, stale: 100, grace: 300 };
const POLICIES = {
  'stale at once': { ...KEPT, retryAfter: 50 },
  'in grace only': { ttl: 100, grace: 300, retryAfter: 50 },
  'in grace, at once': { ttl: 100, grace: 300, softTimeout: 0, retryAfter: 0 },
  'fresh only': { ttl: 100 },
  eager: { ...KEPT, eager: 0.3 },
} as const;

const CHANGES = ['set', 'delete', 'pull', 'tag', 'prefix', 'clear', 'expire', 'expireTag'] as const;
type Change = (typeof CHANGES)[number];

type Step =
  | {
      readonly do: 'wrap';
      readonly at: At;
      readonly key: Key;
      readonly policy: keyof typeof POLICIES;
      readonly fresh: boolean;
    }
  | { readonly do: 'end'; readonly which: number; readonly fails: boolean }
  | {
      readonly do: 'change';
      readonly at: At;
      readonly key: Key;
      readonly how: Change;
      readonly isAwaited: boolean;
    }
  | { readonly do: 'get'; readonly at: At; readonly key: Key }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'turn' | 'turns' | 'level' };

const at = fc.constantFrom<At[]>(0, 1);
const key = fc.constantFrom(...KEYS);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 7,
      arbitrary: fc.record({
        do: fc.constant('wrap' as const),
        at,
        key,
        policy: fc.constantFrom(
          ...(Object.keys(POLICIES) as (keyof typeof POLICIES)[]),
          'in grace only',
          'in grace only',
        ),
        fresh: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 9),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('end' as const),
        which: fc.nat(2),
        fails: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('change' as const),
        at,
        key,
        how: fc.constantFrom(...CHANGES),
        isAwaited: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), at, key }) },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(30, 101) }),
    },
    {
      weight: 6,
      arbitrary: fc.constantFrom<Step[]>({ do: 'turn' }, { do: 'turns' }, { do: 'level' }),
    },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
);

/** The origin has failed. What was deleted on the node by then must not stand in for it. */
class Down extends Error {
  constructor(readonly floor: number) {
    super('the origin is down');
  }
}

/** What a node may return of a key at least: the states of the origin when changes that are over were begun. */
interface Floor {
  /** As a fresh value. */
  fresh: number;
  /** At all: `expire` leaves a value to be served as stale. */
  kept: number;
}

const floors = (): Record<Key, Floor> => ({
  a: { fresh: 0, kept: 0 },
  ab: { fresh: 0, kept: 0 },
});

async function level(nodes: readonly HyperCacheNode[]): Promise<void> {
  await eventually(async () => {
    const revisions = await Promise.all(nodes.map(async (node) => (await node.stats()).revision));
    expect(new Set(revisions).size).toBe(1);
  });
}

/** An origin whose every state has a larger number than all before, and what two nodes have of it. */
class Origin {
  #state = 0;
  readonly #states: Record<Key, number> = { a: 0, ab: 0 };
  readonly #floors = [floors(), floors()] as const;
  readonly #held: ((fails: boolean) => void)[] = [];
  readonly #running: Promise<unknown>[] = [];
  readonly #changing: Promise<unknown>[] = [];

  constructor(
    private readonly nodes: readonly HyperCacheNode[],
    private readonly clock: ManualClock,
    private readonly namespace: string,
  ) {}

  #cache(node: At): NodeCache {
    const cache = this.nodes[node]?.cache(this.namespace);
    if (cache === undefined) throw new Error();
    return cache;
  }

  async perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'wrap':
        this.#running.push(this.#wrap(step));
        return;
      case 'end':
        this.#held.splice(step.which % Math.max(1, this.#held.length), 1)[0]?.(step.fails);
        return;
      case 'change': {
        // Of two writes at once on two nodes, either may be the last.
        const isWrite = step.how === 'set';
        if (isWrite) await Promise.all(this.#changing.splice(0));
        const over = this.#change(step);
        if (isWrite || step.isAwaited) await over;
        else this.#changing.push(over);
        return;
      }
      case 'get': {
        const floor = this.#floors[step.at][step.key].fresh;
        const found = await this.#cache(step.at).get(step.key);
        if (found !== undefined) expect(found).toBeGreaterThanOrEqual(floor);
        return;
      }
      case 'advance':
        this.clock.advance(step.ms);
        return;
      case 'level':
        await this.#level();
        return;
      case 'turns':
        for (let i = 0; i < 10; i++) await nextTurn();
        return;
      case 'turn':
        await nextTurn();
    }
  }

  async finish(): Promise<void> {
    let isOver = false;
    const over = Promise.all([...this.#running, ...this.#changing]).finally(() => (isOver = true));
    // Refreshes in the background end too.
    for (let turns = 0; !isOver || turns < 5; turns++) {
      for (const end of this.#held.splice(0)) end(false);
      await (isOver ? nextTurn() : Promise.race([over, nextTurn()]));
    }
    await over;
    await this.#level();
    for (const node of [0, 1] as const) {
      for (const each of KEYS) await this.perform({ do: 'get', at: node, key: each });
    }
  }

  async #wrap({ at: node, key: name, policy, fresh }: Step & { do: 'wrap' }): Promise<void> {
    const floor = { ...this.#floors[node][name] };
    const factory = async (): Promise<number> => {
      const state = this.#states[name];
      const gate = deferred<boolean>();
      this.#held.push(gate.resolve);
      if (await gate.promise) throw new Down(this.#floors[node][name].kept);
      return state;
    };
    try {
      const options = { ...POLICIES[policy], fresh, tags: [`tag of ${name}`] };
      const { value, reason, error } = await this.#cache(node).wrap(name, factory, options);
      const least = reason === undefined ? floor.fresh : floor.kept;
      expect(value).toBeGreaterThanOrEqual(least);
      if (error instanceof Down) expect(value).toBeGreaterThanOrEqual(error.floor);
    } catch (error) {
      if (!(error instanceof Down)) throw error;
    }
  }

  async #change({ at: node, key: name, how }: Step & { do: 'change' }): Promise<void> {
    const touched = KEYS.filter(
      (each) => each === name || how === 'clear' || (how === 'prefix' && each.startsWith(name)),
    );
    const state = ++this.#state;
    for (const each of touched) this.#states[each] = state;
    await this.#run(this.#cache(node), name, how, state);
    const own = this.#floors[node];
    for (const each of touched) {
      own[each].fresh = Math.max(own[each].fresh, state);
      if (!how.startsWith('expire')) own[each].kept = Math.max(own[each].kept, state);
    }
  }

  #run(cache: NodeCache, name: Key, how: Change, state: number): unknown {
    switch (how) {
      case 'set':
        return cache.set(name, state, { ...KEPT, tags: [`tag of ${name}`] });
      case 'delete':
        return cache.delete(name);
      case 'pull':
        return cache.pull(name);
      case 'tag':
        return cache.deleteTag(`tag of ${name}`);
      case 'prefix':
        return cache.deletePrefix(name);
      case 'clear':
        return cache.clear();
      case 'expire':
        return cache.expire(name);
      case 'expireTag':
        return cache.expireTag(`tag of ${name}`);
    }
  }

  /** Each node now knows what was over on the other one before. */
  async #level(): Promise<void> {
    const known = structuredClone(this.#floors);
    await level(this.nodes);
    for (const [i, own] of this.#floors.entries()) {
      const other = known[1 - i];
      for (const each of KEYS) {
        for (const kind of ['fresh', 'kept'] as const) {
          own[each][kind] = Math.max(own[each][kind], other?.[each][kind] ?? 0);
        }
      }
    }
  }
}

describe('Stale values on two nodes, with factories that take their time', () => {
  const clusters = useDirectClusters();

  it.each([
    ['by default', {}],
    ['without L1', { l1: false }],
  ] as const)('are never what was deleted before: %s', async (_name, options) => {
    const clock = new ManualClock();
    const primary = await clusters.primary(options, { clock });
    const { node } = await clusters.secondary(primary, options, { clock });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (some) => {
        const origin = new Origin([primary, node], clock, `run-${runs++}`);
        for (const step of some) await origin.perform(step);
        await origin.finish();
      }),
      draws(150),
    );
  });
});

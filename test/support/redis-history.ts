import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import { systemClock } from '../../lib/common/clock.js';
import { HyperCacheError } from '../../lib/common/errors.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { Operation } from './linearizability.js';
import { isLinked } from './redis-nodes.js';
import type { EntryInput, EntryOutput } from './models/entry-model.js';

/** What a run does. */
export interface HistoryPlan {
  readonly operations: number;
  readonly keys: number;
  /** Of each node, at a time. */
  readonly workers: number;
  readonly seed: number;
  /** How late a push may be, in ms: what memory holds may be out of date for so long, of what other nodes have done. */
  readonly lagMs: number;
  /** Which changes of many keys are among the operations. */
  readonly bulk: readonly Bulk[];
  /** Bytes of each value: more than 8 KiB are stored by a script. */
  readonly padding: number;
}

type Bulk = 'clear' | 'deletePrefix' | 'deleteTag';

type EntryOperation = Operation<EntryInput, EntryOutput>;

/** What became of a call. */
interface Counts {
  answered: number;
  /** Writes that may or may not have been executed. */
  unknown: number;
  /** Calls that were not executed, and reads that were misses because the server could not be asked. */
  refused: number;
}

const OPERATIONS =
  'get get get get get get getWithRevision set set set add setIf increment delete pull touch'.split(
    ' ',
  );
const BULK_SHARE = 0.02;

const now = (): number => systemClock.monotonic();

/** Random operations on a few keys by all nodes at once, and what was answered. */
export class RedisHistory {
  readonly byKey = new Map<string, EntryOperation[]>();
  readonly counts: Counts = { answered: 0, unknown: 0, refused: 0 };
  readonly codes = new Set<string>();
  readonly #random: () => number;
  #left: number;
  #values = 0;

  constructor(
    private readonly nodes: readonly HyperCacheNode[],
    private readonly plan: HistoryPlan,
  ) {
    this.#random = seededRandom(plan.seed);
    this.#left = plan.operations;
    for (let i = 0; i < plan.keys; i++) this.byKey.set(`${i % 2 === 0 ? 'a' : 'b'}-${i}`, []);
  }

  get isOver(): boolean {
    return this.#left <= 0;
  }

  async run(): Promise<void> {
    await Promise.all(
      this.nodes.flatMap((node) => {
        const view = new View(node);
        return Array.from({ length: this.plan.workers }, (_, i) => this.#work(view, i));
      }),
    );
  }

  /** `get` of a node sees what that has not committed yet (G3): so one worker of each node for each key. */
  async #work(view: View, worker: number): Promise<void> {
    const known = new Map<string, number>();
    const keys = Array.from(this.byKey.keys()).filter((_, i) => i % this.plan.workers === worker);
    while (this.#left > 0) {
      // Each answer in a turn of its own: memory answers at once.
      await (view.session === undefined ? delay(1) : nextTurn());
      if (view.session === undefined) continue;
      this.#left--;
      if (this.plan.bulk.length > 0 && this.#random() < BULK_SHARE) await this.#bulk(view);
      else await this.#single(view, this.#pick(keys), known);
    }
  }

  async #single(view: View, key: string, known: Map<string, number>): Promise<void> {
    const name = this.#pick(OPERATIONS);
    const [input, call] = this.#operation(view, key, name, known.get(key) ?? 0);
    const output = await this.#record(view, [key], input, call);
    if (output?.revision !== undefined) known.set(key, output.revision);
  }

  /** Deletes each key that it concerns at some moment of its own. */
  async #bulk(view: View): Promise<void> {
    const verb = this.#pick(this.plan.bulk);
    const prefix = this.#pick(['a', 'b']);
    const tag = this.#pick([0, 1, 2]);
    const keys = Array.from(this.byKey.keys());
    const concerned = {
      clear: keys,
      deletePrefix: keys.filter((key) => key.startsWith(prefix)),
      deleteTag: keys.filter((key) => tagOf(key) === `t${tag}`),
    }[verb];
    const call = {
      clear: () => view.cache.clear(),
      deletePrefix: () => view.cache.deletePrefix(prefix),
      deleteTag: () => view.cache.deleteTag(`t${tag}`),
    }[verb];
    await this.#record(view, concerned, { op: 'delete' }, async () => {
      await call();
      return {};
    });
  }

  async #record(
    view: View,
    keys: readonly string[],
    input: EntryInput,
    call: () => Promise<EntryOutput>,
  ): Promise<EntryOutput | undefined> {
    const calledAt = now();
    const isRead = input.op === 'get' || input.op === 'getWithRevision';
    const from = isRead ? view.earliest(keys[0] ?? '', calledAt - this.plan.lagMs) : calledAt;
    const session = view.session;
    let output: EntryOutput | undefined;
    try {
      output = await call();
    } catch (error) {
      if (!(error instanceof HyperCacheError)) throw error;
      this.codes.add(error.code);
      if (error.code !== 'HC_OUTCOME_UNKNOWN') {
        this.counts.refused++;
        return undefined;
      }
    }
    const isLost = session === undefined || session !== view.session;
    if (isRead && output?.value === null && isLost) {
      this.counts.refused++;
      return undefined;
    }
    this.counts[output === undefined ? 'unknown' : 'answered']++;
    // What was on a connection that has ended is executed by then, or never.
    const returnedAt = now();
    for (const key of keys) {
      this.byKey.get(key)?.push({ input, output, calledAt: from, returnedAt });
      if (output !== undefined) view.seen(key, calledAt);
    }
    return output;
  }

  #operation(
    { cache }: View,
    key: string,
    name: string,
    revision: number,
  ): [EntryInput, () => Promise<EntryOutput>] {
    const value = ++this.#values;
    const tag = tagOf(key);
    const options = tag === undefined ? {} : { tags: [tag] };
    // Numbers are not padded.
    const isCounter = this.plan.padding === 0 && Number(key.slice(2)) % 5 === 0;
    const stored = isCounter ? value : { value, padding: 'x'.repeat(this.plan.padding) };
    const numberOf = (found: unknown): number | null =>
      typeof found === 'object' && found !== null && 'value' in found
        ? Number(found.value)
        : ((found as number | undefined) ?? null);
    switch (name) {
      case 'get':
        return [{ op: 'get' }, async () => ({ value: numberOf(await cache.get(key)) })];
      case 'getWithRevision':
        return [
          { op: 'getWithRevision' },
          async () => {
            const found = await cache.getWithRevision(key);
            return { value: numberOf(found.value), revision: found.revision };
          },
        ];
      case 'set':
        return [
          { op: 'set', value },
          async () => ({ revision: await cache.set(key, stored, options) }),
        ];
      case 'add':
        return [
          { op: 'add', value },
          async () => ({ done: await cache.add(key, stored, options) }),
        ];
      case 'setIf':
        return [
          { op: 'setIf', value, revision },
          async () => {
            const { stored: done, revision: after } = await cache.setIf(
              key,
              stored,
              revision,
              options,
            );
            return { done, revision: after };
          },
        ];
      case 'increment':
        if (!isCounter) break;
        return [{ op: 'increment', by: 3 }, async () => ({ value: await cache.increment(key, 3) })];
      case 'pull':
        return [{ op: 'pull' }, async () => ({ value: numberOf(await cache.pull(key)) })];
      case 'touch':
        return [{ op: 'touch' }, async () => ({ done: await cache.touch(key, 0) })];
    }
    return [{ op: 'delete' }, async () => ({ done: await cache.delete(key) })];
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}

/** A node, and what it knows: it never goes back behind that. */
class View {
  readonly #known = new Map<string, number>();

  constructor(private readonly node: HyperCacheNode) {}

  get cache() {
    return this.node.cache('n');
  }

  /** Undefined while there is no connection. */
  get session(): number | undefined {
    const stats = this.node.stats();
    return 'engine' in stats && isLinked(this.node) ? stats.engine?.sessions : undefined;
  }

  earliest(key: string, from: number): number {
    return Math.max(from, this.#known.get(key) ?? 0);
  }

  /** An operation that was called then is answered. */
  seen(key: string, calledAt: number): void {
    this.#known.set(key, Math.max(this.#known.get(key) ?? 0, calledAt));
  }
}

/** A third of the keys has one, always the same. */
function tagOf(key: string): string | undefined {
  const number = Number(key.slice(2));
  return number % 3 === 1 && number % 5 !== 0
    ? `t${number % 9 === 1 ? 0 : number % 9 === 4 ? 1 : 2}`
    : undefined;
}

import { CacheWriter } from '../cache/cache-writer.js';
import { Presets } from '../cache/presets.js';
import { ReadThrough } from '../cache/read-through.js';
import { SetWriter } from '../cache/set-writer.js';
import { TieredCache } from '../cache/tiered-cache.js';
import { WriteEffects } from '../cache/write-effects.js';
import type { CacheEvents } from '../common/events.js';
import type { Random } from '../common/random.js';
import type { Engine } from '../engine/engine.js';
import { NamedCache } from './named-cache.js';
import type { Namespaces } from './namespaces.js';
import type { ResolvedOptions } from './options.js';

/** @internal */
export interface LocalCachesParts {
  readonly options: Pick<
    ResolvedOptions,
    'ttl' | 'isolation' | 'maxValueSize' | 'policies' | 'wrap' | 'timeout'
  >;
  readonly namespaces: Namespaces;
  readonly engine: Omit<Engine, 'leases'>;
  readonly random: Random;
  readonly events: CacheEvents;
  /** `set` and `del` resolve before their commit. */
  readonly isRelaxed: boolean;
  /** Called when a read fails; the read then counts as a miss. */
  readonly onReadError: (error: unknown) => void;
  /** Reports what no caller sees. */
  readonly onSilentError: (error: unknown, during: string) => void;
}

/**
 * The named caches of a node: the tiers over its engine, whichever it is.
 *
 * @internal
 */
export class LocalCaches {
  readonly #caches = new Map<string, NamedCache>();

  readonly #presets: Presets;

  constructor(private readonly parts: LocalCachesParts) {
    const { policies, wrap } = parts.options;
    const { graceOn: _asked, ...byDefault } = wrap;
    this.#presets = new Presets(policies, byDefault);
  }

  /** @throws {HC_ARGUMENT_INVALID} */
  cache(namespace: string, defaultTtl = this.parts.options.ttl): NamedCache {
    const known = this.#caches.get(namespace);
    if (known !== undefined) return known.withDefaultTtl(defaultTtl);
    const cache = this.#create(namespace, defaultTtl);
    this.#caches.set(namespace, cache);
    return cache;
  }

  /** Lets background refreshes end within the node's `timeout`; then aborts the factories. */
  async close(): Promise<void> {
    const { timeout } = this.parts.options;
    await Promise.all(Array.from(this.#caches.values(), (cache) => cache.close(timeout)));
  }

  #create(namespace: string, defaultTtl: number): NamedCache {
    const { options, namespaces, engine, events, isRelaxed, onReadError, onSilentError } =
      this.parts;
    const { clock, queue, coherence } = engine;
    const { isolation, maxValueSize: maxValueBytes } = options;
    const own = namespaces.open(namespace);
    const { pending, counters } = own;
    const l2 = engine.l2(namespace);
    const common = { ...own, namespace, coherence, events, isolation };
    const reads = new TieredCache({ ...common, l2, clock, onReadError });
    const effects = new WriteEffects({ ...common, maxValueBytes });
    const writes = new CacheWriter({ ...common, queue, effects });
    const sets = new SetWriter({
      ...common,
      queue,
      effects,
      relaxed: isRelaxed,
      onLostWrite: (error) => onSilentError(error, 'committing a relaxed write'),
    });
    const drain = (): Promise<void> => queue.drain();
    const readThrough = new ReadThrough({
      namespace,
      cache: reads,
      writer: writes,
      pending,
      counters,
      events,
      clock,
      random: this.parts.random,
      maxValueBytes,
      drain,
      claims: engine.claims(namespace),
      graceOn: options.wrap.graceOn,
      onSilentError,
    });
    return new NamedCache({
      namespace,
      defaultTtl,
      reads,
      l2,
      sets,
      writes,
      readThrough,
      presets: this.#presets,
      clock,
      drain,
      report: onSilentError,
    });
  }
}

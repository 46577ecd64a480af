import { CacheWriter } from '../cache/cache-writer.js';
import { ReadThrough } from '../cache/read-through.js';
import { TieredCache } from '../cache/tiered-cache.js';
import type { CacheEvents } from '../common/events.js';
import type { Engine } from '../engine/engine.js';
import { NamedCache } from './named-cache.js';
import type { Namespaces } from './namespaces.js';
import type { ResolvedOptions } from './options.js';

/** @internal */
export interface LocalCachesParts {
  readonly options: Pick<ResolvedOptions, 'ttl' | 'isolation' | 'maxValueSize'>;
  readonly namespaces: Namespaces;
  readonly engine: Omit<Engine, 'leases'>;
  readonly events: CacheEvents;
  /** `set` and `del` resolve before their commit. */
  readonly isRelaxed: boolean;
  /** A read that failed: it is a miss. */
  readonly onReadError: (error: unknown) => void;
  /** What no caller is told. */
  readonly onSilentError: (error: unknown, during: string) => void;
}

/**
 * The named caches of a node: the tiers over its engine, whatever that is.
 *
 * @internal
 */
export class LocalCaches {
  readonly #caches = new Map<string, NamedCache>();

  constructor(private readonly parts: LocalCachesParts) {}

  /** @throws {HC_ARGUMENT_INVALID} */
  cache(namespace: string, defaultTtl = this.parts.options.ttl): NamedCache {
    const known = this.#caches.get(namespace);
    if (known !== undefined) return known.withDefaultTtl(defaultTtl);
    const cache = this.#create(namespace, defaultTtl);
    this.#caches.set(namespace, cache);
    return cache;
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
    const writes = new CacheWriter({
      ...common,
      queue,
      maxValueBytes,
      relaxed: isRelaxed,
      onLostWrite: (error) => onSilentError(error, 'committing a relaxed write'),
    });
    const drain = (): Promise<void> => queue.drain();
    const readThrough = new ReadThrough({
      cache: reads,
      writer: writes,
      pending,
      counters,
      clock,
      maxValueBytes,
      drain,
      claims: engine.claims(namespace),
      onSilentError,
    });
    return new NamedCache({
      namespace,
      defaultTtl,
      reads,
      l2,
      writes,
      readThrough,
      clock,
      drain,
      report: onSilentError,
    });
  }
}

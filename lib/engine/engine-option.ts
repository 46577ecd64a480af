import type { CacheEvents } from '../common/events.js';
import type { RemoteClock } from '../common/remote-clock.js';
import type { HyperCacheError } from '../common/errors.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import type { CommandQueue } from './command-queue.js';
import type { Engine } from './engine.js';
import type { MemoryListener } from './memory-coherence.js';
import type { HyperCacheStats } from './node-stats.js';

/** What a node gives its engine. @internal */
export interface EngineParts {
  /** The machine's clock until the engine has read the server's clock. */
  readonly clock: RemoteClock;
  readonly random: Random;
  readonly logger: HyperCacheLogger;
  /** The node's memory, which the engine notifies of changes. */
  readonly memory: MemoryListener;
  readonly events: Pick<CacheEvents, 'emit'>;
  /** Reports a failure that no caller sees. */
  readonly report: (error: HyperCacheError, during: string) => void;
  /** The longest ttl of a lock, in ms. */
  readonly maxLockTtl: number;
}

/** An engine of one node, from its start to its end. @internal */
export interface RunningEngine extends Engine {
  /** With the number of writes that are not yet committed. */
  readonly queue: CommandQueue & { readonly length: number };
  /** Whether writes may succeed now. */
  readonly isOpen: boolean;
  /** Whether each question to the engine takes a request. */
  readonly isRemote: boolean;
  start(): Promise<void>;
  /** Does what its timers would have done by now. */
  runDue(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
  stats(): Pick<HyperCacheStats, 'locksHeld' | 'lockWaiters' | 'engine'>;
}

/**
 * An engine other than SQLite, for the option `engine`: `redis()` of `nestjs-hypercache/redis` makes one.
 *
 * @publicApi
 */
export interface EngineOption {
  readonly kind: string;
  /** @internal */
  create(parts: EngineParts): RunningEngine;
}

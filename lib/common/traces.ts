import type { HyperCacheEvents } from './events.js';
import { Tracing } from './tracing.js';

/**
 * The message of the channels `tracing:hypercache:factory:...`: one factory of `wrap`, from its call until its value is
 * stored. One object for all channels of an operation; it gets `ms`, `outcome` and `error` by its end.
 *
 * @publicApi
 */
export interface HyperCacheFactoryTrace {
  readonly namespace: string;
  readonly key: string;
  /** Why the factory was called. In the background, so that no caller waits, for 'stale' and 'eager'. */
  readonly reason: HyperCacheEvents['factory']['reason'];
  /** How long it took, in milliseconds. */
  ms?: number;
  /** What became of its value; undefined when all of its callers had gone. */
  outcome?: HyperCacheEvents['factory']['outcome'];
  /** What the factory failed with. */
  error?: unknown;
  /** A subscriber of `start` may put a function here, through which the factory is called: to make a context active in it. */
  around?: <T>(work: () => T) => T;
}

/**
 * The message of the channels `tracing:hypercache:command:...`: one write, from its call until it is committed or refused, or
 * one read that only the primary could answer. One object for all channels of an operation.
 *
 * @publicApi
 */
export interface HyperCacheCommandTrace {
  /** What was to be done: 'set', 'delete', 'increment', 'acquireLease', ...; 'read' for a read. */
  readonly kind: string;
  /** Undefined for locks, throttlers and runs. */
  readonly namespace: string | undefined;
  /**
   * Where its answer comes from: the file of this node, the outbox of a secondary (the write is sent later), or the primary,
   * a request away.
   */
  readonly target: 'file' | 'outbox' | 'primary';
  /** How long it took, in milliseconds. */
  ms?: number;
  /** Why it was refused. */
  error?: unknown;
}

/**
 * The message of the channels `tracing:hypercache:lock:...`: one call for a lock, or for a slot of a semaphore, until it was
 * obtained or not. One object for all channels of an operation.
 *
 * @publicApi
 */
export interface HyperCacheLockTrace {
  readonly name: string;
  /** Whether it was obtained. */
  acquired?: boolean;
  /** How long the caller waited, in milliseconds. */
  ms?: number;
  /** Why it was refused. */
  error?: unknown;
}

/** @internal */
export const factoryTracing = new Tracing<HyperCacheFactoryTrace>('hypercache:factory');

/** @internal */
export const commandTracing = new Tracing<HyperCacheCommandTrace>('hypercache:command');

/** @internal */
export const lockTracing = new Tracing<HyperCacheLockTrace>('hypercache:lock');

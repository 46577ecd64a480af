import type { HyperCacheEvents } from './events.js';
import { Tracing } from './tracing.js';

/**
 * The message of the channels `tracing:hypercache:factory:...`: one factory of `wrap`, from its call until its value is
 * stored. All channels of an operation share one object, which receives `ms`, `outcome` and `error` by its end.
 *
 * @publicApi
 */
export interface HyperCacheFactoryTrace {
  readonly namespace: string;
  readonly key: string;
  /** Why the factory was called. For 'stale' and 'eager' it runs in the background, so no caller waits. */
  readonly reason: HyperCacheEvents['factory']['reason'];
  /** How long it took, in milliseconds. */
  ms?: number;
  /** What happened to its value; undefined when all of its callers had left. */
  outcome?: HyperCacheEvents['factory']['outcome'];
  /** What the factory failed with. */
  error?: unknown;
  /** A subscriber of `start` may set a function here, which then calls the factory, for example within an active context. */
  around?: <T>(work: () => T) => T;
}

/**
 * The message of the channels `tracing:hypercache:command:...`: one write, from its call until it is committed or refused, or
 * one read that only the primary could answer. All channels of an operation share one object.
 *
 * @publicApi
 */
export interface HyperCacheCommandTrace {
  /** The operation: 'set', 'delete', 'increment', 'acquireLease', ...; 'read' for a read. */
  readonly kind: string;
  /** Undefined for locks, throttlers and runs. */
  readonly namespace: string | undefined;
  /**
   * What answers it: the file of this node, the outbox of a secondary (which sends the write later), or the primary, a
   * request away.
   */
  readonly target: 'file' | 'outbox' | 'primary';
  /** How long it took, in milliseconds. */
  ms?: number;
  /** Why it was refused. */
  error?: unknown;
}

/**
 * The message of the channels `tracing:hypercache:lock:...`: one call for a lock or for a slot of a semaphore, until it was
 * obtained or not. All channels of an operation share one object.
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

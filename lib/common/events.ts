import { EventEmitter } from 'node:events';
import type { HyperCacheError } from './errors.js';

/**
 * What `HyperCache.on` can tell. Values and tokens are never part of an event.
 *
 * @publicApi
 */
export interface HyperCacheEvents {
  /** Something failed that no caller was told about: a read that became a miss, background work. */
  error: { error: HyperCacheError; during: string };
  /** Live entries were removed for space. */
  evicted: { entries: number };
  /** The file was damaged or deleted while in use, and a new one was begun. */
  recovered: { reason: 'corrupt' | 'unlinked'; quarantined: string | undefined };
  /** This node follows the primary's changes, from a revision on. */
  'replica:connected': { revision: number };
  /** This node no longer follows the primary; it serves what it holds, as of a revision, and tries again. */
  'replica:lost': { error: HyperCacheError; revision: number };
  /** This node has copied everything that the primary holds. */
  'replica:snapshot': { entries: number; ms: number };
  /** A namespace was cleared. */
  clear: { namespace: string; deleted: number };
}

/** @publicApi */
export type HyperCacheEvent = keyof HyperCacheEvents;

/** @publicApi */
export type HyperCacheListener<E extends HyperCacheEvent> = (event: HyperCacheEvents[E]) => void;

/**
 * A typed emitter whose 'error' event, unlike Node's, is no crash when nobody listens.
 *
 * @internal
 */
export class CacheEvents {
  readonly #emitter = new EventEmitter();

  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#emitter.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#emitter.off(event, listener);
  }

  /** A listener that throws is an uncaught exception of its own; it never breaks what was being done. */
  emit<E extends HyperCacheEvent>(event: E, payload: HyperCacheEvents[E]): void {
    for (const listener of this.#emitter.listeners(event)) {
      try {
        listener(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

import { channel } from 'node:diagnostics_channel';
import { InvalidArgumentError, type HyperCacheError } from './errors.js';
import { EventTopic } from './event-topic.js';

/**
 * What `HyperCache.on` can tell, and the channels `hypercache:<event>` of `node:diagnostics_channel`. Values and tokens
 * are never part of an event.
 *
 * @publicApi
 */
export interface HyperCacheEvents {
  /** A read found a live entry: in memory, in this node's file (or among what waits for it), or on the primary. */
  hit: { namespace: string; key: string; layer: 'l1' | 'l2' | 'primary' };
  /** A read found nothing live. */
  miss: { namespace: string; key: string };
  /**
   * `wrap` has served a stale value, so many ms after its ttl: while it is refreshed, because its factory failed or was late, or
   * because it failed a short time ago.
   */
  stale: {
    namespace: string;
    key: string;
    layer: 'l1' | 'l2' | 'primary';
    reason: 'refreshing' | 'error' | 'timeout' | 'throttled';
    age: number;
  };
  /** A factory of `wrap` has ended, after so many ms, and what became of its value. */
  factory: {
    namespace: string;
    key: string;
    reason: 'miss' | 'stale' | 'eager' | 'grace' | 'fresh';
    ms: number;
    outcome: 'stored' | 'refused' | 'skipped' | 'failed' | 'timeout';
    error?: unknown;
  };
  /** This node has stored an entry: the write is committed. */
  set: { namespace: string; key: string };
  /** This node has deleted a live entry: the deletion is committed. */
  del: { namespace: string; key: string };
  /** A namespace was cleared; on a primary also by a secondary. */
  clear: { namespace: string; deleted: number };
  /** Live entries were removed for space. */
  evicted: { entries: number };
  /** Something failed that no caller was told about: a read that became a miss, background work. */
  error: { error: HyperCacheError; during: string };
  /** The file was damaged or deleted while in use, and a new one was begun. */
  recovered: { reason: 'corrupt' | 'unlinked'; quarantined: string | undefined };
  /** This node follows the primary's changes, from a revision on. */
  'replica:connected': { revision: number };
  /** This node no longer follows the primary; it serves what it holds, as of a revision, and tries again. */
  'replica:lost': { error: HyperCacheError; revision: number };
  /** This node has copied everything that the primary holds. */
  'replica:snapshot': { entries: number; ms: number };
  /**
   * What runs once was asked to run here: it ended well, it failed, its window or slot was used up, it runs already, the
   * clock of this node is wrong, or it cannot be known.
   */
  run: {
    name: string;
    outcome: 'ok' | 'failed' | 'skipped' | 'running' | 'skewed' | 'unavailable';
  };
  /** An asynchronous write was refused for good, mostly by the primary; it is kept among the dead letters. */
  'outbox:refused': { namespace: string; key: string; error: HyperCacheError };
}

/** @publicApi */
export type HyperCacheEvent = keyof HyperCacheEvents;

/** @publicApi */
export type HyperCacheListener<E extends HyperCacheEvent> = (event: HyperCacheEvents[E]) => void;

/** Held here for as long as the process runs: Node keeps channels by weak references. */
const CHANNELS = {
  hit: channel('hypercache:hit'),
  miss: channel('hypercache:miss'),
  stale: channel('hypercache:stale'),
  factory: channel('hypercache:factory'),
  set: channel('hypercache:set'),
  del: channel('hypercache:del'),
  clear: channel('hypercache:clear'),
  evicted: channel('hypercache:evicted'),
  error: channel('hypercache:error'),
  recovered: channel('hypercache:recovered'),
  'replica:connected': channel('hypercache:replica:connected'),
  'replica:lost': channel('hypercache:replica:lost'),
  'replica:snapshot': channel('hypercache:replica:snapshot'),
  run: channel('hypercache:run'),
  'outbox:refused': channel('hypercache:outbox:refused'),
};

/** @internal */
export const EVENT_NAMES = Object.freeze(Object.keys(CHANNELS)) as readonly HyperCacheEvent[];

type Topics = { readonly [E in HyperCacheEvent]: EventTopic<HyperCacheEvents[E]> };

/**
 * The events of a node. 'error', unlike Node's, is no crash when nobody listens.
 *
 * @internal
 */
export class CacheEvents {
  /** For those who tell so often that they first ask whether anybody hears it. */
  readonly topics: Topics = {
    hit: new EventTopic(CHANNELS.hit),
    miss: new EventTopic(CHANNELS.miss),
    stale: new EventTopic(CHANNELS.stale),
    factory: new EventTopic(CHANNELS.factory),
    set: new EventTopic(CHANNELS.set),
    del: new EventTopic(CHANNELS.del),
    clear: new EventTopic(CHANNELS.clear),
    evicted: new EventTopic(CHANNELS.evicted),
    error: new EventTopic(CHANNELS.error),
    recovered: new EventTopic(CHANNELS.recovered),
    'replica:connected': new EventTopic(CHANNELS['replica:connected']),
    'replica:lost': new EventTopic(CHANNELS['replica:lost']),
    'replica:snapshot': new EventTopic(CHANNELS['replica:snapshot']),
    run: new EventTopic(CHANNELS.run),
    'outbox:refused': new EventTopic(CHANNELS['outbox:refused']),
  };

  /** @throws {HC_ARGUMENT_INVALID} for an event that there is not, or a listener that cannot be called */
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    if (typeof listener !== 'function') {
      throw new InvalidArgumentError(
        `The listener of '${event}' is no function.`,
        `Pass a function: cache.on('${event}', (event) => { ... }).`,
      );
    }
    this.#topic(event).add(listener);
  }

  /** @throws {HC_ARGUMENT_INVALID} for an event that there is not */
  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#topic(event).remove(listener);
  }

  emit<E extends HyperCacheEvent>(event: E, payload: HyperCacheEvents[E]): void {
    this.topics[event].emit(payload);
  }

  #topic<E extends HyperCacheEvent>(event: E): Topics[E] {
    if (Object.hasOwn(this.topics, event)) return this.topics[event];
    throw new InvalidArgumentError(
      `There is no event '${String(event)}'.`,
      `Events are ${EVENT_NAMES.join(', ')}.`,
    );
  }
}

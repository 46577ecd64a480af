import { channel } from 'node:diagnostics_channel';
import { InvalidArgumentError, type HyperCacheError } from './errors.js';
import { EventTopic } from './event-topic.js';

/**
 * The events of `HyperCache.on`, and of the channels `hypercache:<event>` of `node:diagnostics_channel`. An event never
 * contains a value or a token.
 *
 * @publicApi
 */
export interface HyperCacheEvents {
  /** A read found a live entry: in memory, in this node's file (or among the writes that wait for it), or on the primary. */
  hit: { namespace: string; key: string; layer: 'l1' | 'l2' | 'primary' };
  /** A read found nothing live. */
  miss: { namespace: string; key: string };
  /**
   * `wrap` served a stale value, `age` ms after its ttl. It did so during a refresh, because the factory failed or was late,
   * or because the factory failed a short time ago.
   */
  stale: {
    namespace: string;
    key: string;
    layer: 'l1' | 'l2' | 'primary';
    reason: 'refreshing' | 'error' | 'timeout' | 'throttled';
    age: number;
  };
  /** A factory of `wrap` ended after `ms`; `outcome` is what happened to its value. */
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
  /** A namespace was cleared; a primary also reports a clear by a secondary. */
  clear: { namespace: string; deleted: number };
  /** Live entries were removed for space. */
  evicted: { entries: number };
  /** A failure that no caller sees: a read that became a miss, or background work. */
  error: { error: HyperCacheError; during: string };
  /** The file was damaged or deleted while in use, and the node began a new one. */
  recovered: { reason: 'corrupt' | 'unlinked'; quarantined: string | undefined };
  /**
   * The connection to the cache server leads to another process than before: a replica was promoted, or the server was started
   * again. What that process never had, or has lost, is gone; memory begins empty.
   */
  'engine:failover': { address: string };
  /** This node now follows the primary's changes, starting at a revision. */
  'replica:connected': { revision: number };
  /** This node no longer follows the primary. It serves what it holds, as of a revision, and tries again. */
  'replica:lost': { error: HyperCacheError; revision: number };
  /** This node has copied everything that the primary holds. */
  'replica:snapshot': { entries: number; ms: number };
  /**
   * A caller asked to run here what runs once. It ended well, it failed, its window or slot was used up, it was already
   * running, the clock of this node was wrong, or the decision was not available.
   */
  run: {
    name: string;
    outcome: 'ok' | 'failed' | 'skipped' | 'running' | 'skewed' | 'unavailable';
  };
  /** An asynchronous write was refused for good, usually by the primary; it is kept among the dead letters. */
  'outbox:refused': { namespace: string; key: string; error: HyperCacheError };
}

/** The name of an event of a node. @publicApi */
export type HyperCacheEvent = keyof HyperCacheEvents;

/** A function that receives the events of one name. Its first error is logged, and changes nothing else. @publicApi */
export type HyperCacheListener<E extends HyperCacheEvent> = (event: HyperCacheEvents[E]) => void;

/** Held here for as long as the process runs, because Node keeps channels by weak references. */
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
  'engine:failover': channel('hypercache:engine:failover'),
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
 * The events of a node. Unlike Node's, an 'error' event without a listener does not end the process.
 *
 * @internal
 */
export class CacheEvents {
  /** For frequent emitters, which first check whether an event has a receiver. */
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
    'engine:failover': new EventTopic(CHANNELS['engine:failover']),
    'replica:connected': new EventTopic(CHANNELS['replica:connected']),
    'replica:lost': new EventTopic(CHANNELS['replica:lost']),
    'replica:snapshot': new EventTopic(CHANNELS['replica:snapshot']),
    run: new EventTopic(CHANNELS.run),
    'outbox:refused': new EventTopic(CHANNELS['outbox:refused']),
  };

  /** @throws {HC_ARGUMENT_INVALID} for an unknown event, or a listener that is not a function */
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    if (typeof listener !== 'function') {
      throw new InvalidArgumentError(
        `The listener of '${event}' is not a function.`,
        `Pass a function: cache.on('${event}', (event) => { ... }).`,
      );
    }
    this.#topic(event).add(listener);
  }

  /** @throws {HC_ARGUMENT_INVALID} for an unknown event */
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

import {
  EVENT_NAMES,
  type HyperCacheEvent,
  type HyperCacheEvents,
  type HyperCacheListener,
} from '../common/events.js';

/** An event with its name. @publicApi */
export type RecordedEvent = {
  [E in HyperCacheEvent]: { readonly event: E; readonly payload: HyperCacheEvents[E] };
}[HyperCacheEvent];

/** A source of events: a `HyperCache`. @publicApi */
export interface EventSource {
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): unknown;
  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): unknown;
}

/**
 * The events of a node since {@link recordEvents}, in order.
 *
 * @publicApi
 */
export class EventRecord {
  readonly #events: RecordedEvent[] = [];
  readonly #listeners: (() => void)[] = [];

  /** @internal {@link recordEvents} creates it. */
  constructor(source: EventSource, names: readonly HyperCacheEvent[]) {
    try {
      for (const name of names) this.#listen(source, name);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** All events, the oldest first. */
  get all(): readonly RecordedEvent[] {
    return [...this.#events];
  }

  /** Their names, the oldest first. */
  get names(): readonly HyperCacheEvent[] {
    return this.#events.map(({ event }) => event);
  }

  /** The payloads of the events of one name, the oldest first. */
  of<E extends HyperCacheEvent>(event: E): HyperCacheEvents[E][] {
    return this.#events.flatMap((recorded) =>
      recorded.event === event ? [recorded.payload as HyperCacheEvents[E]] : [],
    );
  }

  /** Drops the recorded events, and continues to record. */
  clear(): void {
    this.#events.length = 0;
  }

  /** Stops recording; the recorded events stay. Idempotent. */
  stop(): void {
    for (const stop of this.#listeners.splice(0)) stop();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #listen<E extends HyperCacheEvent>(source: EventSource, event: E): void {
    const listener = (payload: HyperCacheEvents[E]): void => {
      this.#events.push({ event, payload } as RecordedEvent);
    };
    source.on(event, listener);
    this.#listeners.push(() => source.off(event, listener));
  }
}

/**
 * Records the events of the whole node to which a cache belongs, until its `stop()`.
 *
 * @param names which events. @default all
 * @throws {HC_ARGUMENT_INVALID} for an unknown event
 * @publicApi
 */
export function recordEvents(
  cache: EventSource,
  names: readonly HyperCacheEvent[] = EVENT_NAMES,
): EventRecord {
  return new EventRecord(cache, names);
}

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

/** What tells events: a `HyperCache`. @publicApi */
export interface EventSource {
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): unknown;
  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): unknown;
}

/**
 * The events of a node, in their order, from {@link recordEvents} on.
 *
 * @publicApi
 */
export class EventRecord {
  readonly #events: RecordedEvent[] = [];
  readonly #listeners: (() => void)[] = [];

  /** @internal Made by {@link recordEvents}. */
  constructor(source: EventSource, names: readonly HyperCacheEvent[]) {
    try {
      for (const name of names) this.#listen(source, name);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** All of them, the oldest first. */
  get all(): readonly RecordedEvent[] {
    return [...this.#events];
  }

  /** Their names, the oldest first. */
  get names(): readonly HyperCacheEvent[] {
    return this.#events.map(({ event }) => event);
  }

  /** What the events of one name told, the oldest first. */
  of<E extends HyperCacheEvent>(event: E): HyperCacheEvents[E][] {
    return this.#events.flatMap((recorded) =>
      recorded.event === event ? [recorded.payload as HyperCacheEvents[E]] : [],
    );
  }

  /** Forgets what was recorded, and goes on. */
  clear(): void {
    this.#events.length = 0;
  }

  /** Records nothing more; what was recorded stays. Idempotent. */
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
 * Records the events of the whole node that a cache is on, until its `stop()`.
 *
 * @param names which events. @default all
 * @throws {HC_ARGUMENT_INVALID} for an event that there is not
 * @publicApi
 */
export function recordEvents(
  cache: EventSource,
  names: readonly HyperCacheEvent[] = EVENT_NAMES,
): EventRecord {
  return new EventRecord(cache, names);
}

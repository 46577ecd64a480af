import type { Channel } from 'node:diagnostics_channel';

type Listener<P> = (payload: P) => void;

/**
 * One event of one node: its listeners, and the diagnostics channel that all nodes of the process share.
 *
 * @internal
 */
export class EventTopic<P> {
  /** Replaced, never changed in place: a listener may remove itself while the others are being notified. */
  #listeners: readonly Listener<P>[] = [];
  #hasListeners = false;
  readonly #faulty = new WeakSet<Listener<P>>();

  constructor(private readonly channel: Channel) {}

  /**
   * Whether any listener or subscriber receives the event. It is checked on every hit, before the payload is made. It
   * therefore reads a field, and a getter that is constant until the first subscription.
   */
  get hasListeners(): boolean {
    return this.#hasListeners || this.channel.hasSubscribers;
  }

  add(listener: Listener<P>): void {
    this.#set([...this.#listeners, listener]);
  }

  /** Removes a listener. If it was added more than once, removes the last addition. */
  remove(listener: Listener<P>): void {
    const at = this.#listeners.lastIndexOf(listener);
    if (at >= 0) this.#set(this.#listeners.toSpliced(at, 1));
  }

  /**
   * A listener that throws or rejects neither breaks the operation nor ends the process; it causes one warning. (An error
   * from a subscriber of a channel is an uncaught exception; Node raises it.)
   */
  emit(payload: P): void {
    for (const listener of this.#listeners) {
      try {
        const result: unknown = listener(payload);
        if (typeof result === 'object' && result !== null) this.#watch(listener, result);
      } catch (error) {
        this.#warnOf(listener, error);
      }
    }
    if (this.channel.hasSubscribers) this.channel.publish(payload);
  }

  /** A listener may be an async function. */
  #watch(listener: Listener<P>, result: object): void {
    Promise.resolve(result).catch((error: unknown) => this.#warnOf(listener, error));
  }

  #warnOf(listener: Listener<P>, error: unknown): void {
    if (this.#faulty.has(listener)) return;
    this.#faulty.add(listener);
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`A listener of '${String(this.channel.name)}' has failed: ${what}`, {
      type: 'HyperCacheWarning',
      detail: 'The cache continues. There is no further warning about this listener.',
    });
  }

  #set(listeners: readonly Listener<P>[]): void {
    this.#listeners = listeners;
    this.#hasListeners = listeners.length > 0;
  }
}

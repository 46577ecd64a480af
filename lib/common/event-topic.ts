import type { Channel } from 'node:diagnostics_channel';

type Listener<P> = (payload: P) => void;

/**
 * One event of one node: its listeners, and the diagnostics channel that all nodes of the process share.
 *
 * @internal
 */
export class EventTopic<P> {
  /** Replaced, never changed: a listener may take itself off while the others are told. */
  #listeners: readonly Listener<P>[] = [];
  #hasListeners = false;

  constructor(private readonly channel: Channel) {}

  /**
   * Whether telling reaches anybody. Asked on every hit, before its payload is made: a field, and a getter that is
   * constant until somebody subscribes.
   */
  get isHeard(): boolean {
    return this.#hasListeners || this.channel.hasSubscribers;
  }

  add(listener: Listener<P>): void {
    this.#set([...this.#listeners, listener]);
  }

  /** Takes off the listener that was added last, if it was added more than once. */
  remove(listener: Listener<P>): void {
    const at = this.#listeners.lastIndexOf(listener);
    if (at >= 0) this.#set(this.#listeners.toSpliced(at, 1));
  }

  /**
   * A listener that throws is an uncaught exception of its own; it never breaks what was being done. Node does the same
   * for the subscribers of a channel.
   */
  tell(payload: P): void {
    for (const listener of this.#listeners) {
      try {
        listener(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    if (this.channel.hasSubscribers) this.channel.publish(payload);
  }

  #set(listeners: readonly Listener<P>[]): void {
    this.#listeners = listeners;
    this.#hasListeners = listeners.length > 0;
  }
}

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
  readonly #faulty = new WeakSet<Listener<P>>();

  constructor(private readonly channel: Channel) {}

  /**
   * Whether anyone is told. Asked on every hit, before its payload is made: a field, and a getter that is
   * constant until somebody subscribes.
   */
  get hasListeners(): boolean {
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
   * A listener that throws or rejects never breaks what was being done, nor ends the process: it is warned of, once. (What
   * a subscriber of a channel throws is an uncaught exception; that is Node's doing.)
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

  /** An async function is a listener too. */
  #watch(listener: Listener<P>, result: object): void {
    Promise.resolve(result).catch((error: unknown) => this.#warnOf(listener, error));
  }

  #warnOf(listener: Listener<P>, error: unknown): void {
    if (this.#faulty.has(listener)) return;
    this.#faulty.add(listener);
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`A listener of '${String(this.channel.name)}' has failed: ${what}`, {
      type: 'HyperCacheWarning',
      detail: 'The cache goes on. It is not told again for this listener.',
    });
  }

  #set(listeners: readonly Listener<P>[]): void {
    this.#listeners = listeners;
    this.#hasListeners = listeners.length > 0;
  }
}

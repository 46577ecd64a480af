import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import { systemClock } from './clock.js';

/** What every message of a tracing channel contains after its operation has ended. @internal */
export interface Trace {
  ms?: number;
  error?: unknown;
}

/** Ends an operation, whether it failed or not; its callback runs between `asyncStart` and `asyncEnd`. @internal */
export type EndTrace = (error: unknown, callback: () => void) => void;

/**
 * The five channels `tracing:<name>:...` of one kind of operation. They follow Node's `tracePromise`, with one difference: a
 * message never contains the result, which would be a cached value.
 *
 * @internal
 */
export class Tracing<M extends Trace> {
  /** Held for as long as the process runs, because Node keeps channels by weak references. */
  readonly #channels: TracingChannel<unknown, M>;

  constructor(name: string) {
    this.#channels = tracingChannel<unknown, M>(name);
  }

  /** Checked before a message is made. Some versions of Node 20 have no such getter on a tracing channel. */
  get hasSubscribers(): boolean {
    const { start, end, asyncStart, asyncEnd, error } = this.#channels;
    return (
      start.hasSubscribers ||
      end.hasSubscribers ||
      asyncStart.hasSubscribers ||
      asyncEnd.hasSubscribers ||
      error.hasSubscribers
    );
  }

  /** Publishes around the start of an operation; `begin` keeps the function that ends it, and calls that once. */
  callback<T>(message: M, begin: (end: EndTrace) => T): T {
    const channels = this.#channels;
    const since = systemClock.monotonic();
    const ended = (error: unknown): void => {
      message.ms = systemClock.monotonic() - since;
      if (error === undefined) return;
      message.error = error;
      channels.error.publish(message);
    };
    const end: EndTrace = (error, callback) => {
      ended(error);
      channels.asyncStart.publish(message);
      try {
        callback();
      } finally {
        channels.asyncEnd.publish(message);
      }
    };
    return channels.start.runStores(message, () => {
      try {
        return begin(end);
      } catch (error) {
        ended(error);
        throw error;
      } finally {
        channels.end.publish(message);
      }
    });
  }

  /** As {@link callback}, for an operation that ends with its promise. */
  promise<T>(message: M, begin: () => Promise<T>): Promise<T> {
    return this.callback(
      message,
      (end) =>
        new Promise((resolve, reject) => {
          begin().then(
            (value) => end(undefined, () => resolve(value)),
            (error: unknown) => end(error ?? 'unknown', () => reject(error)),
          );
        }),
    );
  }
}

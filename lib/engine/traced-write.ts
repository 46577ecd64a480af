import { commandTracing, type HyperCacheCommandTrace } from '../common/traces.js';
import type { EndTrace } from '../common/tracing.js';
import type { HyperCacheError } from '../common/errors.js';
import type { QueuedWrite } from './command-queue.js';

/**
 * Adds a write to its queue, and reports it to the subscribers of `tracing:hypercache:command:...` until its caller has an
 * answer. Callers first check that there are subscribers.
 *
 * @throws what `add` throws
 * @internal
 */
export function addTraced<C, R>(
  write: QueuedWrite<C, R>,
  target: HyperCacheCommandTrace['target'],
  add: (write: QueuedWrite<C, R>) => void,
): void {
  const { label } = write;
  if (label === undefined) return add(write);
  const { kind, namespace } = label;
  commandTracing.callback({ kind, namespace, target }, (end) => add(new TracedWrite(write, end)));
}

class TracedWrite<C, R> implements QueuedWrite<C, R> {
  readonly bytes: number;
  readonly accepted: (() => void) | undefined;
  readonly answered: ((result: R) => void) | undefined;
  #end: EndTrace | undefined;

  constructor(
    private readonly write: QueuedWrite<C, R>,
    end: EndTrace,
  ) {
    this.bytes = write.bytes;
    this.#end = end;
    if (write.accepted !== undefined) this.accepted = () => this.#settle(() => write.accepted?.());
    if (write.answered !== undefined) {
      this.answered = (result) => this.#settle(() => write.answered?.(result));
    }
  }

  /** A set is encoded when its command is read, which happens only when its batch is written. */
  get command(): C {
    return this.write.command;
  }

  committed(result: R): void {
    this.#settle(() => this.write.committed(result));
  }

  failed(error: HyperCacheError): void {
    this.#settle(() => this.write.failed(error), error);
  }

  /** The caller receives the first answer. */
  #settle(callback: () => void, error?: HyperCacheError): void {
    const end = this.#end;
    this.#end = undefined;
    if (end === undefined) callback();
    else end(error, callback);
  }
}

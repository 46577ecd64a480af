import { OutOfOrderError } from '../../common/errors.js';
import { MAX_SENDER_LENGTH } from '../../common/limits.js';
import { malformed } from './fields.js';

/** Senders that are remembered. Beyond this bound, those that were silent for the longest time are forgotten. */
const MAX_SENDERS = 10_000;

/**
 * Tracks the last request of each sender since this node's start. A sender has one request under way at a time, and
 * gives up requests that take too long. When the network delivers a request twice, or after a later one, no caller
 * wants it any more.
 *
 * @internal
 */
export class RequestOrder {
  readonly #last = new Map<string, number>();

  /** @throws {HC_ARGUMENT_INVALID | HC_OUT_OF_ORDER} the latter for a request that is not the newest of its sender */
  admit(sender: string, number: number): void {
    if (sender.length > MAX_SENDER_LENGTH) throw malformed('a sender');
    const last = this.#last.get(sender) ?? 0;
    if (number <= last) throw new OutOfOrderError(number, last);
    this.#last.delete(sender);
    this.#last.set(sender, number);
    if (this.#last.size <= MAX_SENDERS) return;
    const [silent = ''] = this.#last.keys();
    this.#last.delete(silent);
  }
}

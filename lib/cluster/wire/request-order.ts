import { OutOfOrderError } from '../../common/errors.js';
import { MAX_SENDER_LENGTH } from '../../common/limits.js';
import { malformed } from './fields.js';

/** Senders that are remembered; of more, those that were silent for longest are forgotten. */
const MAX_SENDERS = 10_000;

/**
 * How far each sender of requests has come since this node's start. A sender has one request on its way at a time, and
 * gives up those that take too long: what the network brings twice, or after a later one, is nobody's wish any more.
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

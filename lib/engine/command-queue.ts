import type { HyperCacheError } from '../common/errors.js';
import type { Command } from './command.js';
import type { CommandResult } from './command-result.js';

/** @internal */
export interface WriteLabel {
  readonly kind: string;
  readonly namespace: string | undefined;
}

/**
 * A write that waits for its commit. Exactly one of `committed` and `failed` runs, once.
 *
 * @internal
 */
export interface QueuedWrite<C, R> {
  readonly command: C;
  /** Size for the queue's bounds. */
  readonly bytes: number;
  /** The name of the write in traces, known before its command is made; a write without a label is not traced. */
  readonly label?: WriteLabel | undefined;
  committed(result: R): void;
  failed(error: HyperCacheError): void;
  /**
   * Present on a write that need not wait for its result: called when the write is durably accepted. `committed`
   * or `failed` follows later.
   */
  readonly accepted?: (() => void) | undefined;
  /**
   * Present on a write that this node's reads find while it waits. Its caller receives the result, although reads of what is
   * committed may not show it yet; `committed` follows.
   */
  readonly answered?: ((result: R) => void) | undefined;
}

/** Takes writes to the file, or to the primary. @internal */
export interface CommandQueue {
  /**
   * Checks the room for several writes that belong together and whose results no caller needs. If this does not throw, none
   * of them is refused when they are pushed next, in this turn.
   *
   * @param bytes of all these writes, for the queue's bounds
   * @throws what {@link push} of one of them would throw
   */
  assertRoom(count: number, bytes: number): void;
  /**
   * Adds a write that its caller awaits.
   *
   * @throws {HC_CLOSED | HC_QUEUE_FULL}
   */
  push(write: QueuedWrite<Command, CommandResult>): void;
  /**
   * Adds a write that its caller need not await.
   *
   * @returns false when so many writes wait that the caller should await this one
   * @throws {HC_CLOSED | HC_QUEUE_FULL}
   */
  pushRelaxed(write: QueuedWrite<Command, CommandResult>): boolean;
  /** Whether the relaxed writes are few and recent. */
  keepsUp(): boolean;
  /** The next turn of the event loop, when relaxed writes have left it none for too long. */
  rest(): Promise<void> | undefined;
  /** Resolves when every write that waits now is committed or refused. */
  drain(): Promise<void>;
}

import type { HyperCacheError } from '../common/errors.js';
import type { Command, CommandResult } from './command.js';

/** @internal */
export interface WriteLabel {
  readonly kind: string;
  readonly namespace: string | undefined;
}

/**
 * A write that waits for its commit. Exactly one of the two callbacks runs, once.
 *
 * @internal
 */
export interface QueuedWrite<C, R> {
  readonly command: C;
  /** Size for the queue's bounds. */
  readonly bytes: number;
  /** What traces call it, known before its command is made; a write without one is not traced. */
  readonly label?: WriteLabel | undefined;
  committed(result: R): void;
  failed(error: HyperCacheError): void;
  /**
   * There for a write that need not wait for its result: it was accepted, durably, and one of the other two follows
   * later.
   */
  readonly accepted?: (() => void) | undefined;
  /**
   * There for a write that this node's reads find while it waits: its caller is told its result, although reads of what
   * is committed may not show it yet; `committed` follows.
   */
  readonly answered?: ((result: R) => void) | undefined;
}

/** Where writes go: into the file, or to the primary. @internal */
export interface CommandQueue {
  /**
   * Several writes whose results nobody needs belong together: if this does not throw, none of them is refused that are
   * pushed next, in this turn.
   *
   * @param bytes of all of them, for the queue's bounds
   * @throws what {@link push} of one of them would
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
   * @returns false when so much waits that the caller should
   * @throws {HC_CLOSED | HC_QUEUE_FULL}
   */
  pushRelaxed(write: QueuedWrite<Command, CommandResult>): boolean;
  /** Whether the relaxed writes are few and young. */
  keepsUp(): boolean;
  /** The next turn of the event loop, for relaxed writes that have left it none for too long. */
  rest(): Promise<void> | undefined;
  /** Resolves when everything that waits now is committed or refused. */
  drain(): Promise<void>;
}

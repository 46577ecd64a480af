import {
  ClosedError,
  HyperCacheError,
  QueueFullError,
  StorageFailedError,
} from '../common/errors.js';
import type { CommandQueue, QueuedWrite } from '../engine/command-queue.js';
import type { Command, CommandResult } from '../engine/command.js';

/** @internal */
export interface RedisQueueParts {
  /** Sends the command before it returns. */
  readonly execute: (command: Command) => Promise<CommandResult>;
  /** What memory holds of it is out of date. */
  readonly onCommitted: (command: Command) => void;
  readonly maxWrites: number;
  readonly maxBytes: number;
}

/**
 * Writes on their way: sent in the order in which they come, and in one packet for each turn, so there is nothing to collect.
 *
 * @internal
 */
export class RedisQueue implements CommandQueue {
  readonly #onTheirWay = new Set<Promise<void>>();
  #bytes = 0;
  #isClosed = false;

  constructor(private readonly parts: RedisQueueParts) {}

  get length(): number {
    return this.#onTheirWay.size;
  }

  assertRoom(count: number, bytes: number): void {
    if (this.#isClosed) throw new ClosedError();
    const { maxWrites, maxBytes } = this.parts;
    if (this.length + count > maxWrites || this.#bytes + bytes > maxBytes) {
      throw new QueueFullError(this.length, count);
    }
  }

  push(write: QueuedWrite<Command, CommandResult>): void {
    this.assertRoom(1, write.bytes);
    this.#bytes += write.bytes;
    const sent = this.#settle(write, this.parts.execute(write.command)).finally(() => {
      this.#onTheirWay.delete(sent);
      this.#bytes -= write.bytes;
    });
    this.#onTheirWay.add(sent);
  }

  /** Not less than {@link push}: what the server has not confirmed is nowhere. */
  pushRelaxed(write: QueuedWrite<Command, CommandResult>): boolean {
    this.push(write);
    return true;
  }

  keepsUp(): boolean {
    return true;
  }

  rest(): undefined {
    return undefined;
  }

  async drain(): Promise<void> {
    await Promise.all(this.#onTheirWay);
  }

  close(): void {
    this.#isClosed = true;
  }

  async #settle(
    write: QueuedWrite<Command, CommandResult>,
    coming: Promise<CommandResult>,
  ): Promise<void> {
    let result: CommandResult;
    try {
      result = await coming;
    } catch (error) {
      // It may have been executed all the same.
      this.parts.onCommitted(write.command);
      write.failed(error instanceof HyperCacheError ? error : new StorageFailedError(error));
      return;
    }
    this.parts.onCommitted(write.command);
    write.committed(result);
  }
}

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

/** A write that was sent, and what waits for its end. */
interface Sent {
  readonly bytes: number;
  ended: (() => void)[] | undefined;
}

/**
 * Writes on their way: sent in the order in which they come, and in one packet for each turn, so there is nothing to collect.
 *
 * @internal
 */
export class RedisQueue implements CommandQueue {
  readonly #onTheirWay = new Set<Sent>();
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
    const sent: Sent = { bytes: write.bytes, ended: undefined };
    this.#onTheirWay.add(sent);
    this.parts.execute(write.command).then(
      (result) => {
        this.parts.onCommitted(write.command);
        write.committed(result);
        return this.#end(sent);
      },
      (error: unknown) => {
        // It may have been executed all the same.
        this.parts.onCommitted(write.command);
        write.failed(error instanceof HyperCacheError ? error : new StorageFailedError(error));
        this.#end(sent);
      },
    );
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
    if (this.length === 0) return;
    const ends = Array.from(
      this.#onTheirWay,
      (sent) =>
        new Promise<void>((resolve) => {
          (sent.ended ??= []).push(resolve);
        }),
    );
    await Promise.all(ends);
  }

  close(): void {
    this.#isClosed = true;
  }

  #end(sent: Sent): void {
    this.#onTheirWay.delete(sent);
    this.#bytes -= sent.bytes;
    sent.ended?.forEach((end) => end());
  }
}

import {
  ClosedError,
  HyperCacheError,
  QueueFullError,
  StorageFailedError,
} from '../common/errors.js';
import type { CommandQueue, QueuedWrite } from '../engine/command-queue.js';
import type { Command } from '../engine/command.js';
import type { CommandResult } from '../engine/command-result.js';

/** @internal */
export interface RedisQueueParts {
  /** Sends the command before it returns. */
  readonly execute: (command: Command) => Promise<CommandResult>;
  /** Called when the copy in memory is out of date. */
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
 * The writes under way. They leave in the order of the calls, in one packet per turn, so this queue does not collect them.
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
        // The server may have executed it all the same.
        this.parts.onCommitted(write.command);
        write.failed(error instanceof HyperCacheError ? error : new StorageFailedError(error));
        this.#end(sent);
      },
    );
  }

  /** Does the same as {@link push}: a write that the server has not confirmed is stored nowhere. */
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

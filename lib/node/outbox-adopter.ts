import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, CommandResult } from '../engine/command.js';
import { NewerSchemaError } from '../common/errors.js';
import type { ForwardedCommand } from '../cluster/wire/command-codec.js';
import { malformed } from '../cluster/wire/fields.js';
import type { ForwardQueue } from '../cluster/forward/forward-queue.js';
import type { Forwarded, Outbox } from '../cluster/forward/outbox.js';
import { outboxName, outboxNumbers, type OutboxFile } from '../sqlite/outbox-file.js';
import type { QueuedWrite } from '../engine/command-queue.js';

/** How often it is looked whether an outbox has been left, in ms. */
const LOOK_MS = 1000;

/** @internal */
export interface OutboxAdopterParts {
  /** Where the outboxes of the node's processes stand. */
  readonly directory: string;
  /** The number of this process's own. */
  readonly own: () => number;
  readonly createFile: () => OutboxFile;
  readonly createOutbox: (file: OutboxFile) => Outbox;
  /** A way to the primary for what waits in it. */
  readonly createQueue: (outbox: Outbox) => ForwardQueue;
  readonly onAdopted: (writes: number) => void;
  readonly onError: (error: unknown) => void;
}

interface Adopted {
  readonly file: OutboxFile;
  readonly queue: ForwardQueue;
}

/**
 * Sends what another process of this node had accepted and, because it ended and was not started again, will not send
 * itself. Keeps no process alive.
 *
 * @internal
 */
export class OutboxAdopter {
  #timer: NodeJS.Timeout | undefined;
  #current: Adopted | undefined;
  /** When those that hold nothing for this process had last been written to, by number. */
  readonly #passed = new Map<number, number>();

  constructor(private readonly parts: OutboxAdopterParts) {}

  start(): void {
    this.#timer = setInterval(this.#look, LOOK_MS).unref();
  }

  /** What is not yet sent stays where it is. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const adopted = this.#current;
    if (adopted === undefined) return;
    this.#current = undefined;
    await adopted.queue.close();
    adopted.file.close();
  }

  readonly #look = (): void => {
    try {
      if (this.#current !== undefined) {
        if (this.#current.queue.length === 0) this.#end(this.#current);
        return;
      }
      for (const number of outboxNumbers(this.parts.directory)) {
        if (number !== this.parts.own() && this.#tryToAdopt(number)) return;
      }
    } catch (error) {
      this.parts.onError(error);
    }
  };

  /** One that cannot be opened must not keep the others from being sent. */
  #tryToAdopt(number: number): boolean {
    try {
      return this.#adopt(number);
    } catch (error) {
      // Nothing but a newer release changes that: it is told once.
      if (error instanceof NewerSchemaError) this.#passed.set(number, this.#writtenAt(number));
      this.parts.onError(error);
      return false;
    }
  }

  /** Returns whether something waited in it. */
  #adopt(number: number): boolean {
    const { createFile, createOutbox, createQueue, onAdopted } = this.parts;
    const writtenAt = this.#writtenAt(number);
    if (this.#passed.get(number) === writtenAt) return false;
    const file = createFile();
    if (!file.openLeft(number)) return false;
    const outbox = createOutbox(file);
    let left: Forwarded[];
    try {
      left = outbox.load(unseen);
    } catch (error) {
      file.close();
      throw error;
    }
    if (left.length === 0) {
      file.close();
      this.#passed.set(number, this.#writtenAt(number));
      return false;
    }
    const queue = createQueue(outbox);
    this.#current = { file, queue };
    queue.resume(left);
    onAdopted(left.length);
    return true;
  }

  #end(adopted: Adopted): void {
    this.#current = undefined;
    const end = async (): Promise<void> => {
      await adopted.queue.close();
      adopted.file.close();
    };
    end().catch(this.parts.onError);
  }

  #writtenAt(number: number): number {
    const path = join(this.parts.directory, outboxName(number));
    const times = ['', '-wal'].map(
      (suffix) => statSync(path + suffix, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    );
    return Math.max(...times);
  }
}

/** Reads do not see it yet: this process may have accepted something newer of the same key. */
function unseen(command: ForwardedCommand): QueuedWrite<Command, CommandResult> {
  if (command.kind !== 'set' && command.kind !== 'delete') throw malformed(command.kind);
  return { command, bytes: 0, committed: ignore, failed: ignore };
}

function ignore(): void {
  // Nobody waits for it any more.
}

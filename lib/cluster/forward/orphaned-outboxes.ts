import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';
import type { QueuedWrite } from '../../engine/command-queue.js';
import { NewerSchemaError } from '../../common/errors.js';
import { Signal } from '../../common/signal.js';
import { makeDirectory } from '../../sqlite/file-mode.js';
import { FileLock } from '../../sqlite/file-lock.js';
import { outboxName, outboxNumbers, type OutboxFile } from '../../sqlite/outbox-file.js';
import { OutboxProbe, type OutboxState } from '../../sqlite/outbox-probe.js';
import { isBusy } from '../../sqlite/sqlite-error.js';
import type { ForwardedCommand } from '../wire/command-codec.js';
import { malformed } from '../wire/fields.js';
import type { Forwarded, Outbox } from './outbox.js';

/** How often this process checks whether another one has left an outbox, in ms. */
const LOOK_MS = 1000;

/** How long, in ms, a start waits for a process that only probes the file. This wait holds the event loop. */
const OPEN_TIMEOUT_MS = 100;

const LOCK_NAME = 'hypercache.outbox.lock';
const SIGN_NAME = 'hypercache.outbox.left';

/** @internal */
export interface OrphanedOutboxesParts {
  /** The directory of the outboxes of this host's processes. */
  readonly directory: string;
  /** The outbox of this process. */
  readonly own: OutboxFile;
  readonly createFile: () => OutboxFile;
  readonly createOutbox: (file: OutboxFile) => Outbox;
  readonly onError: (error: unknown) => void;
}

/**
 * Orphaned writes: processes of this host accepted them and could not send them before they ended. They precede
 * everything that any process of the host sends afterwards. The process that holds the lock sends all of them, and the
 * others wait. Keeps no process alive.
 *
 * @internal
 */
export class OrphanedOutboxes {
  /** Writes that must precede whatever this process sends. */
  readonly found = new Signal<[left: readonly Forwarded[]]>();
  readonly #lock: FileLock;
  #timer: NodeJS.Timeout | undefined;
  readonly #adopted: OutboxFile[] = [];
  /** Writes that are not answered yet. */
  #waiting = 0;
  /** When each outbox without work for this process was last written to, by number. */
  readonly #passed = new Map<number, number>();
  /** Outboxes that cannot be opened at the moment. */
  readonly #failed = new Set<number>();

  /** A file that exists while a process sends, or searches for, orphaned writes. */
  readonly #sign: string;
  readonly #probe = new OutboxProbe();

  constructor(private readonly parts: OrphanedOutboxesParts) {
    this.#sign = join(parts.directory, SIGN_NAME);
    this.#lock = new FileLock(join(parts.directory, LOCK_NAME));
  }

  /**
   * Opens the outbox of this process. It takes one that holds orphaned writes only when this process may send them.
   *
   * @param load reads the orphaned writes in it
   */
  open(load: () => readonly Forwarded[]): void {
    const { directory, own, onError } = this.parts;
    makeDirectory(directory);
    let isHeir = true;
    try {
      this.#lock.acquire(OPEN_TIMEOUT_MS);
      this.#giveSign();
    } catch (error) {
      // Without a lock there is no order between processes.
      if (isBusy(error)) isHeir = false;
      else onError(error);
    }
    try {
      own.open(isHeir);
      const found = [...load()];
      if (isHeir) for (const number of this.#others()) this.#see(number, found);
      this.#add(found);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Starts to search for more. */
  start(): void {
    this.#timer = setInterval(this.#look, LOOK_MS).unref();
  }

  /** Whether no orphaned write waits in another process. This call finds those that wait in no process. */
  mayPass(): boolean {
    try {
      if (!this.#lock.isHeld) {
        const isLeft = this.#others().some((number) => this.#stateOf(number) === 'left');
        // A process creates the sign before it opens an orphaned outbox. So look for the sign after the files.
        if (!isLeft && !existsSync(this.#sign)) return true;
        if (!this.#lock.tryAcquire()) return false;
        this.#giveSign();
      }
      const found: Forwarded[] = [];
      const isAllSeen = this.#others().every((number) => this.#see(number, found));
      this.#add(found);
      return isAllSeen;
    } catch (error) {
      this.parts.onError(error);
      return true;
    }
  }

  /** The primary has answered for this many orphaned writes. */
  answered(count: number): void {
    this.#waiting -= count;
    if (this.#waiting === 0) this.#release();
  }

  /** Unsent writes stay in their files. */
  stop(): void {
    clearInterval(this.#timer);
    this.#release();
    this.#probe.close();
  }

  readonly #look = (): void => {
    this.#failed.clear();
    this.mayPass();
  };

  #add(left: readonly Forwarded[]): void {
    for (const { row } of left) this.parts.own.follow(row?.acceptedAt ?? 0);
    this.#waiting += left.length;
    if (left.length > 0) this.found.emit(left);
    else if (this.#waiting === 0) this.#release();
  }

  #giveSign(): void {
    try {
      writeFileSync(this.#sign, '', { mode: 0o600 });
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  #release(): void {
    this.#waiting = 0;
    for (const file of this.#adopted.splice(0)) file.close();
    if (!this.#lock.isHeld) return;
    rmSync(this.#sign, { force: true });
    this.#lock.release();
  }

  #others(): number[] {
    const { directory, own } = this.parts;
    return outboxNumbers(directory).filter(
      (number) =>
        number !== own.number &&
        !this.#failed.has(number) &&
        this.#passed.get(number) !== this.#writtenAt(number),
    );
  }

  #stateOf(number: number): OutboxState {
    const writtenAt = this.#writtenAt(number);
    const state = this.#probe.state(join(this.parts.directory, outboxName(number)));
    if (state === 'empty') this.#passed.set(number, writtenAt);
    return state;
  }

  /**
   * Returns whether the content of this outbox is known now. One that cannot be opened must not keep the others from
   * being sent.
   */
  #see(number: number, found: Forwarded[]): boolean {
    if (this.#stateOf(number) !== 'left') return true;
    try {
      return this.#adopt(number, found);
    } catch (error) {
      // Only a newer release can open this file, so it is reported once.
      if (error instanceof NewerSchemaError) this.#passed.set(number, this.#writtenAt(number));
      else this.#failed.add(number);
      this.parts.onError(error);
      return true;
    }
  }

  #adopt(number: number, found: Forwarded[]): boolean {
    const { createFile, createOutbox } = this.parts;
    const file = createFile();
    // Another process is probing or opening it at the moment.
    if (!file.openLeft(number)) return false;
    try {
      const left = createOutbox(file).load(unseen);
      for (const item of left) found.push(item);
      if (left.length > 0) {
        this.#adopted.push(file);
        return true;
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
    this.#passed.set(number, this.#writtenAt(number));
    return true;
  }

  #writtenAt(number: number): number {
    const path = join(this.parts.directory, outboxName(number));
    const times = ['', '-wal'].map(
      (suffix) => statSync(path + suffix, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    );
    return Math.max(...times);
  }
}

/** Makes a write that reads do not see, because this process may have accepted a newer one of the same key. */
function unseen(command: ForwardedCommand): QueuedWrite<Command, CommandResult> {
  if (command.kind !== 'set' && command.kind !== 'delete') throw malformed(command.kind);
  return { command, bytes: 0, committed: ignore, failed: ignore };
}

function ignore(): void {
  // Its caller is gone.
}

import { realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ClosedError, FileInUseError, type HyperCacheError } from '../common/errors.js';
import { Signal } from '../common/signal.js';
import { Checkpointer, type StartThread } from './checkpointer.js';
import { whileUnchanged, whileUnused } from './file-lock.js';
import { assertReadable, quarantine } from './open-connection.js';
import { inodeOf, openFile, type OpenFile, type OpenFileOptions } from './open-file.js';
import { pragmaSql } from './sql/pragmas.js';
import { toStorageError } from './sqlite-error.js';
import { TurnReads } from './turn-reads.js';

/** @internal */
export interface FileSlotOptions extends OpenFileOptions {
  /** Another process writes the file and sometimes replaces it, while others have it open. */
  readonly isExchanged?: boolean;
  /** Checkpoints run in their own thread. Without this option, they run within the commits. */
  readonly checkpointer?: {
    /** The thread cannot run: checkpoints run within the commits after all. */
    readonly onInline: (cause: unknown) => void;
    readonly startThread?: StartThread;
  };
}

/** Why a file was given up. @internal */
export type LossReason = 'corrupt' | 'unlinked';

/** How long this process waits for others that are opening or exchanging the file, in ms. */
const EXCHANGE_TIMEOUT_MS = 5000;

/** How long a stop waits for another process that has locked the file, in ms. */
const STOP_TIMEOUT_MS = 1000;

/** Files that this process has open: two writers in one process would not see each other's L1. */
const openPaths = new Set<string>();

/**
 * The file at a path, from opening to closing. It may be given up for a new one, or exchanged for another.
 *
 * @internal
 */
export class FileSlot {
  #file: OpenFile | undefined;
  #checkpointer: Checkpointer | undefined;
  #turnReads: TurnReads | undefined;
  /** Why there is no file, when a new one could not be begun. */
  #lost: HyperCacheError | undefined;
  /** The inode of the damaged file, until a new file has replaced it. */
  #damagedInode: ReturnType<typeof inodeOf>;
  /** The epoch of a lost file: fencing tokens of the next file must be larger. */
  #epochFloor = 0;
  #realPath = '';
  #isReadOnly = false;
  /** The file is open, or another one is. */
  readonly opened = new Signal<[file: OpenFile]>();
  /** Path of the quarantined file, when the file was found damaged at opening. */
  quarantined: string | undefined;

  constructor(private readonly options: FileSlotOptions) {}

  get path(): string {
    return this.options.path;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Ends the read transaction of this turn. @throws {HC_CLOSED} or the reason why there is no file */
  get file(): OpenFile {
    const file = this.#present;
    this.#turnReads?.end();
    return file;
  }

  /** For reads, which share a transaction within a turn of the event loop. */
  get turn(): OpenFile {
    const file = this.#present;
    this.#turnReads?.join();
    return file;
  }

  get checkpointer(): Checkpointer | undefined {
    return this.#checkpointer;
  }

  /**
   * `isReadOnly`: another process writes the file. `timeoutMs`: how long a writer waits for others that are opening it.
   *
   * @throws SQLITE_BUSY while the file is exchanged, or when others take too long to open it
   * @throws {HC_FILE_IN_USE | HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
   */
  open({
    isReadOnly = this.options.isReadOnly === true,
    timeoutMs = EXCHANGE_TIMEOUT_MS,
  } = {}): void {
    if (this.#file !== undefined) return;
    const { path, isExchanged = false } = this.options;
    const known = realPathOf(path);
    if (!isReadOnly && known !== undefined && openPaths.has(known)) throw new FileInUseError(path);
    this.#isReadOnly = isReadOnly;
    const open = (): OpenFile => this.#openFile();
    if (isReadOnly) this.#file = whileUnchanged(path, open);
    else this.#file = isExchanged ? whileUnused(path, open, timeoutMs) : open();
    this.#realPath = realPathOf(path) ?? path;
    if (!isReadOnly) openPaths.add(this.#realPath);
  }

  /** Whether the path no longer leads to the open file: writes would "succeed" into nothing. */
  isUnlinked(): boolean {
    if (this.#lost !== undefined) return true;
    return inodeOf(this.path) !== this.file.inode;
  }

  /** Why a new file must replace one that {@link isUnlinked}. */
  get lossReason(): LossReason {
    return this.#damagedInode === undefined ? 'unlinked' : 'corrupt';
  }

  /**
   * Begins a new file, with a new history, in place of one that is unusable. When that fails, every use throws the same
   * error until a later attempt succeeds.
   *
   * @returns where the old file was put; undefined when it was gone
   * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER}
   * @throws {HC_STORAGE_FAILED} when the disk cannot be read; then the file stays
   */
  replace(reason: LossReason): string | undefined {
    if (reason === 'corrupt') assertReadable(this.path);
    const isRetry = this.#lost !== undefined;
    this.#epochFloor = Math.max(this.#epochFloor, this.#file?.epoch ?? 0);
    if (reason === 'corrupt') this.#damagedInode ??= this.#file?.inode ?? inodeOf(this.path);
    const damaged = this.#damagedInode;
    this.#closeFile();
    let moved: string | undefined;
    try {
      const renew = (): OpenFile => {
        // Another process may already have replaced it.
        if (damaged !== undefined && inodeOf(this.path) === damaged) {
          moved = quarantine(this.path, this.options.clock.now());
        }
        return this.#openFile();
      };
      this.#file = whileUnused(this.path, renew, isRetry ? 0 : EXCHANGE_TIMEOUT_MS);
    } catch (error) {
      this.#lost = toStorageError(error);
      throw error;
    }
    this.#lost = this.#damagedInode = undefined;
    return moved ?? this.quarantined;
  }

  /**
   * Replaces this file with another one that no process has open.
   *
   * @throws SQLITE_BUSY while others are opening this file; then nothing has happened
   * @throws {HC_STORAGE_OPEN} then every use throws the same error until a later attempt succeeds
   */
  exchangeFor(path: string): void {
    const exchange = (): void => {
      this.#closeFile();
      for (const suffix of ['-wal', '-shm']) rmSync(this.path + suffix, { force: true });
      renameSync(path, this.path);
      this.#file = this.#openFile();
    };
    try {
      whileUnused(this.path, exchange, 0);
    } catch (error) {
      if (this.#file !== undefined) throw error;
      this.#lost = toStorageError(error);
      throw this.#lost;
    }
    this.#lost = undefined;
  }

  /** From here on, wait for a locked file, because there is no later attempt. */
  beginStop(): void {
    this.#file?.connection.exec(pragmaSql.busyTimeout(STOP_TIMEOUT_MS));
  }

  /** Records a clean stop and closes. Idempotent. */
  close(): void {
    if (!this.#isReadOnly) openPaths.delete(this.#realPath);
    this.#realPath = '';
    this.#lost = undefined;
    const file = this.#file;
    if (file === undefined) return;
    this.#turnReads?.end();
    try {
      file.leave();
    } catch {
      // Then the stop is not clean: the next start counts the rows and begins a new epoch.
    } finally {
      this.#closeFile();
    }
  }

  /** Closes the checkpointer first: the last connection to close removes the write-ahead log. */
  #closeFile(): void {
    const file = this.#file;
    this.#turnReads?.end();
    this.#file = this.#turnReads = undefined;
    this.#checkpointer?.stop();
    this.#checkpointer = undefined;
    file?.close();
  }

  get #present(): OpenFile {
    if (this.#file === undefined) throw this.#lost ?? new ClosedError();
    return this.#file;
  }

  #openFile(): OpenFile {
    const options = { ...this.options, isReadOnly: this.#isReadOnly };
    const file = openFile(options, this.#epochFloor);
    this.quarantined = file.quarantined;
    this.#turnReads = new TurnReads(file.connection);
    const { checkpointer } = this.options;
    if (checkpointer !== undefined && !this.#isReadOnly) {
      this.#checkpointer = new Checkpointer({
        ...checkpointer,
        path: this.path,
        connection: file.connection,
      });
    }
    this.opened.emit(file);
    return file;
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}

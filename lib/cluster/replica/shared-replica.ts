import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageLostError, type HyperCacheError } from '../../common/errors.js';
import type { Position } from '../wire/position.js';
import type { Listing } from '../../engine/listing.js';
import type { L2 } from '../../engine/l2.js';
import type { MemoryCoherence } from '../../engine/memory-coherence.js';
import { Coherence } from '../../sqlite/coherence.js';
import { isBusy, toStorageError } from '../../sqlite/sqlite-error.js';
import { FileListing } from '../../sqlite/file-listing.js';
import { SqliteL2 } from '../../sqlite/sqlite-l2.js';
import { FILE_NAME, Storage } from '../../sqlite/storage.js';
import type { BackupSummary } from '../../sqlite/backup.js';
import {
  nothingToBackUp,
  type ReplicaSource,
  type ReplicaSourceParts,
  type ReplicaSourceStats,
} from './replica-source.js';

/** How often this process checks whether the file exists, and is still the same, in ms. */
const WATCH_MS = 500;
/** Number of consecutive refusals of a locked file after which this one is reported. */
const REPORTED_REFUSAL = 60;

/**
 * The primary's own file, read in place on the same host. What the primary commits is readable immediately. The
 * entries that it replaces leave memory within the coherence interval.
 *
 * @internal
 */
export class SharedReplica implements ReplicaSource {
  readonly storage: Storage;
  readonly coherence: MemoryCoherence;
  readonly #coherence: Coherence;
  readonly #listing: FileListing;
  /** The primary's answers bring nothing new: their changes are already in the file. */
  readonly isFed = true;
  readonly isStale = false;
  #watch: NodeJS.Timeout | undefined;
  #refusals = 0;

  constructor(private readonly parts: ReplicaSourceParts) {
    const { options, clock, random } = parts;
    this.storage = new Storage({
      path: join(options.sqlitePath, FILE_NAME),
      fullSync: false,
      clock,
      random,
      isReadOnly: true,
      memory: parts.memory,
    });
    this.#listing = new FileListing(this.storage, parts.primaryClock);
    this.#coherence = new Coherence({
      storage: this.storage,
      clock,
      intervalMs: options.coherenceInterval,
      onError: (error) => {
        if (!isBusy(error)) this.onReadError(toStorageError(error));
      },
    });
    this.coherence = {
      isTrusted: () => this.isReady && this.#coherence.isTrusted(),
      keepsOwnWrites: false,
    };
  }

  l2(namespace: string): L2 {
    return new SqliteL2(namespace, {
      storage: this.storage,
      coherence: this.#coherence,
      clock: this.parts.primaryClock,
      onReadError: (error) => this.onReadError(error),
    });
  }

  get listing(): Listing | undefined {
    return this.isReady ? this.#listing : undefined;
  }

  get isReady(): boolean {
    return this.storage.isOpen;
  }

  get position(): Position | undefined {
    if (!this.storage.isOpen) return undefined;
    const { historyId, epoch, revision } = this.storage;
    return { historyId, epoch, revision };
  }

  async start(): Promise<void> {
    this.#tryToOpen();
    this.#coherence.start();
    this.#watch = setInterval(() => this.#check(), WATCH_MS).unref();
  }

  stop(): void {
    this.#coherence.stop();
    clearInterval(this.#watch);
    this.storage.close();
  }

  apply(): void {
    // What the primary has committed is already in the file.
  }

  mustReach(): void {
    // Once the file can be opened, it has everything.
  }

  /** What the primary has committed is there, unless the file cannot be read for a moment. */
  async whenReached(position: Position, timeoutMs: number): Promise<boolean> {
    const { clock, options } = this.parts;
    const deadline = clock.monotonic() + timeoutMs;
    while (!this.#sees(position)) {
      if (clock.monotonic() >= deadline) return false;
      await delay(options.coherenceInterval, undefined, { ref: false });
    }
    return true;
  }

  #sees({ historyId, revision }: Position): boolean {
    const { storage } = this;
    this.#coherence.look();
    // The revision never arrives in another file. Without a file, reads go to the primary.
    if (!storage.isOpen || storage.historyId !== historyId) return true;
    return storage.revision >= revision;
  }

  stats(): ReplicaSourceStats {
    const { storage } = this;
    const { historyId = '', epoch = 0, revision = 0 } = this.position ?? {};
    return {
      historyId,
      epoch,
      revision,
      l2: {
        entries: 0,
        ...(storage.isOpen ? storage.size() : { usedBytes: 0, fileBytes: 0 }),
        walBytes: storage.walBytes(),
        evicted: 0,
        swept: 0,
      },
      replica: {
        isReady: this.isReady,
        isConnected: this.isReady,
        isStale: this.isStale,
        lag: storage.isOpen ? storage.changes.head() - revision : 0,
        lagMs: 0,
        snapshots: 0,
      },
    };
  }

  async backup(): Promise<BackupSummary> {
    throw nothingToBackUp();
  }

  onReadError(error: HyperCacheError): void {
    this.parts.incidents.report(error, 'reading');
  }

  #tryToOpen(): void {
    const { incidents, events, logger } = this.parts;
    try {
      this.storage.open();
      this.#refusals = 0;
      logger.log(`Reading the primary's file from revision ${this.storage.revision}.`);
      events.emit('replica:connected', { revision: this.storage.revision });
    } catch (error) {
      // The file is being exchanged at the moment.
      if (isBusy(error) && ++this.#refusals !== REPORTED_REFUSAL) return;
      incidents.report(toStorageError(error), "opening the primary's file");
    }
  }

  /** The primary may have begun a new file. */
  #check(): void {
    const { storage } = this;
    if (storage.isOpen && storage.isUnlinked()) {
      const { revision } = storage;
      storage.close();
      this.parts.memory.lost();
      const error = new StorageLostError(
        "The primary's file was deleted or replaced.",
        'This node opens it again as soon as it exists.',
      );
      this.parts.events.emit('replica:lost', { error, revision });
      this.parts.incidents.report(error, "reading the primary's file");
      this.parts.onNewHistory();
    }
    if (!storage.isOpen) this.#tryToOpen();
  }
}

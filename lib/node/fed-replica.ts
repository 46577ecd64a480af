import { join } from 'node:path';
import type { MemoryCoherence } from '../cache/coherence.js';
import { LogTrimmer } from '../cache/log-trimmer.js';
import { SpaceReleaser } from '../cache/space-releaser.js';
import { Sweeper } from '../cache/sweeper.js';
import type { Clock } from '../common/clock.js';
import {
  PrimaryUnreachableError,
  RoleMismatchError,
  StorageLostError,
  type HyperCacheError,
} from '../common/errors.js';
import type { ChangeBatch } from '../replication/change-batch.js';
import type { Position } from '../replication/position.js';
import { Replica } from '../replication/replica.js';
import { ReplicaLoop } from '../replication/replica-loop.js';
import { FileLock } from '../storage/file-lock.js';
import { isBusy, isCorruption, toStorageError } from '../storage/sqlite-error.js';
import { Storage, type LossReason, type StorageOptions } from '../storage/storage.js';
import { checkpointerOf } from './checkpointer-of.js';
import type { BackupSummary } from './hyper-cache-node.js';
import { nothingToBackUp } from './nothing-to-back-up.js';
import { MaintenanceLoop } from './maintenance-loop.js';
import { FILE_NAME } from './options.js';
import { FeedState } from './feed-state.js';
import { ReplicaWatch } from './replica-watch.js';
import type { ReplicaHost, ReplicaHostParts, ReplicaHostStats } from './replica-host.js';

const SIDE_FILE_NAME = 'hypercache.snapshot.sqlite';

/** Entries are swept so long after their deadline: by then the primary's clock is surely past it. */
const SWEEP_MARGIN_MS = 10_000;

const REPLICA_ID_BYTES = 8;

/** Held by the process that follows the primary, of several in one directory. */
const LEAD_FILE_NAME = 'hypercache.lead';

/**
 * A file of the secondary's own that follows the primary's changes. Of several processes in one directory one does that,
 * for all; the others read the file, and one of them takes its place when it ends.
 *
 * @internal
 */
export class FedReplica implements ReplicaHost {
  readonly storage: Storage;
  readonly #replica: Replica;
  readonly #loop: ReplicaLoop;
  readonly #sweeper: Sweeper;
  readonly #maintenance: MaintenanceLoop;
  readonly #lead: FileLock;
  readonly #state: FeedState;
  readonly #watch: ReplicaWatch;
  #isStale = false;
  #wasConnected = false;
  #staleness: NodeJS.Timeout | undefined;

  constructor(private readonly parts: ReplicaHostParts) {
    const { options, clock, random } = parts;
    const createStorage = (name: string, more: Partial<StorageOptions> = {}): Storage =>
      new Storage({
        path: join(options.sqlitePath, name),
        fullSync: false,
        clock,
        random,
        hasOneWriter: true,
        onForeignChanges: (changes) => parts.caches().dropLogged(changes),
        ...more,
      });
    const { incidents } = parts;
    const storage = createStorage(
      FILE_NAME,
      checkpointerOf(options, (error) => incidents.report(error, 'checkpointing')),
    );
    this.storage = storage;
    this.#lead = new FileLock(join(options.sqlitePath, LEAD_FILE_NAME));
    this.#state = new FeedState(storage);
    this.#replica = new Replica({
      storage,
      clock,
      createSide: () => createStorage(SIDE_FILE_NAME),
      onChanged: (changes) => parts.caches().dropReplicated(changes),
      primary: { url: options.primaryUrl ?? '', path: options.path },
    });
    this.#loop = new ReplicaLoop({
      ...parts,
      replica: this.#replica,
      storage,
      replicaId: random.hex(REPLICA_ID_BYTES),
      maxValueBytes: options.maxValueSize,
      acceptNewHistory: options.acceptNewHistory,
      onIncident: (error) => parts.incidents.report(error, 'following the primary'),
      onConnected: () => this.#onConnected(),
      onLost: (error) => this.#onLost(error),
      onSnapshot: (entries, ms) => this.#onSnapshot(entries, ms),
    });
    this.#watch = new ReplicaWatch({
      storage,
      replica: this.#replica,
      state: this.#state,
      lead: this.#lead,
      clock,
      intervalMs: options.coherenceInterval,
      onOpened: () => parts.caches().clearMemory(),
      onState: () => this.#onState(),
      onLead: () => this.#takeOver(),
      onError: (error) =>
        parts.incidents.report(toStorageError(error), "reading another process's replica"),
    });
    this.#sweeper = new Sweeper(storage, late(parts.primaryClock));
    this.#maintenance = new MaintenanceLoop(
      [
        { step: () => this.#watchFile() },
        { step: () => this.#noteForOthers() },
        this.#sweeper,
        new LogTrimmer(
          storage,
          clock,
          options.changeLogEntries,
          options.changeLogAge,
          options.maxSize,
        ),
        new SpaceReleaser(storage),
      ],
      options.sweepInterval,
      (error) => this.#onMaintenanceError(error),
    );
  }

  get coherence(): MemoryCoherence {
    return this.#watch.coherence;
  }

  get isReady(): boolean {
    return !this.#isStale && this.#replica.isReady;
  }

  get isStale(): boolean {
    return this.#isStale;
  }

  /** A snapshot brings the changes too. */
  get isFed(): boolean {
    return this.#watch.isWatching || this.#loop.isConnected || this.#replica.isCopying;
  }

  get position(): Position | undefined {
    return this.#replica.position;
  }

  async start(): Promise<void> {
    if (!this.#lead.tryAcquire()) {
      this.#watch.start();
      return;
    }
    this.#open();
    await this.#loop.start();
  }

  #open(): void {
    const { storage } = this;
    storage.open();
    this.#replica.load();
    if (!this.#replica.hasSource && storage.revision > 0) {
      throw new RoleMismatchError(
        `${storage.path} holds the data of a primary, and would be overwritten by that of another node.`,
        'Give the secondary a sqlitePath of its own, or move the directory away. If it is that of its own primary, from a backup or from former days, run `npx hypercache adopt`: it follows from there.',
      );
    }
    // What was noted before may be of another start of the machine.
    this.#state.note(false, this.parts.primaryClock.offset);
    this.#maintenance.start();
  }

  /** The process that has followed the primary so far is gone. */
  #takeOver(): void {
    const { logger, incidents, caches } = this.parts;
    caches().clearMemory();
    this.#wasConnected = false;
    try {
      this.#open();
    } catch (error) {
      incidents.report(toStorageError(error), 'following the primary');
      // Another process may be able to; this one tries again later.
      this.storage.close();
      this.#lead.release();
      this.#watch.start();
      return;
    }
    logger.log('The process that followed the primary has ended: this one follows it.');
    this.#loop.start().catch((error: unknown) => {
      incidents.report(toStorageError(error), 'following the primary');
    });
  }

  stop(): void {
    clearTimeout(this.#staleness);
    this.#watch.stop();
    this.#maintenance.stop();
    this.#loop.stop();
    this.storage.close();
    this.#lead.release();
  }

  apply(batch: ChangeBatch): void {
    // A snapshot that is under way takes its changes from the feed alone: in their order.
    if (!this.#watch.isWatching && !this.#replica.isCopying) this.#replica.apply(batch);
  }

  mustReach(position: Position): void {
    this.#replica.mustReach(position);
  }

  whenReached(position: Position, timeoutMs: number): Promise<boolean> {
    const reached = this.#replica.whenReached(position, timeoutMs);
    return this.#watch.isWatching ? this.#watch.during(reached) : reached;
  }

  stats(): ReplicaHostStats {
    const { storage } = this;
    const { historyId = '', epoch = 0 } = this.#replica.position ?? {};
    return {
      historyId,
      epoch,
      revision: storage.revision,
      l2: {
        ...(storage.isOpen
          ? { entries: storage.counts.total, ...storage.size() }
          : { entries: 0, usedBytes: 0, fileBytes: 0 }),
        walBytes: storage.walBytes(),
        checkpoints: storage.checkpoints,
        evicted: 0,
        swept: this.#sweeper.swept,
      },
      replica: {
        isReady: this.isReady,
        isConnected: this.#watch.isWatching ? this.#wasConnected : this.#loop.isConnected,
        isStale: this.isStale,
        lag: this.#loop.head - storage.revision,
        lagMs: this.#loop.lagMs,
        snapshots: this.#loop.snapshots,
      },
    };
  }

  async backup(path: string): Promise<BackupSummary> {
    const { position } = this;
    if (position === undefined) throw nothingToBackUp();
    const summary = await this.storage.backUp(path);
    const { historyId, epoch } = this.position ?? position;
    return { ...summary, historyId, epoch };
  }

  onReadError(error: HyperCacheError, cause: unknown): void {
    this.parts.incidents.report(error, 'reading');
    if (isCorruption(cause)) this.#tryToRecover('corrupt');
  }

  /** The process that follows the primary tells how it is. */
  #onState(): void {
    const { primaryClock, options } = this.parts;
    const { isConnected, offset } = this.#state;
    primaryClock.adopt(offset);
    if (isConnected === this.#wasConnected) return;
    if (isConnected) this.#onConnected();
    else {
      const url = options.primaryUrl ?? '';
      this.#onLost(new PrimaryUnreachableError(url, 'the process that follows it has lost it'));
    }
  }

  /** Of several processes in the directory this one knows. */
  #noteForOthers(): boolean {
    this.storage.noteCounts();
    this.#state.note(this.#wasConnected, this.parts.primaryClock.offset);
    return false;
  }

  #onConnected(): void {
    const { logger, events, options } = this.parts;
    const { revision } = this.storage;
    this.#wasConnected = true;
    this.#tellOthers();
    clearTimeout(this.#staleness);
    this.#staleness = undefined;
    this.#isStale = false;
    logger.log(`Following ${options.primaryUrl ?? ''} from revision ${revision}.`);
    events.emit('replica:connected', { revision });
  }

  #onLost(error: HyperCacheError): void {
    const { events, incidents, options } = this.parts;
    this.#wasConnected = false;
    this.#tellOthers();
    events.emit('replica:lost', { error, revision: this.storage.revision });
    incidents.report(error, 'following the primary');
    if (options.onPrimaryLost !== 'miss' || this.#isStale) return;
    this.#staleness ??= setTimeout(() => this.#becomeStale(), options.staleAfter).unref();
  }

  #tellOthers(): void {
    if (this.#watch.isWatching || !this.storage.isOpen) return;
    try {
      this.#state.note(this.#wasConnected, this.parts.primaryClock.offset);
    } catch (error) {
      this.#onMaintenanceError(error);
    }
  }

  #becomeStale(): void {
    const { logger, options } = this.parts;
    this.#isStale = true;
    logger.warn(
      `The primary has been away for ${options.staleAfter} ms: reads find nothing until it is back.`,
    );
  }

  #onSnapshot(entries: number, ms: number): void {
    this.#state.forget();
    this.parts.logger.log(`Took a snapshot of ${entries} entries in ${Math.round(ms)} ms.`);
    this.parts.events.emit('replica:snapshot', { entries, ms });
  }

  #onMaintenanceError(error: unknown): void {
    if (isBusy(error)) return;
    this.parts.incidents.report(toStorageError(error), 'maintaining the file');
    if (isCorruption(error)) this.#tryToRecover('corrupt');
  }

  #watchFile(): boolean {
    if (!this.storage.isUnlinked()) return false;
    this.parts.incidents.report(
      new StorageLostError(
        'The database file was deleted or replaced while in use.',
        'Leave the files in sqlitePath alone while the application runs.',
      ),
      'watching the file',
    );
    this.#tryToRecover('unlinked');
    return false;
  }

  /** A replica that is lost is copied again; until then reads go to the primary. */
  #tryToRecover(reason: LossReason): void {
    const { events, incidents, logger, caches } = this.parts;
    // The file is that of the process that follows the primary, which notices by itself.
    if (this.#watch.isWatching) return;
    try {
      const quarantined = this.storage.replace(reason);
      this.#state.forget();
      this.#replica.load();
      caches().clearMemory();
      this.#loop.reconnect();
      logger.warn(`The replica was ${reason}; a new one is taken from the primary.`);
      events.emit('recovered', { reason, quarantined });
    } catch (error) {
      incidents.report(toStorageError(error), 'beginning a new file');
    }
  }
}

function late(clock: Clock): Clock {
  return {
    now: () => clock.now() - SWEEP_MARGIN_MS,
    coarseNow: () => clock.coarseNow() - SWEEP_MARGIN_MS,
    monotonic: () => clock.monotonic(),
    uptime: () => clock.uptime(),
  };
}

import { LogTrimmer } from '../../sqlite/maintenance/log-trimmer.js';
import { SpaceReleaser } from '../../sqlite/maintenance/space-releaser.js';
import { Sweeper } from '../../sqlite/maintenance/sweeper.js';
import type { Clock } from '../../common/clock.js';
import { RoleMismatchError, StorageLostError, type HyperCacheError } from '../../common/errors.js';
import type { Replica } from './replica.js';
import { ReplicaLoop } from './replica-loop.js';
import { isBusy, isCorruption, toStorageError } from '../../sqlite/sqlite-error.js';
import type { LossReason } from '../../sqlite/file-slot.js';
import type { Storage } from '../../sqlite/storage.js';
import type { FeedConnection } from './feed-connection.js';
import type { FeedState } from './feed-state.js';
import { MaintenanceLoop } from '../../sqlite/maintenance/maintenance-loop.js';
import type { ReplicaSourceParts, ReplicaSourceStats } from './replica-source.js';

/** Entries are swept this long, in ms, after their deadline: by then the primary's clock has passed it for certain. */
const SWEEP_MARGIN_MS = 10_000;

const REPLICA_ID_BYTES = 8;

/** @internal */
export interface ReplicaLeaderParts extends ReplicaSourceParts {
  readonly storage: Storage;
  readonly replica: Replica;
  readonly state: FeedState;
  readonly connection: FeedConnection;
}

/**
 * Follows the primary for all processes in a secondary's directory. It alone writes the file, maintains it, and begins
 * a new one when the file is lost.
 *
 * @internal
 */
export class ReplicaLeader {
  readonly #loop: ReplicaLoop;
  readonly #sweeper: Sweeper;
  readonly #maintenance: MaintenanceLoop;

  constructor(private readonly parts: ReplicaLeaderParts) {
    const { options, clock, random, storage, incidents } = parts;
    this.#loop = new ReplicaLoop({
      ...parts,
      replicaId: random.hex(REPLICA_ID_BYTES),
      maxValueBytes: options.maxValueSize,
      acceptNewHistory: options.acceptNewHistory,
      onIncident: (error) => incidents.report(error, 'following the primary'),
      onConnected: () => this.#onConnected(),
      onLost: (error) => this.#onLost(error),
      onSnapshot: (entries, ms) => this.#onSnapshot(entries, ms),
    });
    this.#sweeper = new Sweeper(storage, late(parts.primaryClock));
    this.#maintenance = new MaintenanceLoop(
      [
        { step: () => this.#watchFile() },
        { step: () => this.#tellOthers() },
        this.#sweeper,
        new LogTrimmer(
          storage,
          clock,
          options.changeLogEntries,
          options.changeLogAge,
          options.maxSize,
        ),
        new SpaceReleaser(storage, clock),
      ],
      options.sweepInterval,
      (error) => this.#onMaintenanceError(error),
    );
  }

  /** Whether changes arrive: neither connecting nor in the middle of a snapshot. */
  get isConnected(): boolean {
    return this.#loop.isConnected;
  }

  /** Entries that it has swept. */
  get swept(): number {
    return this.#sweeper.swept;
  }

  /** How far the replica is behind, and how many snapshots it has taken. */
  get progress(): Pick<ReplicaSourceStats['replica'], 'lag' | 'lagMs' | 'snapshots'> {
    const { head, lagMs, snapshots } = this.#loop;
    return { lag: head - this.parts.storage.revision, lagMs, snapshots };
  }

  /**
   * @param timeoutMs how long it waits for other processes that open the file. This wait holds the event loop
   * @throws {HC_ROLE_MISMATCH} or the error that prevents opening the file
   */
  open(timeoutMs?: number): void {
    const { storage, replica, state, primaryClock } = this.parts;
    storage.open({ timeoutMs });
    replica.load();
    if (!replica.hasSource && storage.revision > 0) {
      throw new RoleMismatchError(
        `${storage.path} holds the data of a primary, and would be overwritten by that of another node.`,
        'Give the secondary a sqlitePath of its own, or move the directory away. If the data belongs to its own primary (from a backup, or from an earlier role), run `npx --no hypercache adopt`: the secondary continues from there.',
      );
    }
    // A recorded offset may belong to an earlier start of the machine.
    state.note(false, primaryClock.offset);
    this.#maintenance.start();
  }

  /** Called once the file is open; as {@link ReplicaLoop.start}. */
  follow(): Promise<void> {
    return this.#loop.start();
  }

  stop(): void {
    this.#maintenance.stop();
    this.#loop.stop();
  }

  /** Copies a lost replica again. Until then, reads go to the primary. */
  tryToRecover(reason: LossReason): void {
    const { storage, state, replica, events, incidents, logger, memory } = this.parts;
    try {
      const quarantined = storage.replace(reason);
      state.forget();
      replica.load();
      memory.lost();
      this.#loop.reconnect();
      logger.warn(`The replica was ${reason}; a new one is copied from the primary.`);
      events.emit('recovered', { reason, quarantined });
    } catch (error) {
      incidents.report(toStorageError(error), 'beginning a new file');
    }
  }

  #onConnected(): void {
    this.parts.connection.made();
    this.#tellOthers();
  }

  #onLost(error: HyperCacheError): void {
    this.parts.connection.lost(error);
    this.#tellOthers();
  }

  #onSnapshot(entries: number, ms: number): void {
    const { state, logger, events } = this.parts;
    state.forget();
    logger.log(`Took a snapshot of ${entries} entries in ${Math.round(ms)} ms.`);
    events.emit('replica:snapshot', { entries, ms });
  }

  /** Only this process of the directory knows this state, so it shares it. */
  #tellOthers(): boolean {
    const { storage, state, connection, primaryClock } = this.parts;
    if (!storage.isOpen) return false;
    try {
      storage.noteCounts();
      state.note(connection.isMade, primaryClock.offset);
    } catch (error) {
      this.#onMaintenanceError(error);
    }
    return false;
  }

  #watchFile(): boolean {
    if (!this.parts.storage.isUnlinked()) return false;
    this.parts.incidents.report(
      new StorageLostError(
        'The database file was deleted or replaced while in use.',
        'Leave the files in sqlitePath alone while the application runs.',
      ),
      'watching the file',
    );
    this.tryToRecover('unlinked');
    return false;
  }

  #onMaintenanceError(error: unknown): void {
    if (isBusy(error)) return;
    this.parts.incidents.report(toStorageError(error), 'maintaining the file');
    if (isCorruption(error)) this.tryToRecover('corrupt');
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

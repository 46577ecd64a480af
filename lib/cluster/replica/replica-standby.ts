import { PrimaryUnreachableError } from '../../common/errors.js';
import type { Replica } from './replica.js';
import { Coherence } from '../../sqlite/coherence.js';
import { isBusy, toStorageError } from '../../sqlite/sqlite-error.js';
import type { Storage } from '../../sqlite/storage.js';
import type { FeedConnection } from './feed-connection.js';
import type { FeedState } from './feed-state.js';
import type { LeaderLock } from './leader-lock.js';
import type { ReplicaSourceParts } from './replica-source.js';

/** Interval, in ms, at which this process tries to take the leader's place. */
const TRY_MS = 250;

/** Number of consecutive failures to open the file after which the failure is reported. */
const REPORTED_FAILURE = 100;

/** While a caller waits for a change that another process applies, this process checks for it at this interval, in ms. */
const WAIT_LOOK_MS = 1;

/** @internal */
export interface ReplicaStandbyParts extends Pick<
  ReplicaSourceParts,
  'options' | 'client' | 'clock' | 'primaryClock' | 'memory' | 'incidents'
> {
  readonly storage: Storage;
  readonly replica: Replica;
  readonly state: FeedState;
  readonly connection: FeedConnection;
  readonly lead: LeaderLock;
  /** No process leads any more, and this one must: it holds the lock. */
  readonly onLead: () => void;
}

/**
 * Reads a replica for as long as another process in the same directory keeps it up to date. PostgreSQL calls this a hot
 * standby.
 *
 * @internal
 */
export class ReplicaStandby {
  readonly coherence: Coherence;
  #looking: NodeJS.Timeout | undefined;
  #trying: NodeJS.Timeout | undefined;
  #failures = 0;
  /** Another process leads, so the state that it has recorded counts. */
  #isLed = false;

  constructor(private readonly parts: ReplicaStandbyParts) {
    const { storage, clock, options } = parts;
    this.coherence = new Coherence({
      storage,
      clock,
      intervalMs: options.coherenceInterval,
      onCommit: () => this.#observe(),
      onError: (error) => this.#report(error),
    });
  }

  get isReading(): boolean {
    return this.#looking !== undefined;
  }

  /** @param isLed another process leads; otherwise this one has tried to lead and failed */
  start(isLed: boolean): void {
    this.#isLed = isLed;
    this.#looking = setInterval(this.#look, this.parts.options.coherenceInterval).unref();
    this.#trying = setInterval(this.#tryToLead, TRY_MS).unref();
    this.#check();
  }

  stop(): void {
    clearInterval(this.#looking);
    clearInterval(this.#trying);
    this.#looking = undefined;
    this.coherence.stop();
  }

  /** Checks more often while a caller waits for what the other process applies. */
  async during<T>(waiting: Promise<T>): Promise<T> {
    const timer = setInterval(this.coherence.look, WAIT_LOOK_MS);
    try {
      return await waiting;
    } finally {
      clearInterval(timer);
    }
  }

  readonly #look = (): void => {
    try {
      this.#check();
    } catch (error) {
      this.#report(error);
    }
  };

  readonly #tryToLead = (): void => {
    const { lead } = this.parts;
    try {
      if (!lead.tryAcquire()) {
        const wasLed = this.#isLed;
        this.#isLed = true;
        if (lead.listen(TRY_MS) || !wasLed) this.#judge();
        return;
      }
      this.stop();
      this.#close();
      this.parts.onLead();
    } catch (error) {
      this.#report(error);
    }
  };

  /** A snapshot of the other process replaces the file. */
  #check(): void {
    const { storage, memory } = this.parts;
    if (storage.isOpen) {
      if (!storage.isUnlinked()) return;
      this.#close();
    }
    try {
      storage.open({ isReadOnly: true });
    } catch (error) {
      // The other process may not have created it yet.
      if (++this.#failures === REPORTED_FAILURE) this.#reportAny(error);
      return;
    }
    this.#failures = 0;
    // Memory holds entries of another file.
    memory.lost();
    this.coherence.start();
    this.#observe();
  }

  #close(): void {
    const { storage, replica } = this.parts;
    this.coherence.stop();
    replica.unload();
    storage.close();
  }

  #observe(): void {
    const { replica, state, primaryClock } = this.parts;
    replica.observe();
    state.read();
    primaryClock.adopt(state.offset);
    this.#judge();
  }

  /** Reads the state of the connection to the primary that the leader has recorded, or notices that the leader is silent. */
  #judge(): void {
    const { state, lead, connection, client } = this.parts;
    const isFollowed = this.#isLed && state.isConnected && !lead.isSilent;
    if (!isFollowed && !connection.isMade) connection.awaited();
    if (isFollowed === connection.isMade) return;
    if (!connection.isMade) {
      connection.made();
      return;
    }
    const what = lead.isSilent ? 'does not answer: it is suspended, or too busy' : 'has lost it';
    const reason = `the process that follows it here (pid ${state.pid}) ${what}`;
    connection.lost(new PrimaryUnreachableError(client.url, reason));
  }

  #report(error: unknown): void {
    if (!isBusy(error)) this.#reportAny(error);
  }

  #reportAny(error: unknown): void {
    this.parts.incidents.report(toStorageError(error), "reading another process's replica");
  }
}

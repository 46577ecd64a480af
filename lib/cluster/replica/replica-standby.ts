import { PrimaryUnreachableError } from '../../common/errors.js';
import type { Replica } from './replica.js';
import { Coherence } from '../../sqlite/coherence.js';
import { isBusy, toStorageError } from '../../sqlite/sqlite-error.js';
import type { Storage } from '../../sqlite/storage.js';
import type { FeedConnection } from './feed-connection.js';
import type { FeedState } from './feed-state.js';
import type { LeaderLock } from './leader-lock.js';
import type { ReplicaSourceParts } from './replica-source.js';

/** So often it is tried to take the place of the process that leads, in ms. */
const TRY_MS = 250;

/** Of so many that the file could not be opened in a row this one is told. */
const REPORTED_FAILURE = 100;

/** Who waits for a change that another process applies looks for it so often, in ms. */
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
  /** Nobody leads any more, and this process is to do it: the lock is held. */
  readonly onLead: () => void;
}

/**
 * Reads a replica that another process in the same directory keeps up to date, for as long as that one does: a hot
 * standby, in PostgreSQL's words.
 *
 * @internal
 */
export class ReplicaStandby {
  readonly coherence: Coherence;
  #looking: NodeJS.Timeout | undefined;
  #trying: NodeJS.Timeout | undefined;
  #failures = 0;
  /** Another process leads: what it has noted counts. */
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

  /** @param isLed another process leads; else this one has tried to, in vain */
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

  /** Looks more often as long as somebody waits for what the other process applies. */
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

  /** A snapshot of the other process is another file. */
  #check(): void {
    const { storage, memory } = this.parts;
    if (storage.isOpen) {
      if (!storage.isUnlinked()) return;
      this.#close();
    }
    try {
      storage.open({ isReadOnly: true });
    } catch (error) {
      // The other process may have yet to make it.
      if (++this.#failures === REPORTED_FAILURE) this.#tell(error);
      return;
    }
    this.#failures = 0;
    // Whatever memory holds is of another file.
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

  /** The process that leads tells how it is with the primary, or nothing any more. */
  #judge(): void {
    const { state, lead, connection, client } = this.parts;
    const isFollowed = this.#isLed && state.isConnected && !lead.isSilent;
    if (!isFollowed && !connection.isMade) connection.awaited();
    if (isFollowed === connection.isMade) return;
    if (!connection.isMade) {
      connection.made();
      return;
    }
    const what = lead.isSilent ? 'does not answer: it is stopped, or too busy' : 'has lost it';
    const reason = `the process that follows it here (pid ${state.pid}) ${what}`;
    connection.lost(new PrimaryUnreachableError(client.url, reason));
  }

  #report(error: unknown): void {
    if (!isBusy(error)) this.#tell(error);
  }

  #tell(error: unknown): void {
    this.parts.incidents.report(toStorageError(error), "reading another process's replica");
  }
}

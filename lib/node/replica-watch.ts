import { Coherence } from '../cache/coherence.js';
import type { Clock } from '../common/clock.js';
import type { Replica } from '../replication/replica.js';
import type { FileLock } from '../storage/file-lock.js';
import { isBusy } from '../storage/sqlite-error.js';
import type { Storage } from '../storage/storage.js';
import type { FeedState } from './feed-state.js';

/** After so many looks at the file it is tried to take the place of the process that follows the primary. */
const LOOKS_PER_TRY = 25;

/** Of so many that the file could not be opened in a row this one is told. */
const REPORTED_FAILURE = 100;

/** Who waits for a change that another process applies looks for it so often, in ms. */
const WAIT_LOOK_MS = 1;

/** @internal */
export interface ReplicaWatchParts {
  readonly storage: Storage;
  readonly replica: Replica;
  readonly state: FeedState;
  readonly lead: FileLock;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** The file was opened, or another one has taken its place: nothing in memory counts. */
  readonly onOpened: () => void;
  /** The other process has noted how it is with the primary. */
  readonly onState: () => void;
  /** Nobody follows the primary any more, and this process is to do it: the lock is held. */
  readonly onLead: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Reads a replica that another process in the same directory keeps up to date, for as long as that one does.
 *
 * @internal
 */
export class ReplicaWatch {
  readonly coherence: Coherence;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #failures = 0;

  constructor(private readonly parts: ReplicaWatchParts) {
    const { storage, clock, intervalMs } = parts;
    this.coherence = new Coherence({
      storage,
      clock,
      intervalMs,
      onCommit: () => this.#observe(),
      onError: (error) => this.#report(error),
    });
  }

  get isWatching(): boolean {
    return this.#timer !== undefined;
  }

  start(): void {
    this.#timer = setInterval(this.#look, this.parts.intervalMs).unref();
    this.#check();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
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
      this.#looks++;
      if (this.#looks % LOOKS_PER_TRY === 0 && this.parts.lead.tryAcquire()) {
        this.stop();
        this.#close();
        this.parts.onLead();
        return;
      }
      this.#check();
    } catch (error) {
      this.#report(error);
    }
  };

  /** A snapshot of the other process is another file. */
  #check(): void {
    const { storage, onOpened } = this.parts;
    if (storage.isOpen) {
      if (!storage.isUnlinked()) return;
      this.#close();
    }
    try {
      storage.open({ isReadOnly: true });
    } catch (error) {
      // The other process may have yet to make it.
      if (++this.#failures === REPORTED_FAILURE) this.#report(error);
      return;
    }
    this.#failures = 0;
    onOpened();
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
    const { replica, state, onState } = this.parts;
    replica.observe();
    state.read();
    onState();
  }

  #report(error: unknown): void {
    if (!isBusy(error)) this.parts.onError(error);
  }
}

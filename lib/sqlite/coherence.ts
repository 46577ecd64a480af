import { setImmediate as onNextTurn } from 'node:timers';
import type { Clock } from '../common/clock.js';
import type { MemoryCoherence } from '../engine/memory-coherence.js';
import type { Storage } from './storage.js';

/** What a reader of the file must know about its writers. @internal */
export interface FileCoherence {
  /** Whether other processes write to the file at all. */
  readonly isShared: boolean;
  /** A read of the file may have shown what memory does not know yet: the next read from memory checks the file. */
  expire(): void;
}

/**
 * Reads in one turn of the event loop before the clock is read to see how long the turn has lasted. Each read may copy
 * a large value.
 */
const READS = 32;
/**
 * After quick reads, more of them pass before the next check, because reading the clock costs half as much as a hit.
 * Reads count as quick when, at their speed, the next ones fit into a quarter of an interval.
 */
const QUICK_READS = 64;
const QUICK_SHARE = READS / QUICK_READS / 4;
const READS_ALONE = 2 ** 30;

/** @internal */
export interface CoherenceParts {
  readonly storage: Storage;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Interval of the checks while no caller reads, in ms. */
  readonly intervalMs: number;
  /** Another process has committed something. */
  readonly onCommit?: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Keeps the memory of this process coherent with what other processes commit to the file. It reads the end of the
 * change log before the first read from memory in a turn of the event loop, again in a long turn, and at every
 * interval. When no other process shares the file, only the timer runs, which keeps no process alive.
 *
 * @internal
 */
export class Coherence implements MemoryCoherence, FileCoherence {
  readonly keepsOwnWrites = true;
  isShared = false;
  #timer: NodeJS.Timeout | undefined;
  #seenVersion = -1;
  #lookedAt = 0;
  #askedAt = -Infinity;
  /** Reads left before the next decision whether to check the file. */
  #readsLeft = 0;
  #isTurnKnown = false;
  readonly #endTurn = (): void => {
    this.#isTurnKnown = false;
    this.#restart();
  };

  constructor(private readonly parts: CoherenceParts) {}

  start(): void {
    this.#timer ??= setInterval(this.look, this.parts.intervalMs).unref();
    this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.isShared = false;
  }

  isTrusted(): boolean {
    if (--this.#readsLeft < 0) this.#ask();
    return true;
  }

  expire(): void {
    this.#lookedAt = -Infinity;
    this.#restart();
  }

  /** Notes which processes have joined or left. */
  adjust(): void {
    const { storage } = this.parts;
    this.isShared = storage.isShared();
    this.#restart();
    if (!this.isShared) storage.noteAlone();
  }

  /** Called at each interval. */
  readonly look = (): void => {
    const { storage, onCommit, onError } = this.parts;
    if (!storage.isOpen) return;
    try {
      const version = storage.dataVersion();
      if (version === this.#seenVersion) return;
      if (!this.isShared) this.adjust();
      storage.catchUp();
      this.#seenVersion = version;
      onCommit?.();
    } catch (error) {
      onError(error);
    }
  };

  #ask(): void {
    if (!this.isShared) {
      this.#readsLeft = READS_ALONE;
      return;
    }
    const { clock, intervalMs } = this.parts;
    const now = clock.monotonic();
    const areQuick = now - this.#askedAt < intervalMs * QUICK_SHARE;
    this.#readsLeft = areQuick ? QUICK_READS : READS;
    this.#askedAt = now;
    if (this.#isTurnKnown && now - this.#lookedAt < intervalMs / 2) return;
    if (!this.#isTurnKnown) {
      this.#isTurnKnown = true;
      onNextTurn(this.#endTurn);
    }
    this.#lookedAt = now;
    this.look();
  }

  /** The next read decides again, without assuming that earlier reads were quick. */
  #restart(): void {
    this.#readsLeft = 0;
    this.#askedAt = -Infinity;
  }
}

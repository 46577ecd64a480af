import { setImmediate as onNextTurn } from 'node:timers';
import type { Clock } from '../common/clock.js';
import type { MemoryCoherence } from '../engine/memory-coherence.js';
import type { Storage } from './storage.js';

/** What a reader of the file has to know of those who write to it. @internal */
export interface FileCoherence {
  /** Whether others write to the file at all. */
  readonly isShared: boolean;
  /** The file was read, and may have shown what memory does not know yet: the next read from memory looks. */
  expire(): void;
}

/** Reads in one turn of the event loop until it is asked how long the turn already lasts: each may copy what is large. */
const READS = 32;
/** After quick ones: the clock costs half as much as a hit. Those of a quarter of an interval, at the speed of the last. */
const QUICK_READS = 64;
const QUICK_SHARE = READS / QUICK_READS / 4;
const READS_ALONE = 2 ** 30;

/** @internal */
export interface CoherenceParts {
  readonly storage: Storage;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Between two looks when nobody reads, in ms. */
  readonly intervalMs: number;
  /** Something was committed by another process. */
  readonly onCommit?: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Keeps what this process has in memory coherent with what other processes commit to the file: it looks at the end of
 * the change log before the first read from memory in a turn of the event loop, again in a long turn, and every
 * interval. A process that is alone only has the timer, which keeps no process alive.
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
  /** Until the next question whether to look. */
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

  /** Notes who has come, and who has gone. */
  adjust(): void {
    const { storage } = this.parts;
    this.isShared = storage.isShared();
    this.#restart();
    if (!this.isShared) storage.noteAlone();
  }

  /** As each interval. */
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

  /** The next read asks, and knows nothing of how quick those before were. */
  #restart(): void {
    this.#readsLeft = 0;
    this.#askedAt = -Infinity;
  }
}

import { FileLock } from '../../sqlite/file-lock.js';

/** How often the holder shows that it still runs, in ms. */
const BEAT_MS = 1000;

/** A holder that shows no sign of life for this long counts as silent: three beats. */
const SILENCE_MS = 3000;

/** @internal */
export interface LeaderLockParts {
  readonly path: string;
  readonly clock: { now(): number };
  /** This process cannot show the others that it still runs. */
  readonly onError: (error: unknown) => void;
}

/**
 * Decides which process of a directory follows the primary: the one that holds the lock. A suspended process holds the
 * lock too. So the holder shows each second that its event loop still turns.
 *
 * @internal
 */
export class LeaderLock {
  readonly #lock: FileLock;
  #beats: NodeJS.Timeout | undefined;
  #lastBeat: number | undefined;
  #silentMs = 0;

  constructor(private readonly parts: LeaderLockParts) {
    this.#lock = new FileLock(parts.path);
  }

  /** Whether another process holds the lock and has shown no sign of life for too long. */
  get isSilent(): boolean {
    return this.#silentMs >= SILENCE_MS;
  }

  tryAcquire(): boolean {
    if (!this.#lock.tryAcquire()) return false;
    this.#silentMs = 0;
    this.#beats ??= setInterval(this.#beat, BEAT_MS).unref();
    this.#beat();
    return true;
  }

  release(): void {
    clearInterval(this.#beats);
    this.#beats = undefined;
    this.#lock.release();
  }

  /**
   * Called repeatedly by a process that could not acquire the lock.
   *
   * @param ms since the last call, as measured by this process, because it may have been suspended itself
   * @returns whether {@link isSilent} has changed
   */
  listen(ms: number): boolean {
    const wasSilent = this.isSilent;
    const beat = this.#lock.lastBeat();
    this.#silentMs = beat === this.#lastBeat ? this.#silentMs + ms : 0;
    this.#lastBeat = beat;
    return this.isSilent !== wasSilent;
  }

  readonly #beat = (): void => {
    try {
      this.#lock.beat(this.parts.clock.now());
    } catch (error) {
      this.parts.onError(error);
    }
  };
}

import { FileLock } from '../../sqlite/file-lock.js';

/** How often the holder shows that it goes on, in ms. */
const BEAT_MS = 1000;

/** A holder that shows nothing for so long has fallen silent: three beats. */
const SILENCE_MS = 3000;

/** @internal */
export interface LeaderLockParts {
  readonly path: string;
  readonly clock: { now(): number };
  /** The others cannot be shown that this process goes on. */
  readonly onError: (error: unknown) => void;
}

/**
 * Which process of a directory follows the primary: the one that holds the lock. A process that is stopped holds it
 * too, so the holder shows each second that its event loop turns.
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

  /** Whether another process holds it, and has shown nothing for too long. */
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
   * To be called by who could not acquire it, again and again.
   *
   * @param ms since the last time: of this process' own doing, because it may have been stopped itself
   * @returns whether {@link isSilent} is another than before
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

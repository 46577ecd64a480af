import type { Storage } from '../storage/storage.js';

/**
 * Looks, every interval, for what other processes on the file have committed. Runs only while there are others;
 * keeps no process alive.
 *
 * @internal
 */
export class CoherenceLoop {
  #timer: NodeJS.Timeout | undefined;
  #seenVersion = -1;

  constructor(
    private readonly storage: Storage,
    private readonly intervalMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Starts or stops, as there are others or not. */
  adjust(): void {
    if (!this.storage.isShared()) this.stop();
    else this.#timer ??= setInterval(this.#look, this.intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    try {
      const version = this.storage.dataVersion();
      if (version === this.#seenVersion) return;
      this.#seenVersion = version;
      this.storage.catchUp();
    } catch (error) {
      this.onError(error);
    }
  };
}

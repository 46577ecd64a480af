interface Waiter<T> {
  readonly target: T;
  readonly end: (isReached: boolean) => void;
}

/**
 * Promises that each wait until something has reached a target.
 *
 * @internal
 */
export class Waiters<T> {
  #waiting: Waiter<T>[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves to whether the target was reached in time.
   *
   * @param timeoutMs without it the wait has no limit; its timer keeps no process alive
   */
  wait(target: T, timeoutMs?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter<T> = {
        target,
        end: (isReached) => {
          clearTimeout(timer);
          resolve(isReached);
        },
      };
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#waiting = this.#waiting.filter((other) => other !== waiter);
              resolve(false);
            }, timeoutMs).unref();
      this.#waiting.push(waiter);
    });
  }

  /** Resolves every wait whose target is reached. */
  settle(isReached: (target: T) => boolean): void {
    if (this.#waiting.length === 0) return;
    const left: Waiter<T>[] = [];
    for (const waiter of this.#waiting) {
      if (isReached(waiter.target)) waiter.end(true);
      else left.push(waiter);
    }
    this.#waiting = left;
  }
}

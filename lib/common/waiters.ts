interface Waiter<T> {
  readonly target: T;
  readonly end: (isReached: boolean) => void;
}

/**
 * Promises that wait until something has come as far as each of them needs.
 *
 * @internal
 */
export class Waiters<T> {
  #waiting: Waiter<T>[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves to whether the target was reached within the time.
   *
   * @param timeoutMs without it the time does not end; keeps no process alive
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

  /** Those whose targets are reached wait no longer. */
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

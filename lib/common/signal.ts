/**
 * Tells those who have asked for it, in the order in which they have: how a part reaches others that are made after it.
 *
 * @internal
 */
export class Signal<A extends readonly unknown[] = []> {
  readonly #listeners: ((...args: A) => void)[] = [];

  on(listener: (...args: A) => void): void {
    this.#listeners.push(listener);
  }

  readonly emit = (...args: A): void => {
    for (const listener of this.#listeners) listener(...args);
  };
}

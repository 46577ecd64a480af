/**
 * Notifies its listeners in the order in which they registered. It connects a part to parts that are made after it.
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

/** The keys that a route has stored, the oldest first, up to the allowed number. @internal */
export class KeyBound {
  readonly #keys = new Set<string>();

  constructor(private readonly max: number) {}

  /** @returns the key that must be removed */
  add(key: string): string | undefined {
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= this.max) return undefined;
    const [oldest] = this.#keys;
    if (oldest !== undefined) this.#keys.delete(oldest);
    return oldest;
  }
}

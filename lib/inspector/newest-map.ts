/** A map of the entries that were set last, the newest at the end. Above a bound, the oldest entry is removed. @internal */
export class NewestMap<V> {
  readonly #entries = new Map<string, V>();

  constructor(private readonly max: number) {}

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.max) return;
    const [oldest = ''] = this.#entries.keys();
    this.#entries.delete(oldest);
  }

  /** The newest first. */
  values(): V[] {
    return Array.from(this.#entries.values()).toReversed();
  }
}

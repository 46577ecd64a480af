/**
 * How many rows each namespace has, kept in memory: counting an index of a million rows takes tens of
 * milliseconds. What a transaction adds is staged until its end.
 *
 * @internal
 */
export class EntryCounts {
  readonly #committed: Map<number, number>;
  readonly #staged = new Map<number, number>();
  #total = 0;

  constructor(initial: Iterable<readonly [namespaceId: number, rows: number]>) {
    this.#committed = new Map(initial);
    for (const rows of this.#committed.values()) this.#total += rows;
  }

  /** Rows of all namespaces, expired and cleared ones that are not yet swept included. */
  get total(): number {
    return this.#total;
  }

  of(namespaceId: number): number {
    return (this.#committed.get(namespaceId) ?? 0) + (this.#staged.get(namespaceId) ?? 0);
  }

  stage(namespaceId: number, delta: number): void {
    this.#staged.set(namespaceId, (this.#staged.get(namespaceId) ?? 0) + delta);
  }

  commit(): void {
    if (this.#staged.size === 0) return;
    for (const [namespaceId, delta] of this.#staged) {
      this.#total += delta;
      this.#committed.set(namespaceId, (this.#committed.get(namespaceId) ?? 0) + delta);
    }
    this.#staged.clear();
  }

  rollback(): void {
    this.#staged.clear();
  }

  /** For the file, at a clean close. */
  snapshot(): [number, number][] {
    return Array.from(this.#committed).filter(([, rows]) => rows !== 0);
  }
}

/**
 * How many rows each namespace has, kept in memory: counting an index of a million rows takes tens of
 * milliseconds, and triggers that count cost 14 to 20 % of an insert. What a transaction adds is staged until its end.
 *
 * While several processes have the file open, the counts stand in the file, and each transaction carries its own into
 * it: memory is only a copy of them, read again whenever somebody asks.
 *
 * @internal
 */
export class EntryCounts {
  #committed = new Map<number, number>();
  readonly #staged = new Map<number, number>();
  #total = 0;

  constructor(
    initial: Iterable<readonly [namespaceId: number, rows: number]>,
    /** What stands in the file; undefined while this process alone counts. */
    private readonly readShared: () => [number, number][] | undefined = () => undefined,
  ) {
    this.load(initial);
  }

  /** Rows of all namespaces, expired and cleared ones that are not yet swept included. */
  get total(): number {
    this.#refresh();
    return this.#total;
  }

  of(namespaceId: number): number {
    this.#refresh();
    return (this.#committed.get(namespaceId) ?? 0) + (this.#staged.get(namespaceId) ?? 0);
  }

  get isStaged(): boolean {
    return this.#staged.size > 0;
  }

  stage(namespaceId: number, delta: number): void {
    this.#staged.set(namespaceId, (this.#staged.get(namespaceId) ?? 0) + delta);
  }

  /** What the file is to hold when the running transaction is committed. */
  afterwards(): [number, number][] {
    this.#refresh();
    const rows = new Map(this.#committed);
    for (const [namespaceId, delta] of this.#staged) {
      rows.set(namespaceId, (rows.get(namespaceId) ?? 0) + delta);
    }
    return withoutEmpty(rows);
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
    this.#refresh();
    return withoutEmpty(this.#committed);
  }

  /** These are the counts. */
  load(rows: Iterable<readonly [namespaceId: number, rows: number]>): void {
    this.#committed = new Map(rows);
    this.#total = 0;
    for (const count of this.#committed.values()) this.#total += count;
  }

  #refresh(): void {
    const shared = this.readShared();
    if (shared !== undefined) this.load(shared);
  }
}

function withoutEmpty(rows: ReadonlyMap<number, number>): [number, number][] {
  return Array.from(rows).filter(([, count]) => count !== 0);
}

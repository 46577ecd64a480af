import type { CountTable, NamespaceCount } from './count-table.js';

/**
 * How many rows each namespace has, kept in memory: counting an index of a million rows takes tens of
 * milliseconds, and triggers that count cost 14 to 20 % of an insert. What a transaction adds is staged until its end.
 *
 * While several processes have the file open, the counts stand in the file alone, and each transaction carries its own
 * into it.
 *
 * @internal
 */
export class EntryCounts {
  #committed = new Map<number, number>();
  #total = 0;
  readonly #staged = new Map<number, number>();
  /** Those that have changed since they were last carried into the file. */
  readonly #unsaved = new Set<number>();
  #isSaving = false;
  #isShared: boolean;

  /** @param isShared whether the table is right, and stays so; otherwise `counts` are */
  constructor(
    private readonly table: CountTable,
    counts: Iterable<NamespaceCount>,
    isShared: boolean,
  ) {
    this.#isShared = isShared;
    this.#load(counts);
  }

  /** Whether the counts stand in the file, because several processes change them. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Rows of all namespaces, expired and cleared ones that are not yet swept included. */
  get total(): number {
    return this.#isShared ? this.table.total : this.#total;
  }

  of(namespaceId: number): number {
    const committed = this.#isShared
      ? this.table.of(namespaceId)
      : (this.#committed.get(namespaceId) ?? 0);
    return committed + (this.#staged.get(namespaceId) ?? 0);
  }

  stage(namespaceId: number, delta: number): void {
    this.#staged.set(namespaceId, (this.#staged.get(namespaceId) ?? 0) + delta);
  }

  /** Carries what the running transaction has changed into the file, if the counts stand there. */
  write(): void {
    if (this.#isShared && this.#staged.size > 0) this.table.add(this.#staged);
  }

  /** The transaction is committed. */
  commit(): void {
    if (this.#isSaving) this.#unsaved.clear();
    this.#isSaving = false;
    if (this.#staged.size === 0) return;
    for (const [namespaceId, delta] of this.#isShared ? [] : this.#staged) {
      this.#total += delta;
      this.#committed.set(namespaceId, (this.#committed.get(namespaceId) ?? 0) + delta);
      this.#unsaved.add(namespaceId);
    }
    this.#staged.clear();
  }

  rollback(): void {
    this.#isSaving = false;
    this.#staged.clear();
  }

  /** Makes the table right, for those who only read the file, and for the next start. Inside a transaction. */
  save(): void {
    if (this.#isShared || this.#unsaved.size === 0) return;
    const counts = Array.from(this.#unsaved, (id) => [id, this.#committed.get(id) ?? 0] as const);
    this.table.write(counts, this.#total);
    this.#isSaving = true;
  }

  /** From here on they stand in the file, where they are right. */
  share(): void {
    this.#isShared = true;
  }

  /** From here on this process alone counts. */
  keep(): void {
    this.#load(this.table.all());
    this.#isShared = false;
  }

  #load(counts: Iterable<NamespaceCount>): void {
    this.#committed = new Map(counts);
    this.#total = 0;
    for (const count of this.#committed.values()) this.#total += count;
    this.#unsaved.clear();
  }
}

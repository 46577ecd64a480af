import type { CountTable, NamespaceCount } from './count-table.js';

/**
 * The number of rows of each namespace, kept in memory: counting an index of a million rows takes tens of milliseconds,
 * and triggers that count cost 14 to 20 % of an insert. Changes of a transaction are staged until it ends.
 *
 * While several processes have the file open, only the file contains the counts, and each transaction adds its own
 * changes to them.
 *
 * @internal
 */
export class EntryCounts {
  #committed = new Map<number, number>();
  #total = 0;
  readonly #staged = new Map<number, number>();
  /** Namespaces whose counts have changed since they were last saved to the file. */
  readonly #unsaved = new Set<number>();
  #isSaving = false;
  #isShared: boolean;

  /** @param isShared whether the table holds the right counts and keeps doing so; otherwise `counts` holds them */
  constructor(
    private readonly table: CountTable,
    counts: Iterable<NamespaceCount>,
    isShared: boolean,
  ) {
    this.#isShared = isShared;
    this.#load(counts);
  }

  /** Whether the file contains the counts, because several processes change them. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Rows of all namespaces, including expired and cleared rows that are not yet swept. */
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

  /** Writes what the running transaction has changed to the file, if the counts are shared. */
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

  /** Makes the table right, for processes that only read the file and for the next start. Called inside a transaction. */
  save(): void {
    if (this.#isShared || this.#unsaved.size === 0) return;
    const counts = Array.from(this.#unsaved, (id) => [id, this.#committed.get(id) ?? 0] as const);
    this.table.write(counts, this.#total);
    this.#isSaving = true;
  }

  /** From here on the file contains the counts, and they are right. */
  share(): void {
    this.#isShared = true;
  }

  /** From here on only this process counts. */
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

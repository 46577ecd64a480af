/**
 * Ids for new entries, given instead of left to SQLite: an upsert inserted a row exactly when SQLite's
 * last insert id is the id that it was given. That holds only if it was not that id before.
 *
 * @internal
 */
export class RowIds {
  #next: number;
  #last = 0;

  constructor(largestUsed: number) {
    this.#next = largestUsed + 1;
  }

  /** Another process has inserted rows. */
  restart(largestUsed: number): void {
    this.#next = Math.max(this.#next, largestUsed + 1);
  }

  /** An id that no row has, and that is not SQLite's last insert id. */
  next(): number {
    if (this.#next === this.#last) this.#next++;
    return this.#next;
  }

  /** An insert into a table of entries or changes took this id. */
  used(id: number): void {
    this.#last = id;
    if (id === this.#next) this.#next++;
  }

  /** A statement failed that may have inserted this id first: SQLite's last insert id is that, or as before. */
  spoilt(id: number): void {
    if (id === this.#next) this.#next++;
  }

  /** An insert into another table made this SQLite's last insert id. */
  noteForeign(id: number): void {
    this.#last = id;
  }
}

/**
 * Ids for new entries, which the caller assigns instead of SQLite. An upsert has inserted a row exactly when SQLite's
 * last insert id equals the assigned id. That holds only if the last insert id was different before.
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

  /** An insert into a table of entries or changes used this id. */
  used(id: number): void {
    this.#last = id;
    if (id === this.#next) this.#next++;
  }

  /**
   * A failed statement may have inserted this id first. SQLite's last insert id is then either this id or the previous
   * one.
   */
  spoilt(id: number): void {
    if (id === this.#next) this.#next++;
  }

  /** An insert into another table made this SQLite's last insert id. */
  noteForeign(id: number): void {
    this.#last = id;
  }
}

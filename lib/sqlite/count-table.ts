import type { Connection, Statement } from './native.js';
import { countSql } from './sql/counts.js';

/** The key under which the total of all namespaces is stored. */
const ALL = 0;

/** @internal */
export type NamespaceCount = readonly [namespaceId: number, count: number];

/**
 * The number of rows of each namespace, stored in the file. A commit writes only the counts that it changed.
 *
 * @internal
 */
export class CountTable {
  readonly #of: Statement;
  readonly #all: Statement;
  readonly #add: Statement;
  readonly #write: Statement;
  readonly #forgetEmpty: Statement;
  readonly #forgetAll: Statement;

  constructor(connection: Connection) {
    this.#of = connection.prepare(countSql.of).pluck();
    this.#all = connection.prepare(countSql.all).raw();
    this.#add = connection.prepare(countSql.add);
    this.#write = connection.prepare(countSql.write);
    this.#forgetEmpty = connection.prepare(countSql.forgetEmpty);
    this.#forgetAll = connection.prepare(countSql.forgetAll);
  }

  of(namespaceId: number): number {
    return Number(this.#of.get(namespaceId) ?? 0);
  }

  /** The count over all namespaces. */
  get total(): number {
    return this.of(ALL);
  }

  all(): NamespaceCount[] {
    return this.#all.all() as NamespaceCount[];
  }

  /** Adds to the counts. Called inside a transaction. */
  add(changes: Iterable<NamespaceCount>): void {
    let sum = 0;
    for (const [namespaceId, change] of changes) {
      this.#add.run(namespaceId, change);
      if (change < 0) this.#forgetEmpty.run(namespaceId);
      sum += change;
    }
    if (sum !== 0) this.#add.run(ALL, sum);
  }

  /** Replaces all counts. Called inside a transaction. */
  replace(counts: Iterable<NamespaceCount>): void {
    this.#forgetAll.run();
    this.add(counts);
  }

  /** Writes the counts of these namespaces; `total` is that of all. Called inside a transaction. */
  write(counts: Iterable<NamespaceCount>, total: number): void {
    for (const [namespaceId, count] of counts) {
      this.#write.run(namespaceId, count);
      this.#forgetEmpty.run(namespaceId);
    }
    this.#write.run(ALL, total);
  }
}

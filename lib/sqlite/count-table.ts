import type { Connection, Statement } from './native.js';
import { countSql } from './sql/counts.js';

/** Under which the count of all namespaces stands. */
const ALL = 0;

/** @internal */
export type NamespaceCount = readonly [namespaceId: number, count: number];

/**
 * How many rows each namespace has, as the file says: a commit writes those that it has changed, and no more.
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

  /** Of all namespaces. */
  get total(): number {
    return this.of(ALL);
  }

  all(): NamespaceCount[] {
    return this.#all.all() as NamespaceCount[];
  }

  /** Inside a transaction. */
  add(changes: Iterable<NamespaceCount>): void {
    let sum = 0;
    for (const [namespaceId, change] of changes) {
      this.#add.run(namespaceId, change);
      if (change < 0) this.#forgetEmpty.run(namespaceId);
      sum += change;
    }
    if (sum !== 0) this.#add.run(ALL, sum);
  }

  /** These are the counts. Inside a transaction. */
  replace(counts: Iterable<NamespaceCount>): void {
    this.#forgetAll.run();
    this.add(counts);
  }

  /** Of these namespaces; `total` is that of all. Inside a transaction. */
  write(counts: Iterable<NamespaceCount>, total: number): void {
    for (const [namespaceId, count] of counts) {
      this.#write.run(namespaceId, count);
      this.#forgetEmpty.run(namespaceId);
    }
    this.#write.run(ALL, total);
  }
}

import type { Connection, Statement } from './native.js';
import type { RowIds } from './row-ids.js';
import { namespaceSql } from './sql/namespaces.js';

/**
 * Namespaces by name. Entries are stored under the namespace's id. Clearing assigns a new id, so it writes one row
 * whatever the namespace held. The rows under the old id are swept afterwards.
 *
 * @internal
 */
export class NamespaceTable {
  readonly #all: Statement;
  readonly #put: Statement;
  readonly #lastId: Statement;
  readonly #addCleared: Statement;
  readonly #firstCleared: Statement;
  readonly #removeCleared: Statement;
  #known: Map<string, number> | undefined;

  constructor(
    connection: Connection,
    private readonly rowIds: RowIds,
  ) {
    this.#all = connection.prepare(namespaceSql.all);
    this.#put = connection.prepare(namespaceSql.put);
    this.#lastId = connection.prepare(namespaceSql.lastId).pluck();
    this.#addCleared = connection.prepare(namespaceSql.addCleared);
    this.#firstCleared = connection.prepare(namespaceSql.firstCleared).pluck();
    this.#removeCleared = connection.prepare(namespaceSql.removeCleared);
  }

  /** The id under which the namespace's entries are stored now; `undefined` before its first write. */
  idOf(name: string): number | undefined {
    return this.#ids.get(name);
  }

  nameOf(id: number): string | undefined {
    for (const [name, known] of this.#ids) if (known === id) return name;
    return undefined;
  }

  /** As {@link idOf}, but creates the namespace. Called inside a transaction. */
  ensure(name: string): number {
    return this.#ids.get(name) ?? this.#assign(name);
  }

  /** Makes all entries of the namespace unreachable; returns the old id. Called inside a transaction. */
  clear(name: string): number {
    const old = this.ensure(name);
    this.#addCleared.run(old);
    this.rowIds.noteForeign(old);
    this.#assign(name);
    return old;
  }

  /** All namespaces by name. */
  all(): readonly (readonly [name: string, id: number])[] {
    return Array.from(this.#ids);
  }

  /** Adopts another node's id for the name; entries under an earlier id become unreachable. */
  adopt(name: string, id: number): void {
    const old = this.#ids.get(name);
    if (old === id) return;
    if (old !== undefined) {
      this.#addCleared.run(old);
      this.rowIds.noteForeign(old);
    }
    this.#put.run(name, id);
    this.#ids.set(name, id);
  }

  /** An id whose entries still have to be swept. */
  firstCleared(): number | undefined {
    return (this.#firstCleared.get() as number | null) ?? undefined;
  }

  removeCleared(id: number): void {
    this.#removeCleared.run(id);
  }

  /** Forgets what is cached, because the file may differ: after a rollback, or when another process has written. */
  forget(): void {
    this.#known = undefined;
  }

  get #ids(): Map<string, number> {
    return (this.#known ??= this.#read());
  }

  #read(): Map<string, number> {
    const rows = this.#all.all() as { name: string; id: number }[];
    return new Map(rows.map(({ name, id }) => [name, id]));
  }

  #assign(name: string): number {
    const id = Number(this.#lastId.get() ?? 0) + 1;
    this.#put.run(name, id);
    this.#ids.set(name, id);
    return id;
  }
}

import type { ShapeDefinition } from '../value/shapes.js';
import type { Connection, Statement } from './native.js';
import type { RowIds } from './row-ids.js';
import { shapeSql } from './sql/shapes.js';

/** With more, fields are data under names of their own, and keep their names. */
const MAX_SHAPES = 1000;

/**
 * The shapes of the values in the file: what a value leaves out. They are never removed, and each is a change, so that
 * a replica has it before the values.
 *
 * @internal
 */
export class ShapeTable {
  readonly #all: Statement;
  readonly #idOf: Statement;
  readonly #has: Statement;
  readonly #count: Statement;
  readonly #lastId: Statement;
  readonly #put: Statement;

  constructor(
    connection: Connection,
    private readonly rowIds: RowIds,
  ) {
    this.#all = connection.prepare(shapeSql.all);
    this.#idOf = connection.prepare(shapeSql.idOf).pluck();
    this.#has = connection.prepare(shapeSql.has).pluck();
    this.#count = connection.prepare(shapeSql.count).pluck();
    this.#lastId = connection.prepare(shapeSql.lastId).pluck();
    this.#put = connection.prepare(shapeSql.put);
  }

  all(): ShapeDefinition[] {
    const rows = this.#all.all() as { id: number; names: string }[];
    return rows.map(({ id, names }) => ({ id, names: JSON.parse(names) as string[] }));
  }

  idOf(names: readonly string[]): number | undefined {
    return this.#idOf.get(JSON.stringify(names)) as number | undefined;
  }

  has({ id, names }: ShapeDefinition): boolean {
    return this.#has.get(id, JSON.stringify(names)) !== undefined;
  }

  get isFull(): boolean {
    return Number(this.#count.get()) >= MAX_SHAPES;
  }

  lastId(): number {
    return Number(this.#lastId.get() ?? 0);
  }

  /** Inside a transaction. */
  put({ id, names }: ShapeDefinition): void {
    this.#put.run(id, JSON.stringify(names));
    this.rowIds.noteForeign(id);
  }
}

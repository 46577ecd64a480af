import type { ListedRun } from '../engine/listing.js';
import type { RunRecord, RunRequest } from '../engine/run.js';
import type { Connection, Statement } from './native.js';
import { runSql } from './sql/runs.js';

/** Number of names that are remembered. */
const MOST_KNOWN = 10_000;

interface RunRow extends Omit<RunRecord, 'ok'> {
  readonly ok: number | null;
}

/**
 * The last run of each name.
 *
 * @internal
 */
export class RunTable {
  readonly #find: Statement;
  readonly #newest: Statement;
  readonly #begin: Statement;
  readonly #finish: Statement;
  readonly #forget: Statement;

  constructor(connection: Connection) {
    this.#find = connection.prepare(runSql.find);
    this.#newest = connection.prepare(runSql.newest);
    this.#begin = connection.prepare(runSql.begin);
    this.#finish = connection.prepare(runSql.finish);
    this.#forget = connection.prepare(runSql.forget);
  }

  find(name: string): RunRecord | undefined {
    const row = this.#find.get(name) as RunRow | undefined;
    return row && recordOf(row);
  }

  /** The runs that began last, newest first. */
  newest(limit: number): ListedRun[] {
    return (this.#newest.all(limit) as (RunRow & { name: string })[]).map(recordOf);
  }

  begin({ name, id, node }: RunRequest, slot: number, now: number, isNew: boolean): void {
    this.#begin.run(name, id, slot, now, node);
    if (isNew) this.#forget.run(MOST_KNOWN);
  }

  /** @returns whether it was the last run of its name */
  finish(name: string, id: string, ok: boolean, now: number): boolean {
    return this.#finish.run(now, ok ? 1 : 0, name, id).changes > 0;
  }
}

function recordOf<T extends RunRow>(row: T): Omit<T, 'ok'> & Pick<RunRecord, 'ok'> {
  return { ...row, ok: row.ok === null ? null : row.ok === 1 };
}

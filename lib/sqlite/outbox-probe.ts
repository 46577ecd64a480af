import { existsSync } from 'node:fs';
import { connect, type Connection } from './native.js';
import { outboxSql } from './sql/outbox.js';
import { sqliteCode } from './sqlite-error.js';

/** `held`: a process has it open. `left`: writes wait in it, or it must be opened to find out. @internal */
export type OutboxState = 'held' | 'left' | 'empty';

/**
 * Reports the state of outboxes that other processes have open, without changing them. It runs before each request. A
 * held outbox is probed again with the same connection, which is ten times as fast.
 *
 * @internal
 */
export class OutboxProbe {
  readonly #held = new Map<string, Connection>();

  state(path: string): OutboxState {
    const known = this.#held.get(path);
    if (known !== undefined && stateBy(known) === 'held') return 'held';
    // Another file may be at this path by now.
    known?.close();
    this.#held.delete(path);
    return look(path, (connection) => this.#held.set(path, connection));
  }

  close(): void {
    for (const connection of this.#held.values()) connection.close();
    this.#held.clear();
  }
}

/** As {@link OutboxProbe}, for a single probe. @internal */
export function stateOnce(path: string): OutboxState {
  return look(path, (connection) => connection.close());
}

function look(path: string, onHeld: (connection: Connection) => void): OutboxState {
  if (!existsSync(path)) return 'empty';
  let connection: Connection;
  try {
    // Closing a connection that can write would write to the file.
    connection = connect(path, { readonly: true, timeout: 0 });
  } catch {
    return 'left';
  }
  const state = stateBy(connection);
  if (state === 'held') onHeld(connection);
  else connection.close();
  return state;
}

function stateBy(connection: Connection): OutboxState {
  try {
    return connection.prepare(outboxSql.anything).get() === undefined ? 'empty' : 'left';
  } catch (error) {
    return sqliteCode(error) === 'SQLITE_BUSY' ? 'held' : 'left';
  }
}

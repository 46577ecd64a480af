import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from './native.js';
import { outboxSql } from './sql/outbox.js';

/** Of each process that a node has had at once. */
const OUTBOX_FILE = /^hypercache\.outbox(-\d+)?\.sqlite$/;

/** How many writes wait in the outboxes of a node that is stopped. @internal */
export function countWaiting(directory: string): number {
  const names = readdirSync(directory).filter((name) => OUTBOX_FILE.test(name));
  return names.reduce((sum, name) => sum + countIn(join(directory, name)), 0);
}

function countIn(path: string): number {
  const outbox = connect(path);
  try {
    return Number(outbox.prepare(outboxSql.count).pluck().get());
  } finally {
    outbox.close();
  }
}

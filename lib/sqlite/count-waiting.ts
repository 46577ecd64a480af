import { join } from 'node:path';
import { connect } from './native.js';
import { outboxName, outboxNumbers } from './outbox-file.js';
import { outboxSql } from './sql/outbox.js';

/** Counts the writes that wait in the outboxes of a stopped node. @internal */
export function countWaiting(directory: string): number {
  const paths = outboxNumbers(directory).map((number) => join(directory, outboxName(number)));
  return paths.reduce((sum, path) => sum + countIn(path), 0);
}

function countIn(path: string): number {
  const outbox = connect(path);
  try {
    return Number(outbox.prepare(outboxSql.count).pluck().get());
  } finally {
    outbox.close();
  }
}

import { join } from 'node:path';
import { FileInUseError } from '../common/errors.js';
import { readDeadLetters } from '../cluster/forward/outbox.js';
import { deadLetterInfos } from '../cluster/forward/forwarded-writes.js';
import type { DeadLetterInfo } from '../node/hyper-cache-node.js';
import { connect } from '../sqlite/native.js';
import { outboxName, outboxNumbers, type DeadLetterRow } from '../sqlite/outbox-file.js';
import { outboxSql } from '../sqlite/sql/outbox.js';
import { isBusy, toStorageError } from '../sqlite/sqlite-error.js';

/**
 * Lists the writes of a stopped secondary that the primary has refused. A running secondary keeps its outbox to itself.
 *
 * @param directory its `sqlitePath`
 * @throws {HC_FILE_IN_USE | HC_STORAGE_FAILED}
 * @internal
 */
export function deadLettersIn(directory: string, limit: number): DeadLetterInfo[] {
  const rows = outboxNumbers(directory).flatMap((number) =>
    rowsIn(join(directory, outboxName(number)), limit),
  );
  const newest = rows.toSorted((a, b) => b.at - a.at).slice(0, limit);
  return deadLetterInfos(readDeadLetters(newest));
}

function rowsIn(path: string, limit: number): DeadLetterRow[] {
  try {
    const outbox = connect(path, { readonly: true, timeout: 0 });
    try {
      return outbox.prepare(outboxSql.deadLetters).all(limit) as DeadLetterRow[];
    } finally {
      outbox.close();
    }
  } catch (error) {
    if (!isBusy(error)) throw toStorageError(error);
    throw new FileInUseError(
      path,
      'open in the running node',
      'Ask the node itself: give --url in place of --path.',
    );
  }
}

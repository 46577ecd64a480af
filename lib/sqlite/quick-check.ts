import { connect } from './native.js';
import { pragmaSql } from './sql/pragmas.js';
import { isCorruption, toStorageError } from './sqlite-error.js';

/**
 * Looks at each page of a file, and reads none of the values: some hundred megabytes a second.
 *
 * @returns what is damaged; undefined when nothing is
 * @throws {HC_STORAGE_FAILED | HC_STORAGE_BUSY} when it cannot be looked at
 * @internal
 */
export function quickCheck(path: string): string | undefined {
  try {
    const connection = connect(path, { readonly: true, timeout: 1000 });
    try {
      const said = String(connection.prepare(pragmaSql.quickCheck).pluck().get());
      return said === 'ok' ? undefined : said;
    } finally {
      connection.close();
    }
  } catch (error) {
    if (isCorruption(error)) return 'it is no database any more';
    throw toStorageError(error);
  }
}

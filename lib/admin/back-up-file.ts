import type { BackupSummary } from '../sqlite/backup.js';
import { backUp } from '../sqlite/backup.js';
import { existingFile, withFileOf } from './stopped-node.js';

/**
 * Copies the file of a node, running or stopped, as of one point in time.
 *
 * @param directory its `sqlitePath`
 * @param to an unused path
 * @throws {HC_BACKUP_FAILED | HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_STORAGE_FULL}
 * @internal
 */
export async function backUpFile(directory: string, to: string): Promise<BackupSummary> {
  const path = existingFile(directory);
  // Another program's database is refused before the copy.
  withFileOf(directory, () => undefined);
  return backUp(path, to);
}

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HyperCacheError } from '../../common/errors.js';
import { quickCheck } from '../../sqlite/quick-check.js';
import { FILE_NAME } from '../../sqlite/storage.js';
import { inspect } from '../inspect.js';
import { ok, problem, skipped, type Finding, type Patient } from './finding.js';

/** Whether the file is of this release and of the right role, and is undamaged. @internal */
export function checkFile(patient: Patient): Finding[] {
  const path = join(patient.directory, FILE_NAME);
  if (!existsSync(path)) return [skipped('file', `there is no ${path} yet`)];
  // This runs before the file is opened, because a damaged header cannot be trusted.
  const integrity = integrityOf(path, patient);
  if (integrity.level === 'problem') return [integrity];
  try {
    return [...roleOf(patient), integrity];
  } catch (error) {
    if (!(error instanceof HyperCacheError)) throw error;
    return [problem('file', `${error.code}: ${error.message}`, error.hint)];
  }
}

function integrityOf(path: string, { maxCheckedBytes }: Patient): Finding {
  const { size } = statSync(path);
  if (size > maxCheckedBytes) {
    return skipped('integrity', 'the file is large: --full checks all of it, which takes a while');
  }
  try {
    const damage = quickCheck(path);
    if (damage === undefined) return ok('integrity', 'the file is sound');
    return problem(
      'integrity',
      `${path} is damaged: ${damage}.`,
      'Restart the node: it puts the file aside and begins an empty one. On a primary, restore a backup or promote a replica instead (docs/operations.md), and check the disk.',
    );
  } catch (error) {
    if (!(error instanceof HyperCacheError)) throw error;
    return problem('integrity', `${error.code}: ${error.message}`, error.hint);
  }
}

function roleOf({ directory, environment }: Patient): Finding[] {
  const { role, supersededBy, position } = inspect(directory);
  if (supersededBy !== undefined) {
    return [
      problem(
        'role',
        `The file is that of a former primary; history ${supersededBy} continues it.`,
        "Run `npx --no hypercache adopt --path <sqlitePath>`, and start the node with role: 'secondary' and the new primaryUrl.",
      ),
    ];
  }
  const wanted = environment['HYPERCACHE_SERVER_ROLE'];
  if (wanted !== undefined && wanted !== '' && wanted !== role) {
    return [
      problem(
        'role',
        `The file is that of a ${role}, and HYPERCACHE_SERVER_ROLE is ${wanted === 'primary' ? 'primary' : 'secondary'}.`,
        role === 'secondary'
          ? 'Give the primary the sqlitePath of its own data; to make this replica the primary, stop the former one and run `npx --no hypercache promote`.'
          : 'Give the secondary a sqlitePath of its own, or run `npx --no hypercache adopt` on this one.',
      ),
    ];
  }
  return [ok('role', `the file of a ${role}, revision ${position.revision}`)];
}

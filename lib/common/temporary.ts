import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** How directories beside the database begin that are gone when what they are for is done. @internal */
export const TEMPORARY_PREFIX = 'temporary-';

/** Removes what a process has left that was killed meanwhile. Only where nobody else has the database open. @internal */
export function removeTemporaries(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue;
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY_PREFIX } from '../../common/temporary.js';

/** Calls `work` with a path in a directory of its own, which goes when it is done. @internal */
export async function withTemporaryDirectory(
  parent: string,
  work: (path: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(parent, TEMPORARY_PREFIX));
  try {
    await work(join(directory, 'hypercache.sqlite'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

import { CheckpointsInlineError, type HyperCacheError } from '../common/errors.js';
import type { StorageOptions } from '../sqlite/storage.js';
import type { ResolvedOptions } from './options.js';

/**
 * How a node's file is checkpointed, as the option `checkpoints` says.
 *
 * @internal
 */
export function checkpointerOf(
  { checkpoints }: ResolvedOptions,
  report: (error: HyperCacheError) => void,
): Pick<StorageOptions, 'checkpointer'> {
  if (checkpoints === 'inline') return {};
  return { checkpointer: { onInline: (cause) => report(new CheckpointsInlineError(cause)) } };
}

import type { Storage } from '../../sqlite/storage.js';
import { ANCESTORS_META_KEY, formatAncestors, type Ancestor } from '../failover/ancestry.js';
import type { Position } from '../wire/position.js';

/** @internal */
export interface PrimaryAddress {
  readonly url: string;
  /** Path of its API. */
  readonly path: string;
}

/** The primary whose changes this node follows. @internal */
export interface Source extends Omit<Position, 'revision'> {
  readonly ancestors: readonly Ancestor[];
}

/** Names the history that the file follows. A file with this note is a replica. @internal */
export const SOURCE_META_KEY = 'source';

/** @internal */
export interface SourceMeta extends Omit<Position, 'revision'> {
  /** When this node first saw the epoch, in Unix ms. */
  readonly at?: number;
}

/** The address of the primary that this node follows. @internal */
export const PRIMARY_META_KEY = 'primary';

/**
 * Changes have arrived without their content: the file does not match any state of the primary.
 *
 * @internal
 */
export const INCOMPLETE_META_KEY = 'incomplete';

/** The operator's permission that another history may replace the followed one, once. @internal */
export const ACCEPT_META_KEY = 'accept_new_history';

/** The history of a primary that came back empty and was not accepted. @internal */
export const REFUSED_META_KEY = 'refused_history';

/** @internal */
export function noteIncomplete(storage: Storage, isIncomplete: boolean): void {
  if (isIncomplete) storage.writeMeta(INCOMPLETE_META_KEY, '1');
  else storage.removeMeta(INCOMPLETE_META_KEY);
}

/** @internal */
export function sourceOf(note: string | undefined): Omit<Position, 'revision'> | undefined {
  if (note === undefined) return undefined;
  const { historyId, epoch } = JSON.parse(note) as SourceMeta;
  return { historyId, epoch };
}

/** @internal */
export function writeSource(
  storage: Storage,
  { historyId, epoch, ancestors }: Source,
  primary: PrimaryAddress,
  now: number,
): void {
  const note: SourceMeta = { historyId, epoch, at: now };
  storage.writeMeta(SOURCE_META_KEY, JSON.stringify(note));
  storage.writeMeta(ANCESTORS_META_KEY, formatAncestors(ancestors));
  storage.writeMeta(PRIMARY_META_KEY, JSON.stringify(primary));
}

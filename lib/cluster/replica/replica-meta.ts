import type { Storage } from '../../sqlite/storage.js';
import { ANCESTORS_META_KEY, formatAncestors, type Ancestor } from '../failover/ancestry.js';
import type { Position } from '../wire/position.js';

/** @internal */
export interface PrimaryAddress {
  readonly url: string;
  /** Of its API. */
  readonly path: string;
}

/** Whose changes are followed. @internal */
export interface Source extends Omit<Position, 'revision'> {
  readonly ancestors: readonly Ancestor[];
}

/** Whose history the file follows: the note's presence is what makes the file a replica. @internal */
export const SOURCE_META_KEY = 'source';

/** @internal */
export interface SourceMeta extends Omit<Position, 'revision'> {
  /** When its epoch was met first, in Unix ms. */
  readonly at?: number;
}

/** Where the primary that is followed is reached. @internal */
export const PRIMARY_META_KEY = 'primary';

/**
 * Changes have come whose content has not: what the file holds is no state that the primary was in.
 *
 * @internal
 */
export const INCOMPLETE_META_KEY = 'incomplete';

/** The operator's word that another history may take the place of the one that is followed, once. @internal */
export const ACCEPT_META_KEY = 'accept_new_history';

/** The history of a primary that came back empty, and was not accepted. @internal */
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

import { Fields, malformed } from '../wire/fields.js';
import type { Position } from '../wire/position.js';

/**
 * An earlier history that this one continues, because a replica of it was promoted. Up to the position, both hold the
 * same.
 *
 * @internal
 */
export interface Ancestor extends Position {
  /** A replica below this revision cannot resume: the changes that it lacks are not known here. */
  readonly from: number;
}

/** The note that lists the ancestors, oldest first. @internal */
export const ANCESTORS_META_KEY = 'ancestors';

/** More promotions than any deployment makes. Beyond this bound, the oldest ancestors are forgotten. */
const MAX_ANCESTORS = 100;

/** Reads the note; the list is empty without one. @internal */
export function parseAncestors(note: string | undefined): readonly Ancestor[] {
  return note === undefined ? [] : (JSON.parse(note) as Ancestor[]);
}

/** @internal */
export function formatAncestors(ancestors: readonly Ancestor[]): string {
  return JSON.stringify(ancestors.slice(-MAX_ANCESTORS));
}

/** @internal */
export function ancestorsToWire(ancestors: readonly Ancestor[]): unknown[] {
  return ancestors.map(({ historyId, epoch, from, revision }) => [
    historyId,
    epoch,
    from,
    revision,
  ]);
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function ancestorsFromWire(list: readonly unknown[]): readonly Ancestor[] {
  if (list.length > MAX_ANCESTORS) throw malformed(`${list.length} ancestors`);
  return list.map((item) => {
    if (!Array.isArray(item)) throw malformed('an ancestor');
    const fields = new Fields(item);
    const historyId = fields.string();
    const epoch = fields.integer();
    const from = fields.integer();
    return { historyId, epoch, from, revision: fields.integer() };
  });
}

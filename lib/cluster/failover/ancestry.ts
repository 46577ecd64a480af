import { Fields, malformed } from '../wire/fields.js';
import type { Position } from '../wire/position.js';

/**
 * A history that went over into this one when a replica of it was promoted: up to its position everything is the same
 * in both.
 *
 * @internal
 */
export interface Ancestor extends Position {
  /** Who stands before this revision cannot be told what came after it. */
  readonly from: number;
}

/** The note that remembers them, the oldest first. @internal */
export const ANCESTORS_META_KEY = 'ancestors';

/** More than anybody promotes; the oldest are forgotten. */
const MAX_ANCESTORS = 100;

/** From the note; none without one. @internal */
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

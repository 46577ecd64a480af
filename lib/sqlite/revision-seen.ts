import type { Observation, Seen } from '../engine/l2.js';

/** A moment in the life of a key, by the revision of the primary's log. @internal */
export class RevisionSeen implements Seen {
  /** The log has been searched up to this revision, and contained no change. */
  checkedTo: number;

  constructor(
    readonly key: string,
    readonly tags: readonly string[],
    /** The last revision that the read certainly covered. */
    readonly revision: number,
    /** The revision of the live entry that was found; 0 without one. */
    readonly entryRevision: number,
  ) {
    this.checkedTo = revision;
  }
}

/**
 * The moment that this engine has seen. For a moment of another engine nothing is known, so it counts as before the
 * first revision.
 *
 * @internal
 */
export function revisionSeen({ seen }: Observation): RevisionSeen {
  return seen instanceof RevisionSeen ? seen : new RevisionSeen(seen.key, seen.tags, 0, 0);
}

import type { Observation, Seen } from '../engine/l2.js';

/** A moment in the life of a key, by the revision of the primary's log. @internal */
export class RevisionSeen implements Seen {
  /** Up to here the log has been searched for changes, in vain. */
  checkedTo: number;

  constructor(
    readonly key: string,
    readonly tags: readonly string[],
    /** The last revision that what was read had seen for certain. */
    readonly revision: number,
    /** Of the live entry that was found; 0 without one. */
    readonly entryRevision: number,
  ) {
    this.checkedTo = revision;
  }
}

/** What was seen here; of another engine's moments nothing is known, as if they were before the first revision. @internal */
export function revisionSeen({ seen }: Observation): RevisionSeen {
  return seen instanceof RevisionSeen ? seen : new RevisionSeen(seen.key, seen.tags, 0, 0);
}

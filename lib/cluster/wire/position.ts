import type { EpochStart } from '../../sqlite/file-identity.js';

/**
 * How far a node has come: its history, the epoch of its primary, and the revision.
 *
 * @internal
 */
export interface Position {
  readonly historyId: string;
  readonly epoch: number;
  readonly revision: number;
}

/** @internal */
export function formatPosition({ historyId, epoch, revision }: Position): string {
  return `${historyId}.${epoch}.${revision}`;
}

/** Undefined for any text that {@link formatPosition} does not produce. @internal */
export function parsePosition(text: string): Position | undefined {
  const match = /^([0-9a-f]{32})\.(\d{1,16})\.(\d{1,16})$/.exec(text);
  const [, historyId, epoch, revision] = match ?? [];
  if (historyId === undefined) return undefined;
  return { historyId, epoch: Number(epoch), revision: Number(revision) };
}

/**
 * Whether a replica at `position` only needs the changes after it. A replica that is ahead of the start of a later
 * epoch has seen commits that the primary lost. A replica of an epoch that is missing in this file's past has followed
 * a copy of the file.
 *
 * @param epochStarts the head of the log at the start of each of the primary's last epochs
 * @param oldest the oldest revision still logged
 * @param ancestors histories that this one continues
 * @internal
 */
export function canResume(
  position: Position,
  head: Position,
  epochStarts: readonly EpochStart[],
  oldest: number,
  ancestors: readonly (Position & { readonly from: number })[] = [],
): boolean {
  const { historyId, epoch, revision } = position;
  if (revision > head.revision || revision + 1 < oldest) return false;
  if (historyId !== head.historyId) {
    return ancestors.some(
      (ancestor) =>
        ancestor.historyId === historyId &&
        // For an earlier epoch, it is not known here which of its commits were lost.
        ancestor.epoch === epoch &&
        ancestor.from <= revision &&
        revision <= ancestor.revision,
    );
  }
  if (epoch >= head.epoch) return epoch === head.epoch;
  const known = epochStarts.findIndex(([other]) => other === epoch);
  const next = known < 0 ? undefined : epochStarts[known + 1];
  return next !== undefined && revision <= next[1];
}

/**
 * Whether a replica at `position` has followed a copy of this file. Then its history is the same, but its epoch is
 * missing in this file's past, although the file remembers older epochs.
 *
 * @internal
 */
export function isOfCopy(
  { historyId, epoch }: Position,
  head: Position,
  epochStarts: readonly EpochStart[],
): boolean {
  const [oldest] = epochStarts;
  return (
    historyId === head.historyId &&
    oldest !== undefined &&
    epoch > oldest[0] &&
    !epochStarts.some(([other]) => other === epoch)
  );
}

/** Whether every epoch since that of `position` began after a clean stop. @internal */
export function isLossless({ epoch }: Position, epochStarts: readonly EpochStart[]): boolean {
  return epochStarts.every(([other, , isClean]) => other <= epoch || isClean === true);
}

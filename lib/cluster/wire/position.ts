import type { EpochStart } from '../../sqlite/file-identity.js';

/**
 * How far a node has come: in which history, in which epoch of the primary, up to which revision.
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

/** Undefined for anything that {@link formatPosition} does not write. @internal */
export function parsePosition(text: string): Position | undefined {
  const match = /^([0-9a-f]{32})\.(\d{1,16})\.(\d{1,16})$/.exec(text);
  const [, historyId, epoch, revision] = match ?? [];
  if (historyId === undefined) return undefined;
  return { historyId, epoch: Number(epoch), revision: Number(revision) };
}

/**
 * Whether who stands at `position` only has to be told what came after it. A replica that is ahead of the start of
 * a later epoch has seen commits that the primary lost; one of an epoch that this file has not lived through has
 * followed a copy of it.
 *
 * @param epochStarts the head of the log at the start of each of the primary's last epochs
 * @param oldest the oldest revision still logged
 * @param ancestors histories that went over into this one
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
        // Of an earlier epoch nobody knows here which of its commits were lost.
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
 * Whether who stands at `position` has followed a copy of this file: in the same history, in an epoch that this one has
 * not lived through, though it remembers older ones.
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

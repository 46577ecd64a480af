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
 * a later epoch has seen commits that the primary lost.
 *
 * @param epochStarts the head of the log at the start of each of the primary's last epochs
 * @param oldest the oldest revision still logged
 * @internal
 */
export function canResume(
  position: Position,
  head: Position,
  epochStarts: readonly (readonly [epoch: number, revision: number])[],
  oldest: number,
): boolean {
  if (position.historyId !== head.historyId || position.epoch > head.epoch) return false;
  if (position.revision > head.revision || position.revision + 1 < oldest) return false;
  if (position.epoch === head.epoch) return true;
  const next = epochStarts.find(([epoch]) => epoch > position.epoch);
  const isKnown = epochStarts.some(([epoch]) => epoch <= position.epoch);
  return isKnown && next !== undefined && position.revision <= next[1];
}

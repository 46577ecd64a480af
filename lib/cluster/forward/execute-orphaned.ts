import type { CommandResult, DeleteCommand, SetCommand } from '../../engine/command.js';
import { HyperCacheError } from '../../common/errors.js';
import { OutboxFile, outboxNumbers, type OutboxFileOptions } from '../../sqlite/outbox-file.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { CommandLimits } from '../wire/command-codec.js';
import { malformed } from '../wire/fields.js';
import { inOrder } from './forward-line.js';
import { isPassing, Outbox, type Forwarded, type OutboxParts } from './outbox.js';

/** @internal */
export interface OrphanedOutboxesParts extends OutboxFileOptions {
  readonly limits: CommandLimits;
  readonly execute: (command: SetCommand | DeleteCommand) => Promise<CommandResult>;
  readonly onDeadLetter: OutboxParts['onDeadLetter'];
  /** An outbox cannot be opened, and stays as it is. */
  readonly onUnopened: (error: unknown) => void;
  /** An outbox was damaged, and put there. */
  readonly onQuarantined: (path: string) => void;
}

/** So many are executed together. */
const BATCH = 500;

/**
 * Executes what a node had accepted while it was a secondary and never got to its primary, in order, where it now is the
 * primary itself. Each under the source that it was sent with: what the former primary had done, and this node has
 * received, is not done again.
 *
 * @returns how many there were
 * @throws why no more can be executed now: the rest is left to the next start
 * @internal
 */
export async function executeOrphaned(parts: OrphanedOutboxesParts): Promise<number> {
  const files: OutboxFile[] = [];
  try {
    const left = inOrder(
      outboxNumbers(parts.directory).flatMap((number) => {
        const file = new OutboxFile(parts);
        if (!isOpened(file, number, parts)) return [];
        files.push(file);
        if (file.quarantined !== undefined) parts.onQuarantined(file.quarantined);
        return load(file, parts);
      }),
    );
    for (let i = 0; i < left.length;) i += await executeSome(left, i, parts);
    return left.length;
  } finally {
    for (const file of files) file.close();
  }
}

/** One that cannot be opened must not keep the others from being executed. */
function isOpened(
  file: OutboxFile,
  number: number,
  { onUnopened }: OrphanedOutboxesParts,
): boolean {
  try {
    return file.openLeft(number);
  } catch (error) {
    onUnopened(error);
    return false;
  }
}

function load(file: OutboxFile, parts: OrphanedOutboxesParts): Forwarded[] {
  const outbox = new Outbox({ ...parts, file, maxEntries: Infinity, maxBytes: Infinity });
  return outbox.load((command) => {
    if (command.kind !== 'set' && command.kind !== 'delete') throw malformed(command.kind);
    return { command, bytes: 0, committed: ignore, failed: ignore };
  });
}

/** From there on, of one source; returns how many. */
async function executeSome(
  left: readonly Forwarded[],
  from: number,
  parts: OrphanedOutboxesParts,
): Promise<number> {
  const row = left[from]?.row;
  if (row === undefined) return 1;
  const { outbox, source } = row;
  const most = left.slice(from, from + BATCH);
  const end = most.findIndex((item) => item.row?.source !== source);
  const batch = end < 0 ? most : most.slice(0, end);
  const outcomes = await Promise.all(
    batch.map((item, i) => outcomeOf(item, left[from + i - 1], parts)),
  );
  const passing = outcomes.find((outcome) => outcome !== undefined && isPassing(outcome));
  if (passing !== undefined) throw passing;
  for (const [i, item] of batch.entries()) {
    const refusal = outcomes[i];
    if (refusal !== undefined) outbox.moveToDeadLetters(item, refusal);
  }
  outbox.done(batch);
  return batch.length;
}

/** Undefined when it was executed, now or before. */
async function outcomeOf(
  { write, row }: Forwarded,
  before: Forwarded | undefined,
  { execute }: OrphanedOutboxesParts,
): Promise<HyperCacheError | undefined> {
  const { command } = write;
  if (row === undefined || (command.kind !== 'set' && command.kind !== 'delete')) return undefined;
  const { source, sequence } = row;
  const follows = before?.row?.source === source ? before.row.sequence : undefined;
  try {
    await execute({ ...command, origin: { source, sequence, follows } });
    return undefined;
  } catch (error) {
    return error instanceof HyperCacheError ? error : toStorageError(error);
  }
}

function ignore(): void {
  // Nobody waits for it any more.
}

import type { CommandResult, DeleteCommand, SetCommand } from '../../engine/command.js';
import { HyperCacheError } from '../../common/errors.js';
import { OutboxFile, outboxNumbers, type OutboxFileOptions } from '../../sqlite/outbox-file.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { CommandLimits } from '../wire/command-codec.js';
import { malformed } from '../wire/fields.js';
import { isPassing, Outbox, type Forwarded, type OutboxParts } from './outbox.js';

/** @internal */
export interface LeftWritesParts extends OutboxFileOptions {
  readonly limits: CommandLimits;
  readonly execute: (command: SetCommand | DeleteCommand) => Promise<CommandResult>;
  readonly onBuried: OutboxParts['onBuried'];
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
export async function executeLeftWrites(parts: LeftWritesParts): Promise<number> {
  let count = 0;
  for (const number of outboxNumbers(parts.directory)) {
    const file = new OutboxFile(parts);
    if (!isOpened(file, number, parts)) continue;
    try {
      if (file.quarantined !== undefined) parts.onQuarantined(file.quarantined);
      count += await executeAll(file, parts);
    } finally {
      file.close();
    }
  }
  return count;
}

/** One that cannot be opened must not keep the others from being executed. */
function isOpened(file: OutboxFile, number: number, { onUnopened }: LeftWritesParts): boolean {
  try {
    return file.openLeft(number);
  } catch (error) {
    onUnopened(error);
    return false;
  }
}

async function executeAll(file: OutboxFile, parts: LeftWritesParts): Promise<number> {
  const outbox = new Outbox({ ...parts, file, maxEntries: Infinity, maxBytes: Infinity });
  const left = outbox.load((command) => {
    if (command.kind !== 'set' && command.kind !== 'delete') throw malformed(command.kind);
    return { command, bytes: 0, committed: ignore, failed: ignore };
  });
  for (let i = 0; i < left.length; i += BATCH) {
    const batch = left.slice(i, i + BATCH);
    const outcomes = await Promise.all(
      batch.map((item, j) => outcomeOf(item, left[i + j - 1], parts)),
    );
    const passing = outcomes.find((outcome) => outcome !== undefined && isPassing(outcome));
    if (passing !== undefined) throw passing;
    for (const [j, item] of batch.entries()) {
      const refusal = outcomes[j];
      if (refusal !== undefined) outbox.bury(item, refusal);
    }
    outbox.done(batch);
  }
  return left.length;
}

/** Undefined when it was executed, now or before. */
async function outcomeOf(
  { write, row }: Forwarded,
  before: Forwarded | undefined,
  { execute }: LeftWritesParts,
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

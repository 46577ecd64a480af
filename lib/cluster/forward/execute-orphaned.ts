import type { Clock } from '../../common/clock.js';
import { HyperCacheError } from '../../common/errors.js';
import type { CacheEvents } from '../../common/events.js';
import type { IncidentLog } from '../../common/incident-log.js';
import type { HyperCacheLogger } from '../../common/logger.js';
import type { Random } from '../../common/random.js';
import type { DeleteCommand, SetCommand } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';
import type { CommandQueue } from '../../engine/command-queue.js';
import { PendingCommand } from '../../engine/pending-command.js';
import { OutboxFile, outboxNumbers } from '../../sqlite/outbox-file.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { storedBytes } from '../../value/codec.js';
import type { CommandLimits } from '../wire/command-codec.js';
import { malformed } from '../wire/fields.js';
import { inOrder } from './forward-line.js';
import type { ForwardOptions } from './forwarded-writes.js';
import { isPassing, Outbox, type Forwarded } from './outbox.js';

/** @internal */
export interface ExecuteOrphanedParts {
  readonly options: Pick<ForwardOptions, 'sqlitePath' | 'durability' | keyof CommandLimits>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: HyperCacheLogger;
  readonly events: CacheEvents;
  readonly incidents: IncidentLog;
  readonly queue: Pick<CommandQueue, 'push'>;
}

/** Commands that are executed together. */
const BATCH = 500;

/**
 * Executes, in order, the writes that this node accepted as a secondary and never delivered, now that it is the
 * primary. Each write keeps the source under which it was sent. A write that the former primary executed, and whose
 * change this node has received, is not executed again. A write that cannot be executed now is reported, and waits for
 * the next start.
 *
 * @internal
 */
export async function executeOrphaned(parts: ExecuteOrphanedParts): Promise<void> {
  const { options, logger, incidents } = parts;
  const report = (error: unknown): void =>
    incidents.report(toStorageError(error), 'executing the asynchronous writes that wait here');
  const files: OutboxFile[] = [];
  try {
    const left = inOrder(
      outboxNumbers(options.sqlitePath).flatMap((number) => {
        const file = new OutboxFile({
          ...parts,
          directory: options.sqlitePath,
          fullSync: options.durability === 'full',
        });
        // An outbox that cannot be opened keeps its content, and must not prevent the others from being executed.
        try {
          if (!file.openLeft(number)) return [];
        } catch (error) {
          report(error);
          return [];
        }
        files.push(file);
        if (file.quarantined !== undefined) {
          logger.warn(
            `An outbox was damaged: writes in it may be lost. It was kept as ${file.quarantined}.`,
          );
        }
        return load(file, parts);
      }),
    );
    for (let i = 0; i < left.length;) i += await executeSome(left, i, parts);
    if (left.length > 0) logger.log(`Executed ${left.length} waiting asynchronous writes.`);
  } catch (error) {
    report(error);
  } finally {
    for (const file of files) file.close();
  }
}

function load(file: OutboxFile, { options, events, incidents }: ExecuteOrphanedParts): Forwarded[] {
  const outbox = new Outbox({
    file,
    maxEntries: Infinity,
    maxBytes: Infinity,
    limits: options,
    onDeadLetter: (error, target) => {
      if (target !== undefined) events.emit('outbox:refused', { ...target, error });
      incidents.report(error, 'executing an asynchronous write');
    },
  });
  return outbox.load((command) => {
    if (command.kind !== 'set' && command.kind !== 'delete') throw malformed(command.kind);
    return { command, bytes: 0, committed: ignore, failed: ignore };
  });
}

/** Executes commands of one source from the start of the list; returns how many were executed. */
async function executeSome(
  left: readonly Forwarded[],
  from: number,
  parts: ExecuteOrphanedParts,
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

/** Returns undefined when the write was executed, now or before. */
async function outcomeOf(
  { write, row }: Forwarded,
  before: Forwarded | undefined,
  { queue }: ExecuteOrphanedParts,
): Promise<HyperCacheError | undefined> {
  const { command } = write;
  if (row === undefined || (command.kind !== 'set' && command.kind !== 'delete')) return undefined;
  const { source, sequence } = row;
  const follows = before?.row?.source === source ? before.row.sequence : undefined;
  try {
    await executed(queue, { ...command, origin: { source, sequence, follows } });
    return undefined;
  } catch (error) {
    return error instanceof HyperCacheError ? error : toStorageError(error);
  }
}

function executed(
  queue: Pick<CommandQueue, 'push'>,
  command: SetCommand | DeleteCommand,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const bytes = 'value' in command ? storedBytes(command.value) : 0;
    queue.push(new PendingCommand(command, bytes, resolve, reject));
  });
}

function ignore(): void {
  // No caller waits for this write any more.
}

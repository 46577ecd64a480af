import type { Clock } from '../../common/clock.js';
import { HyperCacheError, StorageFailedError } from '../../common/errors.js';
import { sqliteCode } from '../sqlite-error.js';
import type { Storage } from '../storage.js';
import type { Writer } from '../write-queue.js';
import type { Command, CommandResult, SetCommand } from '../../engine/command.js';
import { increment, pull, remove, touch } from './entry-commands.js';
import {
  acquireLease,
  beat,
  cancelWait,
  extendLease,
  forceReleaseLease,
  promoteWaiters,
  releaseLease,
} from './lease-commands.js';
import { clear, deletePrefix, deleteTag } from './removal-commands.js';
import { SourceMarks } from './source-marks.js';
import { add, fill, set, setIf } from './store-commands.js';

/** @internal */
export type Outcome = CommandResult | HyperCacheError;

/** @internal */
export function isFailure(outcome: Outcome): outcome is HyperCacheError {
  return outcome instanceof HyperCacheError;
}

/**
 * Runs batches of commands on one file, each batch in one transaction, each command with its own outcome.
 *
 * @internal
 */
export class CommandExecutor implements Writer<Command, CommandResult> {
  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
  ) {}

  /**
   * @throws SQLite's error when the transaction as a whole failed; then nothing happened
   */
  write(commands: readonly Command[]): readonly Outcome[] {
    const now = this.clock.now();
    const [only] = commands;
    if (commands.length === 1 && only?.kind === 'set') {
      const result = this.#setAlone(only);
      if (result !== undefined) return [result];
    }
    const monotonicNow = this.clock.monotonic();
    return this.storage.transaction(() => {
      const marks = new SourceMarks(this.storage);
      const outcomes = commands.map((command) => {
        const origin = 'origin' in command ? command.origin : undefined;
        const known = origin && marks.answer(command, origin);
        if (known !== undefined) return known;
        const outcome = outcomeOf(this.storage, command, now, monotonicNow);
        if (origin !== undefined) marks.executed(origin);
        return outcome;
      });
      marks.write(now);
      return outcomes;
    });
  }

  /** A lone plain set needs no explicit transaction. */
  #setAlone(command: SetCommand): Outcome | undefined {
    const { namespace, key, value, expiresAt, tags, fence, origin } = command;
    if (tags.length > 0 || fence !== undefined || origin !== undefined) return undefined;
    const namespaceId = this.storage.namespaces.idOf(namespace);
    if (namespaceId === undefined) return undefined;
    const revision = this.storage.setAlone(namespaceId, key, value, expiresAt);
    return revision === undefined ? undefined : { stored: true, revision };
  }
}

function outcomeOf(storage: Storage, command: Command, now: number, monotonicNow: number): Outcome {
  try {
    return execute(storage, command, now, monotonicNow);
  } catch (error) {
    // Commands refuse before they write, so a refusal leaves nothing behind for the commit.
    if (error instanceof HyperCacheError) return error;
    if (sqliteCode(error) !== '') throw error;
    throw new StorageFailedError(error);
  }
}

function execute(
  storage: Storage,
  command: Command,
  now: number,
  monotonicNow: number,
): CommandResult {
  switch (command.kind) {
    case 'set':
      return set(storage, command);
    case 'fill':
      return fill(storage, command, now);
    case 'add':
      return add(storage, command, now);
    case 'setIf':
      return setIf(storage, command, now);
    case 'delete':
      return remove(storage, command, now);
    case 'pull':
      return pull(storage, command, now);
    case 'touch':
      return touch(storage, command, now);
    case 'increment':
      return increment(storage, command, now);
    case 'deletePrefix':
      return deletePrefix(storage, command, now);
    case 'deleteTag':
      return deleteTag(storage, command, now);
    case 'clear':
      return clear(storage, command);
    case 'acquireLease':
      return acquireLease(storage.leases, command, monotonicNow);
    case 'extendLease':
      return extendLease(storage.leases, command, monotonicNow);
    case 'releaseLease':
      return releaseLease(storage.leases, command, monotonicNow);
    case 'forceReleaseLease':
      return forceReleaseLease(storage.leases, command, monotonicNow);
    case 'promoteWaiters':
      return promoteWaiters(storage.leases, command, monotonicNow);
    case 'cancelWait':
      return cancelWait(storage.leases, command, monotonicNow);
    case 'beat':
      return beat(storage.leases, monotonicNow);
  }
}

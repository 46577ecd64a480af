import type { Clock } from '../../common/clock.js';
import { HyperCacheError, StorageFailedError } from '../../common/errors.js';
import { sqliteCode } from '../sqlite-error.js';
import type { Storage } from '../storage.js';
import type { Writer } from '../write-queue.js';
import type { Command, SetCommand } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';
import { expire, increment, pull, remove, touch } from './entry-commands.js';
import {
  acquireLease,
  beat,
  cancelWait,
  extendLease,
  forceReleaseLease,
  promoteWaiters,
  releaseLease,
} from './lease-commands.js';
import { clear, removePrefix, removeTag } from './removal-commands.js';
import { SourceMarks } from './source-marks.js';
import { beginRun, finishRun, lastRun } from './run-commands.js';
import { add, fill, set, setIf } from './store-commands.js';
import { resetThrottle, throttle } from './throttle-commands.js';

/** How long one transaction may hold the event loop, in ms. The commit comes on top. */
const BATCH_MS = 5;
/** Bytes of tags that one transaction writes. They are scattered over the file, so the commit costs more than they do. */
const BATCH_TAG_BYTES = 64 * 1024;

/** @internal */
export type Outcome = CommandResult | HyperCacheError;

/** @internal */
export function isFailure(outcome: Outcome): outcome is HyperCacheError {
  return outcome instanceof HyperCacheError;
}

/**
 * Runs batches of commands on one file. Each batch is one transaction, and each command has its own outcome.
 *
 * @internal
 */
export class CommandExecutor implements Writer<Command, CommandResult> {
  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns the outcomes of the first commands; for the others there was no time, and they did not run
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
      const outcomes: Outcome[] = [];
      const { tags } = this.storage;
      const mostWritten = tags.written + BATCH_TAG_BYTES;
      const isLate = (): boolean =>
        this.clock.monotonic() - monotonicNow >= BATCH_MS || tags.written > mostWritten;
      for (const command of commands) {
        const origin = 'origin' in command ? command.origin : undefined;
        const known = origin && marks.answer(command, origin);
        outcomes.push(known ?? outcomeOf(this.storage, command, now, monotonicNow, isLate));
        if (known === undefined && origin !== undefined) marks.executed(origin);
        if (isLate()) break;
      }
      marks.write(now);
      return outcomes;
    });
  }

  /** Runs a lone plain set without an explicit transaction. */
  #setAlone(command: SetCommand): Outcome | undefined {
    const { namespace, key, value, expiresAt, freshUntil, tags, fence, origin } = command;
    if (tags.length > 0 || fence !== undefined || origin !== undefined) return undefined;
    const namespaceId = this.storage.namespaces.idOf(namespace);
    if (namespaceId === undefined) return undefined;
    const revision = this.storage.setAlone({ namespaceId, key, value, expiresAt, freshUntil });
    return revision === undefined ? undefined : { stored: true, revision };
  }
}

function outcomeOf(
  storage: Storage,
  command: Command,
  now: number,
  monotonicNow: number,
  isLate: () => boolean,
): Outcome {
  try {
    return execute(storage, command, now, monotonicNow, isLate);
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
  isLate: () => boolean,
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
    case 'expire':
      return expire(storage, command, now);
    case 'increment':
      return increment(storage, command, now);
    case 'deletePrefix':
    case 'expirePrefix':
      return removePrefix(storage, command, now, isLate);
    case 'deleteTag':
    case 'expireTag':
      return removeTag(storage, command, now, isLate);
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
    case 'throttle':
      return throttle(storage.throttles, command, now);
    case 'resetThrottle':
      return resetThrottle(storage.throttles, command);
    case 'beginRun':
      return beginRun(storage.runs, command, now);
    case 'finishRun':
      return finishRun(storage.runs, command, now);
    case 'lastRun':
      return lastRun(storage.runs, command);
  }
}

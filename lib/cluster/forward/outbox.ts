import type { HyperCacheError, HyperCacheErrorCode } from '../../common/errors.js';
import type { QueuedWrite } from '../../engine/command-queue.js';
import type { Command, CommandResult } from '../../engine/command.js';
import type { DeadLetterRow, OutboxFile } from '../../sqlite/outbox-file.js';
import { decodeCommand, type CommandLimits, type ForwardedCommand } from '../wire/command-codec.js';
import { unpackArray } from '../wire/fields.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { pack } from '../wire/wire.js';

/** What a write is about; undefined for what concerns more than one key. @internal */
export interface Target {
  readonly namespace: string;
  readonly key: string;
}

/** A write on its way to the primary. @internal */
export interface Forwarded {
  readonly write: QueuedWrite<Command, CommandResult>;
  /** As it travels. */
  readonly command: unknown;
  readonly target: Target | undefined;
  readonly bytes: number;
  /** Where it stands in the outbox; undefined for one whose caller waits for the answer. */
  readonly row: AcceptedRow | undefined;
}

/** @internal */
export interface AcceptedRow {
  readonly outbox: Outbox;
  readonly source: string;
  readonly sequence: number;
  /** Unix ms. */
  readonly acceptedAt: number;
  /** A process that has ended had accepted it. */
  readonly isLeft: boolean;
}

/** What stands in the outbox as dead letter. @internal */
export interface DeadLetter extends Omit<DeadLetterRow, 'command'> {
  readonly command: ForwardedCommand;
}

/** @internal */
export interface OutboxParts {
  readonly file: OutboxFile;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly limits: CommandLimits;
  /** A write that had been accepted was buried: undefined is one that cannot be read. */
  readonly onDeadLetter: (error: HyperCacheError, target: Target | undefined) => void;
}

const PASSING: ReadonlySet<HyperCacheErrorCode> = new Set<HyperCacheErrorCode>([
  'HC_CLOSED',
  'HC_OUT_OF_ORDER',
  'HC_QUEUE_FULL',
  'HC_STORAGE_BUSY',
  'HC_STORAGE_FAILED',
  'HC_STORAGE_FULL',
  'HC_STORAGE_LOST',
]);

/** What the primary says of a request that it did not execute, because of what stands in it. */
const REFUSALS: ReadonlySet<HyperCacheErrorCode> = new Set<HyperCacheErrorCode>([
  'HC_ARGUMENT_INVALID',
  'HC_BODY_TOO_LARGE',
  'HC_KEY_INVALID',
  'HC_REQUEST_INVALID',
  'HC_VALUE_TOO_LARGE',
]);

const PAGE_ROWS = 500;

/** Those of the node may have been others when it accepted a write. */
const NO_LIMITS: CommandLimits = { maxValueSize: Infinity, maxLockTtl: Infinity };

/** Of a row besides its command. */
const ROW_BYTES = 64;

/**
 * The asynchronous writes of a node that the primary has not yet acknowledged, in the order in which they were accepted.
 *
 * @internal
 */
export class Outbox {
  #entries = 0;
  #bytes = 0;

  constructor(private readonly parts: OutboxParts) {}

  get entries(): number {
    return this.#entries;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get deadLetterCount(): number {
    return this.parts.file.deadLetterCount;
  }

  get bounds(): Pick<OutboxParts, 'maxEntries' | 'maxBytes'> {
    const { maxEntries, maxBytes } = this.parts;
    return { maxEntries, maxBytes };
  }

  get isFull(): boolean {
    return this.#entries >= this.parts.maxEntries || this.#bytes >= this.parts.maxBytes;
  }

  /**
   * What an earlier process of this node has left, oldest first.
   *
   * @param restore makes a write of its command, for which nobody waits any more
   */
  load(restore: (command: ForwardedCommand) => QueuedWrite<Command, CommandResult>): Forwarded[] {
    const { file, limits, onDeadLetter } = this.parts;
    const found: Forwarded[] = [];
    let after = 0;
    for (;;) {
      const rows = file.page(after, PAGE_ROWS);
      for (const { sequence, source, acceptedAt, command: packed } of rows) {
        try {
          const command = unpackArray(packed);
          const bytes = packed.length + ROW_BYTES;
          const decoded = decodeCommand(command, limits);
          const row = { outbox: this, source, sequence, acceptedAt, isLeft: true };
          found.push({ write: restore(decoded), command, target: targetOf(decoded), bytes, row });
          this.#count(1, bytes);
        } catch (error) {
          // One that cannot be read must not keep the node from starting.
          const failure = toStorageError(error);
          file.moveToDeadLetters(sequence, failure.code, failure.message);
          const lost = readable(packed);
          onDeadLetter(failure, lost && targetOf(lost));
        }
      }
      after = rows.at(-1)?.sequence ?? after;
      if (rows.length < PAGE_ROWS) return found;
    }
  }

  /**
   * Accepts writes durably, all or none.
   *
   * @param superseded whose place they take
   * @throws SQLite's error
   */
  accept(
    writes: readonly Pick<Forwarded, 'write' | 'command' | 'target'>[],
    superseded: readonly Forwarded[],
  ): Forwarded[] {
    const { file } = this.parts;
    const packed = writes.map(({ command }) => pack(command));
    const sequences = file.add(
      packed,
      superseded.map(({ row }) => row?.sequence ?? 0),
    );
    for (const { bytes } of superseded) this.#count(-1, -bytes);
    const { source } = file;
    return writes.map((written, i) => {
      const bytes = (packed[i]?.length ?? 0) + ROW_BYTES;
      this.#count(1, bytes);
      const row = {
        outbox: this,
        source,
        sequence: sequences[i] ?? 0,
        acceptedAt: 0,
        isLeft: false,
      };
      return { ...written, bytes, row };
    });
  }

  /** The primary has answered for these, and for everything before them. */
  done(forwarded: readonly Forwarded[]): void {
    let last = 0;
    for (const { row, bytes } of forwarded) {
      last = Math.max(last, row?.sequence ?? 0);
      this.#count(-1, -bytes);
    }
    this.parts.file.removeUpTo(last);
  }

  /** The primary will never accept it: it is kept for a person to look at. Before it is {@link done}. */
  moveToDeadLetters({ row, target }: Forwarded, error: HyperCacheError): void {
    if (row === undefined) return;
    const { file, onDeadLetter } = this.parts;
    file.moveToDeadLetters(row.sequence, error.code, error.message);
    onDeadLetter(error, target);
  }

  /** Those that can be read. */
  deadLetters(limit: number): DeadLetter[] {
    return readDeadLetters(this.parts.file.deadLetters(limit));
  }

  #count(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
  }
}

/** What was buried because it cannot be read must not hide the others. @internal */
export function readDeadLetters(rows: readonly DeadLetterRow[]): DeadLetter[] {
  return rows.flatMap(({ command: packed, ...rest }) => {
    const command = readable(packed);
    return command === undefined ? [] : [{ ...rest, command }];
  });
}

function readable(packed: Buffer): ForwardedCommand | undefined {
  try {
    return decodeCommand(unpackArray(packed), NO_LIMITS);
  } catch {
    return undefined;
  }
}

/** @internal */
export function targetOf(command: ForwardedCommand): Target | undefined {
  return 'namespace' in command && 'key' in command
    ? { namespace: command.namespace, key: command.key }
    : undefined;
}

/** Whether what was accepted is to be tried again; anything else is the primary's last word. @internal */
export function isPassing(error: HyperCacheError): boolean {
  return PASSING.has(error.code);
}

/** Whether the primary did nothing of a request, because of what stands in it. @internal */
export function isRefusal(error: HyperCacheError): boolean {
  return REFUSALS.has(error.code);
}

import type { HyperCacheError, HyperCacheErrorCode } from '../../common/errors.js';
import type { QueuedWrite } from '../../engine/command-queue.js';
import type { Command } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';
import type { DeadLetterRow, OutboxFile } from '../../sqlite/outbox-file.js';
import { decodeCommand, type CommandLimits, type ForwardedCommand } from '../wire/command-codec.js';
import { unpackArray } from '../wire/fields.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { pack } from '../wire/wire.js';

/** The key that a write concerns. A write of more than one key has no target. @internal */
export interface Target {
  readonly namespace: string;
  readonly key: string;
}

/** A write on its way to the primary. @internal */
export interface Forwarded {
  readonly write: QueuedWrite<Command, CommandResult>;
  /** The encoded command, as it travels. */
  readonly command: unknown;
  readonly target: Target | undefined;
  readonly bytes: number;
  /** The row in the outbox; undefined for a write whose caller waits for the answer. */
  readonly row: AcceptedRow | undefined;
}

/** @internal */
export interface AcceptedRow {
  readonly outbox: Outbox;
  readonly source: string;
  readonly sequence: number;
  /** Unix ms. */
  readonly acceptedAt: number;
  /** Whether a process that has ended accepted it. */
  readonly isLeft: boolean;
}

/** A dead letter in the outbox. @internal */
export interface DeadLetter extends Omit<DeadLetterRow, 'command'> {
  readonly command: ForwardedCommand;
}

/** @internal */
export interface OutboxParts {
  readonly file: OutboxFile;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly limits: CommandLimits;
  /** An accepted write became a dead letter. The target is undefined when the write cannot be read. */
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

/** Codes with which the primary refuses a whole request because of its content. */
const REFUSALS: ReadonlySet<HyperCacheErrorCode> = new Set<HyperCacheErrorCode>([
  'HC_ARGUMENT_INVALID',
  'HC_BODY_TOO_LARGE',
  'HC_KEY_INVALID',
  'HC_REQUEST_INVALID',
  'HC_VALUE_TOO_LARGE',
]);

const PAGE_ROWS = 500;

/** No limits: those of the node may have been different when it accepted the write. */
const NO_LIMITS: CommandLimits = { maxValueSize: Infinity, maxLockTtl: Infinity };

/** Overhead of a row in addition to its command. */
const ROW_BYTES = 64;

/**
 * The asynchronous writes of a node that the primary has not yet acknowledged, in the order in which the node accepted
 * them.
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
   * Loads what an earlier process of this node has left, oldest first.
   *
   * @param restore makes a write from its command; no caller waits for that write
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
          // A write that cannot be read must not keep the node from starting.
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
   * @param superseded writes that these replace
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

  /** The primary will never accept this write: it is kept for an operator to inspect. Call this before {@link done}. */
  moveToDeadLetters({ row, target }: Forwarded, error: HyperCacheError): void {
    if (row === undefined) return;
    const { file, onDeadLetter } = this.parts;
    file.moveToDeadLetters(row.sequence, error.code, error.message);
    onDeadLetter(error, target);
  }

  /** The dead letters that can be read. */
  deadLetters(limit: number): DeadLetter[] {
    return readDeadLetters(this.parts.file.deadLetters(limit));
  }

  #count(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
  }
}

/** A dead letter that cannot be read must not hide the others. @internal */
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

/** Whether an accepted write should be tried again; any other error is the primary's final answer. @internal */
export function isPassing(error: HyperCacheError): boolean {
  return PASSING.has(error.code);
}

/** Whether the primary executed nothing of a request because of its content. @internal */
export function isRefusal(error: HyperCacheError): boolean {
  return REFUSALS.has(error.code);
}

import type { Command, DeleteCommand, SetCommand } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';
import type { Clock } from '../../common/clock.js';
import { decodeValue, type StoredValue } from '../../value/codec.js';
import { ReplicaBehindError } from '../../common/errors.js';
import type { CacheEvents } from '../../common/events.js';
import type { IncidentLog } from '../../common/incident-log.js';
import type { HyperCacheLogger } from '../../common/logger.js';
import type { Random } from '../../common/random.js';
import { malformed } from '../wire/fields.js';
import { ForwardQueue } from './forward-queue.js';
import type { FollowedChanges } from './unapplied-writes.js';
import { OrphanedOutboxes } from './orphaned-outboxes.js';
import { Outbox, type DeadLetter } from './outbox.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import { OutboxFile } from '../../sqlite/outbox-file.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { QueuedWrite } from '../../engine/command-queue.js';
import type { DeadLetterInfo, HyperCacheStats } from '../../engine/node-stats.js';
import type { CommandLimits } from '../wire/command-codec.js';

/** How long `flush` waits when its caller gives no timeout, in ms. */
const FLUSH_TIMEOUT_MS = 10_000;

/** The options of a node that concern its writes. @internal */
export interface ForwardOptions extends CommandLimits {
  readonly sqlitePath: string;
  readonly durability: 'relaxed' | 'normal' | 'full';
  readonly outboxMaxEntries: number;
  readonly outboxMaxBytes: number;
  readonly outboxFull: 'reject' | 'block';
  /** Milliseconds. */
  readonly timeout: number;
  readonly asyncRequests: boolean;
}

/** @internal */
export interface ForwardedWritesParts {
  readonly options: ForwardOptions;
  readonly client: PrimaryClient;
  readonly replica: FollowedChanges;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: HyperCacheLogger;
  readonly events: CacheEvents;
  readonly incidents: IncidentLog;
  /** Turns a write that an earlier process accepted into a pending write; reads see it until it is done. */
  readonly restore: (command: SetCommand | DeleteCommand) => QueuedWrite<Command, CommandResult>;
}

/**
 * A secondary's writes on their way to the primary: the queue, the outbox that holds the accepted ones, and the
 * outboxes that ended processes of the node have left.
 *
 * @internal
 */
export class ForwardedWrites {
  readonly queue: ForwardQueue;
  readonly #file: OutboxFile;
  readonly #outbox: Outbox;
  readonly #left: OrphanedOutboxes;

  constructor(private readonly parts: ForwardedWritesParts) {
    const { options, client, replica, clock, random, logger, events, incidents } = parts;
    const createFile = (): OutboxFile =>
      new OutboxFile({
        directory: options.sqlitePath,
        fullSync: options.durability === 'full',
        clock,
        random,
      });
    const createOutbox = (file: OutboxFile): Outbox =>
      new Outbox({
        file,
        maxEntries: options.outboxMaxEntries,
        maxBytes: options.outboxMaxBytes,
        limits: options,
        onDeadLetter: (error, target) => {
          if (target !== undefined) events.emit('outbox:refused', { ...target, error });
          incidents.report(error, 'sending an asynchronous write');
        },
      });
    this.#file = createFile();
    this.#outbox = createOutbox(this.#file);
    this.#left = new OrphanedOutboxes({
      directory: options.sqlitePath,
      own: this.#file,
      createFile,
      createOutbox,
      onError: (error) => incidents.report(toStorageError(error), 'adopting an outbox'),
    });
    this.queue = new ForwardQueue({
      client,
      replica,
      random,
      timeoutMs: options.timeout,
      outbox: this.#outbox,
      left: this.#left,
      accepts: options.asyncRequests,
      blocksWhenFull: options.outboxFull === 'block',
      onError: (error, during) => incidents.report(error, during),
    });
    this.#left.found.on((left) => {
      logger.log(`Sending ${left.length} writes that a process of this host has left.`);
      this.queue.resume(left);
    });
  }

  /** Statistics of the outbox. */
  get stats(): NonNullable<HyperCacheStats['outbox']> {
    const { entries, bytes, deadLetterCount } = this.#outbox;
    return { entries, bytes, deadLetters: deadLetterCount };
  }

  /** From here on, reads see what an earlier process has left. Those writes are sent first. */
  open(): void {
    this.#left.open(() =>
      this.#outbox.load((command) => {
        if (command.kind !== 'set' && command.kind !== 'delete') throw malformed(command.kind);
        return this.parts.restore(command);
      }),
    );
    const { quarantined } = this.#file;
    if (quarantined !== undefined) this.#announceLoss(quarantined);
  }

  /** Also sends what other processes leave. */
  adopt(): void {
    this.#left.start();
  }

  /** Resolves when nothing more is sent. */
  async stop(): Promise<void> {
    await this.queue.close();
    this.#left.stop();
  }

  close(): void {
    this.#file.close();
  }

  async flush(timeoutMs = FLUSH_TIMEOUT_MS): Promise<void> {
    if (await this.queue.flush(timeoutMs)) return;
    throw this.queue.lost ?? new ReplicaBehindError(timeoutMs);
  }

  deadLetters(limit: number): readonly DeadLetterInfo[] {
    return deadLetterInfos(this.#outbox.deadLetters(limit));
  }

  #announceLoss(quarantined: string): void {
    this.parts.logger.warn(
      `The outbox was damaged: writes that the primary did not yet have may be lost. It was kept as ${quarantined}.`,
    );
    this.parts.events.emit('recovered', { reason: 'corrupt', quarantined });
  }
}

/** Decodes dead letters for a person to read. @internal */
export function deadLetterInfos(letters: readonly DeadLetter[]): DeadLetterInfo[] {
  return letters.flatMap(({ at, code, message, command }) => {
    if (command.kind !== 'set' && command.kind !== 'delete') return [];
    const { kind, namespace, key } = command;
    const value = command.kind === 'set' ? readable(command.value) : undefined;
    return [{ at, code, message, kind, namespace, key, value }];
  });
}

/** Undefined when the value cannot be decoded, which may be why it was refused. */
function readable(value: StoredValue): unknown {
  try {
    return decodeValue(value);
  } catch {
    return undefined;
  }
}

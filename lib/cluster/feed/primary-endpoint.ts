import type { Writable } from 'node:stream';
import { storedBytes } from '../../value/codec.js';
import type { Clock } from '../../common/clock.js';
import { HyperCacheError } from '../../common/errors.js';
import { isExpired } from '../../common/expiry.js';
import { MAX_REQUEST_ITEMS } from '../../common/limits.js';
import type { CommandResult, LeaseResult } from '../../engine/command-result.js';
import type { Outcome } from '../../sqlite/commands/command-executor.js';
import { PendingCommand } from '../../engine/pending-command.js';
import type { Page } from '../../engine/l2.js';
import type { LeaseService } from '../../engine/lease-service.js';
import type { Listing } from '../../sqlite/entry-table.js';
import { readPage, type ListedValue } from '../../sqlite/listing.js';
import type { Grant, HeldLease } from '../../engine/lease.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { Storage } from '../../sqlite/storage.js';
import type { WriteQueue } from '../../sqlite/write-queue.js';
import type { Command } from '../../engine/command.js';
import { readChanges } from '../wire/change-batch.js';
import type { Serving } from '../failover/serving.js';
import type { ChangeFeed } from './change-feed.js';
import {
  decodeCommand,
  leaseOf,
  type CommandLimits,
  type ForwardedCommand,
} from '../wire/command-codec.js';
import {
  answerToWire,
  QueryKind,
  RequestKind,
  type EntryAnswer,
  type LeasesAnswer,
  type ObservationAnswer,
  type PageAnswer,
} from '../wire/exchange.js';
import { Fields, lifetimeToWire, malformed, unpackArray } from '../wire/fields.js';
import { LeaseWaits } from '../leases/lease-waits.js';
import { RequestOrder } from '../wire/request-order.js';
import type { AdminEndpoint, FeedRequest, SyncEndpoint } from '../wire/sync-endpoint.js';
import { successorFromWire, type Successor } from '../failover/takeover.js';
import { pack } from '../wire/wire.js';

/** @internal */
export interface PrimaryEndpointParts {
  readonly storage: Storage;
  readonly queue: WriteQueue<Command, CommandResult>;
  readonly leases: LeaseService;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  readonly limits: CommandLimits;
  /** Adds a command of another node to the queue. */
  readonly onForward: (command: ForwardedCommand) => void;
  /** A forwarded command was committed: memory must follow. */
  readonly onForwarded: (command: ForwardedCommand, result: CommandResult) => void;
  readonly serving: Serving;
  /** Another node was promoted in place of this one. */
  readonly onSuperseded: (successor: Successor) => void;
}

/**
 * Serves the other nodes on the primary. It never decodes their values.
 *
 * @internal
 */
export class PrimaryEndpoint implements SyncEndpoint, AdminEndpoint {
  readonly #order = new RequestOrder();
  readonly #waits: LeaseWaits;

  constructor(private readonly parts: PrimaryEndpointParts) {
    this.#waits = new LeaseWaits(parts.leases, parts.limits);
  }

  async exchange(request: Buffer): Promise<Buffer> {
    const fields = new Fields(unpackArray(request));
    this.parts.serving.assert();
    switch (fields.integer()) {
      case RequestKind.Commands:
        return this.#execute(fields);
      case RequestKind.Queries:
        return this.#answer(fields.list());
      default:
        throw malformed('a request of an unknown kind');
    }
  }

  feed(request: FeedRequest, sink: Writable): void {
    this.parts.serving.assert();
    // The replica may already know a revision that another process on the file has committed.
    this.parts.storage.catchUp();
    this.parts.feed.add(request, sink);
  }

  wait(request: Buffer, sink: Writable): void {
    this.parts.serving.assert();
    this.#waits.begin(request, sink);
  }

  /** Sends a sign of life to every node that waits for a lease. */
  beat(): void {
    this.#waits.beat();
  }

  supersede(request: Buffer): Buffer {
    const { storage, onSuperseded } = this.parts;
    onSuperseded(successorFromWire(new Fields(unpackArray(request))));
    const { historyId, epoch, revision } = storage;
    return pack([historyId, epoch, revision]);
  }

  async #execute(fields: Fields): Promise<Buffer> {
    const since = fields.integer();
    const messages = fields.list();
    if (messages.length > MAX_REQUEST_ITEMS) throw malformed(`${messages.length} operations`);
    const { limits, storage } = this.parts;
    // Decode all commands before the first one runs: a malformed batch must change nothing.
    const commands = messages.map((message) => decodeCommand(message, limits));
    this.#order.admit(fields.string(), fields.integer());
    const outcomes = await Promise.all(commands.map((command) => this.#run(command)));
    // The holder of a lease must see what another process on the file wrote while it held that lease.
    storage.catchUp();
    const { historyId, epoch, revision } = storage;
    const isWanted = since >= 0 && since < revision && storage.changes.oldest() <= since + 1;
    const changes = isWanted ? readChanges(storage, since) : undefined;
    const position = { historyId, epoch, revision };
    return pack(answerToWire({ position, outcomes, changes }));
  }

  async #run(command: ForwardedCommand): Promise<Outcome> {
    try {
      return await (isLeaseCommand(command) ? this.#lease(command) : this.#push(command));
    } catch (error) {
      return error instanceof HyperCacheError ? error : toStorageError(error);
    }
  }

  #push(command: Exclude<ForwardedCommand, LeaseCommand>): Promise<CommandResult> {
    const { queue, onForward, onForwarded } = this.parts;
    return new Promise((resolve, reject) => {
      const bytes = 'value' in command ? storedBytes(command.value) : 0;
      const settle = (result: CommandResult): void => {
        onForwarded(command, result);
        resolve('keys' in result ? { ...result, keys: [] } : result);
      };
      queue.push(new PendingCommand(command, bytes, settle, reject));
      onForward(command);
    });
  }

  /** Passes the command to this node's own leases, because they know the waiters of this process. */
  async #lease(command: LeaseCommand): Promise<LeaseResult> {
    const { leases } = this.parts;
    const { lease } = command;
    switch (command.kind) {
      case 'acquireLease': {
        const { owner, ttl, slots, mayWait } = command;
        const request = { lease, owner, ttlMs: ttl, slots, waitMs: 0, mayWait };
        return granted(await leases.acquire(request));
      }
      case 'extendLease':
        return granted(await leases.extend(lease, command.owner, command.ttl));
      case 'releaseLease':
        return done(await leases.release(lease, command.owner));
      case 'forceReleaseLease':
        return done(await leases.forceRelease(lease));
    }
  }

  async #answer(queries: readonly unknown[]): Promise<Buffer> {
    if (queries.length > MAX_REQUEST_ITEMS) throw malformed(`${queries.length} queries`);
    const { queue, storage, clock } = this.parts;
    await queue.drain();
    const answers: unknown[] = [];
    for (const query of queries) {
      if (!Array.isArray(query)) throw malformed('a query is not a list');
      answers.push(await this.#query(new Fields(query)));
    }
    // The answers may contain what another process on the file has just committed.
    storage.catchUp();
    const { historyId, epoch, revision } = storage;
    return pack([historyId, epoch, revision, clock.now(), answers]);
  }

  #query(fields: Fields): unknown {
    switch (fields.integer()) {
      case QueryKind.Entry:
        return this.#entry(fields.namespace(), fields.key());
      case QueryKind.Keys:
        return this.#keys(fields.namespace(), fields.prefix(), fields.string());
      case QueryKind.Entries:
        return this.#entries(fields.namespace(), fields.string());
      case QueryKind.Observe:
        return this.#observe(fields.namespace(), fields.key());
      case QueryKind.IsCurrent:
        return this.#isCurrent(fields);
      case QueryKind.Holders:
        return this.#withTimeLeft(this.parts.leases.holders(leaseOf(fields)));
      case QueryKind.Leases:
        return this.#withTimeLeft(this.parts.leases.list());
      default:
        throw malformed('a query of an unknown kind');
    }
  }

  #entry(namespace: string, key: string): EntryAnswer {
    const { storage, clock } = this.parts;
    const namespaceId = storage.namespaces.idOf(namespace);
    const row = namespaceId === undefined ? undefined : storage.entries.find(namespaceId, key);
    if (row === undefined || isExpired(row.expires_at, clock.now())) return null;
    return [row.value, lifetimeToWire(row.expires_at, row.fresh_until), row.revision];
  }

  /**
   * Reads the revision first. A commit of another process during the read then counts as a later change, and is not
   * overlooked.
   */
  #observe(namespace: string, key: string): ObservationAnswer {
    const { revision } = this.parts.storage;
    return [revision, this.#entry(namespace, key)];
  }

  #isCurrent(fields: Fields): boolean {
    const { storage } = this.parts;
    const namespaceId = storage.namespaces.idOf(fields.namespace()) ?? 0;
    const target = { namespaceId, key: fields.key(), tags: fields.tags(), seen: fields.integer() };
    storage.catchUp();
    return !storage.changes.conflictsWith(target, storage.revision);
  }

  #keys(namespace: string, prefix: string, after: string): PageAnswer<string> {
    const { items, next } = this.#page(namespace, { prefix, after, withValues: false });
    return [items.map(([key]) => key), next ?? null];
  }

  #entries(namespace: string, after: string): PageAnswer<ListedValue> {
    const { items, next } = this.#page(namespace, { prefix: '', after, withValues: true });
    return [items, next ?? null];
  }

  #page(namespace: string, listing: Listing): Page<ListedValue> {
    const { storage, clock } = this.parts;
    return readPage(storage, namespace, listing, clock.now());
  }

  async #withTimeLeft(held: Promise<HeldLease[]>): Promise<LeasesAnswer> {
    const leases = await held;
    const now = this.parts.clock.monotonic();
    return leases.map(({ expiresAt, ...lease }) => ({ ...lease, left: expiresAt - now }));
  }
}

type LeaseCommand = Extract<
  ForwardedCommand,
  { kind: 'acquireLease' | 'extendLease' | 'releaseLease' | 'forceReleaseLease' }
>;

function isLeaseCommand(command: ForwardedCommand): command is LeaseCommand {
  return 'lease' in command;
}

function granted(grant: Grant | undefined): LeaseResult {
  return { done: grant !== undefined, grant, handOvers: [], nextExpiry: undefined };
}

function done(isDone: boolean): LeaseResult {
  return { done: isDone, grant: undefined, handOvers: [], nextExpiry: undefined };
}

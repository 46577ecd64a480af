import { setImmediate as onNextTurn } from 'node:timers';
import type { Awaitable } from '../../../lib/common/awaitable.js';
import type { Clock } from '../../../lib/common/clock.js';
import { compositeKey } from '../../../lib/common/composite-key.js';
import { ClosedError, HyperCacheError } from '../../../lib/common/errors.js';
import type { Claims, HeldClaim, OwnClaim } from '../../../lib/engine/claims.js';
import type { CommandQueue, QueuedWrite } from '../../../lib/engine/command-queue.js';
import type { Command } from '../../../lib/engine/command.js';
import type { CommandResult } from '../../../lib/engine/command-result.js';
import type { L2, L2Entry, Observation, Seen, VersionedEntry } from '../../../lib/engine/l2.js';
import { decideRun, type RunRecord } from '../../../lib/engine/run.js';
import { decideThrottle, type ThrottleState } from '../../../lib/engine/throttle.js';
import type { MemoryListener } from '../../../lib/engine/memory-coherence.js';
import { decodeValue, storedBytes } from '../../../lib/value/codec.js';
import { EngineInMemory } from '../../../lib/testing/engine-in-memory.js';
import { deferred, type Deferred } from '../deferred.js';
import { MemoryLeases } from './memory-leases.js';
import { MemoryTable, type MemoryRow, type MemorySeen } from './memory-table.js';

/** What several engines share: the entries, the leases, and who is told of changes. */
export class MemoryServer {
  readonly tables = new Map<string, MemoryTable>();
  /** By key; free once their time, in monotonic ms, is over. */
  readonly claims = new Map<string, { ended: Deferred<void>; until: number }>();
  readonly listeners: MemoryListener[] = [];
  readonly throttles = new Map<string, ThrottleState>();
  readonly runs = new Map<string, RunRecord>();

  constructor(
    readonly clock: Clock,
    readonly leases = new MemoryLeases(clock),
    private readonly Table = MemoryTable,
  ) {}

  tableOf(namespace: string): MemoryTable {
    const table = this.tables.get(namespace) ?? new this.Table();
    this.tables.set(namespace, table);
    return table;
  }

  execute(command: Command): CommandResult {
    const now = this.clock.now();
    if (command.kind === 'beginRun') {
      const { name, id, slot, node } = command.run;
      const decision = decideRun(this.runs.get(name), command.run, now);
      const begun = { id, slot: slot ?? now, startedAt: now, finishedAt: null, ok: null, node };
      if (decision === 'begun') this.runs.set(name, begun);
      return { decision };
    }
    if (command.kind === 'finishRun') {
      const { name, id, ok } = command;
      const run = this.runs.get(name);
      if (run?.id !== id) return { finished: false };
      this.runs.set(name, { ...run, finishedAt: now, ok });
      return { finished: true };
    }
    if (command.kind === 'lastRun') return { last: this.runs.get(command.name) ?? null };
    if (command.kind === 'throttle') {
      const id = compositeKey(command.throttle.key, command.throttle.name);
      const { decision, next } = decideThrottle(
        this.throttles.get(id),
        command.limits,
        this.clock.now(),
      );
      this.throttles.set(id, next);
      return decision;
    }
    if (command.kind === 'resetThrottle') {
      const { key, name } = command.throttle;
      const start = compositeKey(key) + (name === undefined ? '' : compositeKey(name));
      const found = Array.from(this.throttles.keys()).filter((id) => id.startsWith(start));
      for (const id of found) this.throttles.delete(id);
      return { reset: found.length > 0 };
    }
    if (!('namespace' in command)) throw new Error('Leases are asked for directly.');
    const { namespace } = command;
    const lastToken = (lock: string): number => this.leases.lastToken(lock);
    const result = this.tableOf(namespace).execute(command, this.clock.now(), lastToken);
    for (const listener of this.listeners) {
      if ('key' in command) listener.changed(namespace, command.key);
      else if ('keys' in result) for (const key of result.keys) listener.changed(namespace, key);
      else listener.cleared(namespace);
    }
    return result;
  }
}

/** Executes in the order of the calls; each result comes in the next turn. */
class MemoryQueue implements CommandQueue {
  #results: (() => void)[] = [];
  #isClosed = false;

  constructor(private readonly server: MemoryServer) {}

  get length(): number {
    return this.#results.length;
  }

  assertRoom(): void {
    if (this.#isClosed) throw new ClosedError();
  }

  push(write: QueuedWrite<Command, CommandResult>): void {
    this.assertRoom();
    if (this.#results.push(this.#execute(write)) === 1) onNextTurn(this.#settle);
  }

  pushRelaxed(write: QueuedWrite<Command, CommandResult>): boolean {
    this.push(write);
    return true;
  }

  keepsUp(): boolean {
    return true;
  }

  rest(): undefined {
    return undefined;
  }

  async drain(): Promise<void> {
    if (this.length > 0) await new Promise<void>((resolve) => this.#results.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    this.#settle();
  }

  #execute(write: QueuedWrite<Command, CommandResult>): () => void {
    try {
      const result = this.server.execute(write.command);
      return () => write.committed(result);
    } catch (error) {
      if (error instanceof HyperCacheError) return () => write.failed(error);
      throw error;
    }
  }

  readonly #settle = (): void => {
    for (const settle of this.#results.splice(0)) settle();
  };
}

/** An engine in memory; one that is `far` answers in a later turn, with what was there when it was asked. */
export class MemoryEngine extends EngineInMemory {
  readonly clock: Clock;
  readonly queue: MemoryQueue;
  readonly leases: MemoryLeases;
  /** A result is no younger than what was told meanwhile. */
  readonly coherence = { isTrusted: () => true, keepsOwnWrites: false };

  constructor(
    readonly server: MemoryServer,
    readonly isFar: boolean,
  ) {
    super();
    this.clock = server.clock;
    this.leases = server.leases;
    this.queue = new MemoryQueue(server);
  }

  l2(namespace: string): L2 {
    return new MemoryL2(this, namespace);
  }

  claims(namespace: string): Claims {
    return new MemoryClaims(this, namespace);
  }

  answer<T>(answer: T): Awaitable<T> {
    return this.isFar ? new Promise((resolve) => onNextTurn(() => resolve(answer))) : answer;
  }
}

class MemoryL2 implements L2 {
  readonly layer = 'l2';

  constructor(
    private readonly engine: MemoryEngine,
    private readonly namespace: string,
  ) {}

  readValue(key: string): unknown {
    return this.engine.answer(this.#valueOf(key));
  }

  read(key: string): Awaitable<L2Entry | undefined> {
    const row = this.#live(key);
    return this.engine.answer(row && entryOf(row));
  }

  freshUntil(key: string): Awaitable<number | undefined> {
    return this.engine.answer(this.#fresh(key)?.freshUntil);
  }

  readVersioned(key: string): Awaitable<VersionedEntry> {
    const { revision, freshUntil } = this.#fresh(key) ?? { revision: 0, freshUntil: undefined };
    return this.engine.answer({ value: this.#valueOf(key), revision, expiresAt: freshUntil });
  }

  observe(key: string, tags: readonly string[]): Awaitable<Observation> {
    const row = this.#live(key);
    const { revision } = this.#table;
    const seen: MemorySeen = { key, tags, revision, entryRevision: row?.revision ?? 0 };
    return this.engine.answer({ entry: row && entryOf(row), seen });
  }

  isCurrent(seen: Seen, tags: readonly string[]): Awaitable<boolean> {
    const { key, revision } = seen as MemorySeen;
    const all = seen.tags.concat(tags);
    return this.engine.answer(!this.#table.hasChangedSince(revision, key, all));
  }

  keysPage(prefix: string) {
    const keys = this.#liveKeys().filter((key) => key.startsWith(prefix));
    return this.engine.answer({ items: keys, next: undefined });
  }

  entriesPage() {
    const entries = this.#liveKeys().map((key): [string, unknown] => [key, this.#valueOf(key)]);
    return this.engine.answer({ items: entries, next: undefined });
  }

  #liveKeys(): string[] {
    const live = Array.from(this.#table.rows.keys()).filter((key) => this.#fresh(key));
    return live.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  #valueOf(key: string): unknown {
    const row = this.#fresh(key);
    return row && decodeValue(row.value);
  }

  #fresh(key: string): MemoryRow | undefined {
    return this.#table.fresh(key, this.engine.clock.now());
  }

  #live(key: string): MemoryRow | undefined {
    return this.#table.live(key, this.engine.clock.now());
  }

  get #table(): MemoryTable {
    return this.engine.server.tableOf(this.namespace);
  }
}

class MemoryClaims implements Claims {
  constructor(
    private readonly engine: MemoryEngine,
    private readonly namespace: string,
  ) {}

  async claim({ seen }: Observation, isReplacing: boolean): Promise<OwnClaim | HeldClaim> {
    const { engine, namespace } = this;
    const { clock, claims } = engine.server;
    const { key, entryRevision } = seen as MemorySeen;
    const name = compositeKey(namespace, key, String(isReplacing ? entryRevision : 0));
    const held = claims.get(name);
    if (held !== undefined && held.until > clock.monotonic()) {
      return { isOurs: false, ended: () => held.ended.promise };
    }
    const own = { ended: deferred<void>(), until: Infinity };
    claims.set(name, own);
    const observed = await engine.l2(namespace).observe(key, seen.tags);
    const { revision } = observed.seen as MemorySeen;
    const end = (until: number): void => {
      if (own.until === Infinity) own.until = until;
      own.ended.resolve();
    };
    return {
      isOurs: true,
      observed,
      fillWith: (entry) => ({ kind: 'fill', namespace, key, ...entry, seen: revision }),
      fail: (retryAfterMs) => end(clock.monotonic() + retryAfterMs),
      release: () => end(-Infinity),
    };
  }
}

function entryOf({ value, freshUntil, expiresAt }: MemoryRow): L2Entry {
  return { value: decodeValue(value), freshUntil, expiresAt, bytes: storedBytes(value) };
}

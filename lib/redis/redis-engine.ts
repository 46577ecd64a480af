import { Backoff } from '../common/backoff.js';
import type { RemoteClock } from '../common/remote-clock.js';
import { HyperCacheError, StorageFailedError } from '../common/errors.js';
import { LeaseKind } from '../engine/lease.js';
import type { Command } from '../engine/command.js';
import type { EngineParts, RunningEngine } from '../engine/engine-option.js';
import { Buckets } from './buckets.js';
import { BulkExecutor } from './bulk-executor.js';
import { ClientLink } from './client-link.js';
import { CommandExecutor } from './command-executor.js';
import { EntryExecutor } from './entry-executor.js';
import { Heartbeat } from './heartbeat.js';
import { numberAt, NumberFloor } from './numbers.js';
import { probe, type ServerFacts } from './probe.js';
import { RedisClaims } from './redis-claims.js';
import { RedisCoherence } from './redis-coherence.js';
import { RedisKeys } from './redis-keys.js';
import { RedisLeases } from './redis-leases.js';
import { RedisListing } from './redis-listing.js';
import { RedisL2 } from './redis-l2.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import { RedisQueue } from './redis-queue.js';
import { SCRIPTS } from './scripts.js';
import { ServerPlace } from './server-place.js';
import type { Session } from './session.js';
import { SpaceSweeper } from './space-sweeper.js';
import { Space } from './space.js';

/** Pauses between attempts to connect, in ms. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2000;

/** The largest total size of the writes under way, in bytes. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/**
 * The engine over a Redis or Valkey server. The server holds the entries, locks, throttles and runs of all nodes. Its tracking
 * keeps the memory of each node coherent.
 *
 * @internal
 */
export class RedisEngine implements RunningEngine {
  readonly isRemote = true;
  readonly clock: RemoteClock;
  readonly queue: RedisQueue;
  readonly coherence: RedisCoherence;
  readonly leases: RedisLeases;
  readonly #place: ServerPlace;
  readonly #link: ClientLink;
  readonly #keys: RedisKeys;
  readonly #floor = new NumberFloor();
  readonly #heartbeat: Heartbeat;
  readonly #sweeper: SpaceSweeper;
  readonly #buckets = new Map<string, Buckets>();
  #facts: ServerFacts | undefined;
  /** Of the server process of the last link that was open. */
  #runId: string | undefined;
  #failovers = 0;

  constructor(
    private readonly options: ResolvedRedisOptions,
    private readonly parts: EngineParts,
  ) {
    const { clock, random, memory, report } = parts;
    const { timeout: timeoutMs, maxPending } = options;
    this.clock = clock;
    this.#keys = new RedisKeys(options.prefix);
    this.#place = new ServerPlace(options, random);
    this.#link = new ClientLink({
      timeoutMs,
      backoff: new Backoff(random, FIRST_PAUSE_MS, LAST_PAUSE_MS),
      connect: () => this.#place.connect(),
      prepare: (session) => this.#prepare(session),
      onFailure: (error) => report(error, 'talking to the cache server'),
    });
    const common = { commands: this.#link, clock, floor: this.#floor };
    const servesStale = options.onLost === 'serve-stale';
    this.coherence = new RedisCoherence({
      link: this.#link,
      clock,
      memory,
      servesStale,
      trustedMs: servesStale ? options.staleAfter : options.staleBound,
    });
    this.#link.onState((state) => {
      if (state === 'open') this.#reportFailover();
    });
    this.#heartbeat = new Heartbeat({ link: this.#link, clock, coherence: this.coherence, report });
    const keys = this.#keys;
    this.#sweeper = new SpaceSweeper({
      link: this.#link,
      keys,
      spaces: () => Array.from(this.#buckets.values()).flatMap(({ all }) => all),
      report,
    });
    const executor = new CommandExecutor({
      commands: this.#link,
      keys,
      entries: new EntryExecutor({
        ...common,
        slot: () => this.#facts?.slot ?? 0,
        fenceKeys: (name) => [keys.lease('h', { kind: LeaseKind.Lock, name }), keys.lock('r')],
      }),
      bulk: new BulkExecutor(common),
      buckets: (namespace) => this.#bucketsOf(namespace),
    });
    this.leases = new RedisLeases({
      link: this.#link,
      keys: this.#keys,
      clock,
      random,
      timeoutMs,
      keepMs: parts.maxLockTtl,
      onError: (error) => report(asError(error), 'serving the waiters of locks'),
    });
    this.queue = new RedisQueue({
      execute: (command) => executor.execute(command),
      onCommitted: (command) => this.#dropCommitted(command),
      maxWrites: maxPending,
      maxBytes: MAX_QUEUED_BYTES,
    });
  }

  get isOpen(): boolean {
    return this.#link.state === 'open';
  }

  async start(): Promise<void> {
    try {
      await this.#link.start(this.options.start === 'lazy');
    } catch (error) {
      this.#place.close();
      throw error;
    }
    this.#place.watch(this.#link);
    this.#heartbeat.start();
    this.leases.start();
    this.#sweeper.start();
  }

  async runDue(): Promise<void> {
    await this.queue.drain();
    await this.#sweeper.sweep();
  }

  async close(): Promise<void> {
    this.#sweeper.stop();
    const left = this.leases.close();
    this.queue.close();
    await left;
    await this.queue.drain();
    this.#heartbeat.stop();
    this.#place.close();
    this.#link.close();
  }

  l2(namespace: string): RedisL2 {
    const { clock } = this;
    return new RedisL2(this.#bucketsOf(namespace), {
      commands: this.#link,
      clock,
      onReadError: (error) => this.parts.report(asError(error), 'reading'),
    });
  }

  claims(namespace: string): RedisClaims {
    return new RedisClaims(this.#bucketsOf(namespace), {
      commands: this.#link,
      floor: this.#floor,
      random: this.parts.random,
      changeOf: (key, ms) => this.coherence.changeOf(key, ms),
    });
  }

  /** The listing for an operator. */
  get listing(): RedisListing {
    return new RedisListing({
      commands: this.#link,
      keys: this.#keys,
      clock: this.clock,
      buckets: (namespace) => this.#bucketsOf(namespace),
    });
  }

  stats() {
    return {
      locksHeld: this.leases.held,
      lockWaiters: this.leases.waiting,
      engine: {
        kind: 'redis',
        server: this.#facts?.server,
        address: this.#place.address,
        state: this.#link.state,
        sessions: this.#link.session,
        failovers: this.#failovers,
        roundTrip: this.#heartbeat.roundTripMs,
        invalidations: this.coherence.invalidations,
      },
    };
  }

  async #prepare(session: Session): Promise<void> {
    await this.#place.check(session);
    const facts = await probe(session, this.#keys, {
      scripts: SCRIPTS,
      random: this.parts.random,
      buckets: this.options.buckets,
    });
    this.clock.restart(facts.now);
    this.#floor.see(numberAt(facts.now));
    this.coherence.hear(this.clock.coarseNow());
    this.#facts = facts;
  }

  /** Tells a server process that is another one than before. What it has not learned from the former one is lost. */
  #reportFailover(): void {
    const former = this.#runId;
    const runId = this.#facts?.runId;
    this.#runId = runId;
    if (former === undefined || runId === former) return;
    this.#failovers++;
    const address = this.#place.address ?? '';
    this.parts.events.emit('engine:failover', { address });
  }

  #bucketsOf(namespace: string): Buckets {
    const known = this.#buckets.get(namespace);
    if (known !== undefined) return known;
    const count = this.options.buckets ?? this.#facts?.buckets ?? 1;
    const buckets = new Buckets(namespace, count, this.#keys, (number) => {
      const keys = this.#keys.space(namespace, number);
      const space = new Space(namespace, keys, this.#link, this.#floor, this.parts.memory);
      this.coherence.add(space);
      return space;
    });
    this.#buckets.set(namespace, buckets);
    return buckets;
  }

  #dropCommitted(command: Command): void {
    if ('key' in command && 'namespace' in command) {
      this.parts.memory.changed(command.namespace, command.key);
    }
  }
}

function asError(error: unknown): HyperCacheError {
  return error instanceof HyperCacheError ? error : new StorageFailedError(error);
}

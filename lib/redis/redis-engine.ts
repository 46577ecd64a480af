import type { RemoteClock } from '../common/remote-clock.js';
import { HyperCacheError, StorageFailedError } from '../common/errors.js';
import { LeaseKind } from '../engine/lease.js';
import type { Command } from '../engine/command.js';
import type { EngineParts, RunningEngine } from '../engine/engine-option.js';
import { Buckets } from './buckets.js';
import { BulkExecutor } from './bulk-executor.js';
import { ClusterServers } from './cluster-servers.js';
import { CommandExecutor } from './command-executor.js';
import { EntryExecutor } from './entry-executor.js';
import { Fencing } from './fencing.js';
import { numberAt, NumberFloor } from './numbers.js';
import type { Enrolment } from './probe.js';
import { RedisClaims } from './redis-claims.js';
import { RedisCoherence } from './redis-coherence.js';
import { RedisKeys } from './redis-keys.js';
import { RedisLeases } from './redis-leases.js';
import { RedisListing } from './redis-listing.js';
import { RedisL2 } from './redis-l2.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import { RedisQueue } from './redis-queue.js';
import type { RedisLink } from './redis-link.js';
import type { Servers, ServersParts } from './servers.js';
import { SingleServer } from './single-server.js';
import { SpaceSweeper } from './space-sweeper.js';
import { Space } from './space.js';

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
  readonly #servers: Servers;
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #floor = new NumberFloor();
  readonly #sweeper: SpaceSweeper;
  readonly #buckets = new Map<string, Buckets>();
  #enrolment: Enrolment | undefined;
  /** Such as `'redis 7.0.15'`. */
  #server: string | undefined;
  #failovers = 0;

  constructor(
    private readonly options: ResolvedRedisOptions,
    private readonly parts: EngineParts,
  ) {
    const { clock, random, memory, report } = parts;
    const { timeout: timeoutMs, maxPending, cluster } = options;
    this.clock = clock;
    this.#keys = new RedisKeys(options.prefix);
    const serversParts = this.#serversParts();
    const servers =
      cluster === undefined
        ? new SingleServer(serversParts)
        : new ClusterServers(serversParts, cluster);
    this.#servers = servers;
    this.#link = servers.link;
    const clusterLink = servers instanceof ClusterServers ? servers.link : undefined;
    const common = { commands: this.#link, clock, floor: this.#floor };
    const servesStale = options.onLost === 'serve-stale';
    this.coherence = new RedisCoherence({
      link: this.#link,
      clock,
      memory,
      servesStale,
      trustedMs: servesStale ? options.staleAfter : options.staleBound,
    });
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
        slot: () => this.#enrolment?.slot ?? 0,
        cluster: clusterLink,
        fencing: new Fencing({
          commands: this.#link,
          keysOf: (name) => [keys.lease('h', { kind: LeaseKind.Lock, name }), keys.lock('r')],
          isElsewhere: clusterLink !== undefined,
        }),
      }),
      bulk: new BulkExecutor({ ...common, moves: clusterLink && (() => clusterLink.moves) }),
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
    await this.#servers.start(this.options.start === 'lazy');
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
    this.#servers.close();
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
        server: this.#server,
        address: this.#servers.address,
        state: this.#link.state,
        sessions: this.#link.session,
        failovers: this.#failovers,
        roundTrip: this.#servers.roundTripMs,
        invalidations: this.coherence.invalidations,
      },
    };
  }

  #serversParts(): ServersParts {
    const { random, report, events } = this.parts;
    return {
      options: this.options,
      keys: this.#keys,
      random,
      clock: this.clock,
      report,
      onFacts: ({ server, now }) => {
        this.#server = server;
        this.#floor.see(numberAt(now));
      },
      onEnrolled: (enrolment) => {
        this.#enrolment = enrolment;
      },
      hear: (sentAt) => this.coherence.hear(sentAt),
      onFailover: (address) => {
        this.#failovers++;
        events.emit('engine:failover', { address });
      },
    };
  }

  #bucketsOf(namespace: string): Buckets {
    const known = this.#buckets.get(namespace);
    if (known !== undefined) return known;
    const count = this.options.buckets ?? this.#enrolment?.buckets ?? 1;
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

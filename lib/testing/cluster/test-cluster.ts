import { toMilliseconds, type Duration } from '../../common/duration.js';
import { InvalidArgumentError, ReplicaBehindError } from '../../common/errors.js';
import { systemClock } from '../../common/clock.js';
import { HttpPrimaryClient } from '../../nest/http-primary-client.js';
import type { HyperCacheStats } from '../../node/hyper-cache-node.js';
import type { HyperCacheOptions, HyperCacheRole, ResolvedOptions } from '../../node/options.js';
import { nodeEnvironment } from '../test-environment.js';
import { TestClock } from '../test-clock.js';
import { ClusterMember, type TestClusterNode } from './cluster-member.js';
import type { FaultyClient } from './faulty-client.js';
import { RemotePeer, type Peer } from './peer.js';
import { TestNetwork } from './test-network.js';

const API_TOKEN = 'what the nodes of one test show each other';
const ADMIN_TOKEN = 'what the operators of one test show to its nodes';

const SETTLE_TIMEOUT_MS = 10_000;
const SETTLE_POLL_MS = 2;
const MOST_NODES = 20;

/** The options of `createTestCluster()`: its own, and those that all its nodes share. @publicApi */
export interface TestClusterOptions extends Omit<
  HyperCacheOptions,
  'role' | 'primaryUrl' | 'sqlitePath' | 'apiToken' | 'adminToken' | 'listen' | 'path'
> {
  /** How many nodes there are, 1 to 20. The first one begins as the primary. @default 3 */
  nodes?: number | undefined;
  /** Whether they use HTTP, each on a port of 127.0.0.1, instead of memory. @default false */
  network?: boolean | undefined;
  /** The clock of all nodes. @default a new one */
  clock?: TestClock | undefined;
}

/**
 * A cluster whose nodes are Nest applications in this process, each with its own directory.
 *
 * @publicApi
 */
export class TestCluster implements AsyncDisposable {
  readonly clock: TestClock;
  readonly #members: readonly ClusterMember[];
  readonly #network: TestNetwork;
  readonly #peers = new Map<string, RemotePeer>();
  #primary = 0;
  /** The timeout of requests, the same for all nodes. */
  #timeoutMs = SETTLE_TIMEOUT_MS;
  #closing: Promise<void> | undefined;

  /** @internal {@link createTestCluster} creates it. */
  constructor({
    nodes = 3,
    network = false,
    clock = new TestClock(),
    ...given
  }: TestClusterOptions) {
    this.clock = clock;
    this.#network = new TestNetwork((index) => this.#peerOf(index, network));
    const listen = { host: '127.0.0.1', port: 0 };
    const optionsFor = (role: HyperCacheRole): HyperCacheOptions => ({
      checkpoints: 'inline',
      logger: false,
      ...given,
      apiToken: API_TOKEN,
      adminToken: ADMIN_TOKEN,
      ...(role === 'secondary' ? { primaryUrl: nameOf(this.#primary) } : {}),
      ...(network ? { listen } : {}),
    });
    this.#members = Array.from({ length: nodes }, (_, index) => {
      const environment = {
        ...nodeEnvironment(clock, () => this.#network.forget(index)),
        primaryClient: (options: ResolvedOptions) => this.#clientOf(index, options),
      };
      return new ClusterMember({ clock, optionsFor, environment });
    });
  }

  /** @internal */
  async start(): Promise<this> {
    try {
      for (const [index, member] of this.#members.entries()) {
        await member.start(index === this.#primary ? 'primary' : 'secondary');
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    return this;
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#members.length;
  }

  /** The node that is the primary now, or was the last one. */
  get primary(): TestClusterNode {
    return this.#member(this.#primary);
  }

  /** @param index from 0 @throws {HC_ARGUMENT_INVALID} there is no such node */
  node(index: number): TestClusterNode {
    return this.#member(index);
  }

  /**
   * Resolves when all writes are everywhere: the outboxes are empty, and each secondary that can reach the primary has all of
   * its data. Nodes that are cut off or stopped are left out.
   *
   * @param timeout milliseconds, or a duration, of real time. @default '10s'
   * @throws {HC_REPLICA_BEHIND} it did not happen within that time
   */
  async settle(timeout: Duration = SETTLE_TIMEOUT_MS): Promise<void> {
    const ms = toMilliseconds(timeout, 'timeout');
    const deadline = systemClock.monotonic() + ms;
    while (!(await this.#isSettled())) {
      if (systemClock.monotonic() >= deadline) throw new ReplicaBehindError(ms);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
    }
  }

  /** Cuts a node off from all others until {@link heal}. @throws {HC_ARGUMENT_INVALID} */
  partition(index: number): void {
    this.#member(index);
    this.#network.cutOff(index);
  }

  /**
   * Delays everything that arrives at a node or leaves it, until {@link heal}: each request and each answer, in real time.
   *
   * @param time milliseconds or a duration
   * @throws {HC_ARGUMENT_INVALID}
   */
  delay(index: number, time: Duration): void {
    this.#member(index);
    this.#network.delay(index, toMilliseconds(time, 'delay'));
  }

  /** Ends every partition and delay. The nodes connect again by themselves. */
  heal(): void {
    this.#network.heal();
  }

  /**
   * Ends a node as `kill -9` would: nothing is flushed, and no other node is notified. Uncommitted writes are lost, even if
   * promises of calls still under way resolve later.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  async kill(index: number): Promise<void> {
    const member = this.#member(index);
    if (!member.isRunning) return;
    // The rest of its work in this process reaches no other node.
    this.#network.kill(index);
    await member.kill();
  }

  /**
   * Starts a node with what is on its disk. A running node is stopped first, as by `app.close()`. A former primary comes back
   * as a secondary of the promoted one.
   *
   * @throws {HC_ARGUMENT_INVALID} and what its start throws
   */
  async restart(index: number): Promise<void> {
    const member = this.#member(index);
    await member.stop();
    this.#network.revive(index);
    await member.start(index === this.#primary ? 'primary' : 'secondary');
  }

  /**
   * Makes a secondary the primary, as an operator would: it is stopped, promoted and started, and the others follow it. The
   * former primary refuses writes (`HC_SUPERSEDED`) as soon as the notification reaches it.
   *
   * @throws {HC_ARGUMENT_INVALID | HC_ROLE_MISMATCH} the node is not a replica
   */
  async promote(index: number): Promise<void> {
    const member = this.#member(index);
    if (index === this.#primary) return;
    await member.stop();
    this.#network.revive(index);
    await member.start('primary');
    this.#primary = index;
    this.#network.reset((from) => from !== index);
  }

  /** Closes all nodes and removes their directories. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.heal();
    // Secondaries first: they send their writes to the primary.
    const last = this.#members[this.#primary];
    for (const member of this.#members) if (member !== last) await member.stop();
    await last?.stop();
    for (const peer of this.#peers.values()) peer.close();
    for (const member of this.#members) member.removeFiles();
  }

  async #isSettled(): Promise<boolean> {
    const primary = this.#member(this.#primary);
    if (!primary.isRunning) return true;
    const { node } = primary;
    await node.flush();
    const others = this.#members.filter(
      (member, index) =>
        member !== primary && member.isRunning && this.#network.isOpen(index, this.#primary),
    );
    const followers = others.filter(({ role }) => role === 'secondary');
    const stats = await Promise.all(followers.map((member) => member.node.stats()));
    const head = await node.stats();
    return stats.every((secondary) => hasArrived(secondary, head));
  }

  #member(index: number): ClusterMember {
    const member = this.#members[index];
    if (member !== undefined) return member;
    throw new InvalidArgumentError(
      `There is no node ${String(index)}.`,
      `Give a whole number from 0 to ${this.#members.length - 1}.`,
    );
  }

  /** Secondaries follow the current primary. A primary reaches the former one by the name in `primaryUrl`. */
  #clientOf(from: number, { role, primaryUrl: url = '', timeout }: ResolvedOptions): FaultyClient {
    const to =
      role === 'secondary'
        ? () => this.#primary
        : () => this.#members.findIndex((_, index) => nameOf(index) === url);
    this.#timeoutMs = timeout;
    return this.#network.connect({ from, to, url, timeoutMs: timeout });
  }

  #peerOf(index: number, isRemote: boolean): Peer | undefined {
    const member = this.#members[index];
    if (member?.isRunning !== true) return undefined;
    return isRemote ? this.#remote(member.url ?? '') : member.node.sync;
  }

  #remote(address: string): RemotePeer {
    const { origin: url, pathname: path } = new URL(address);
    const known = this.#peers.get(url);
    if (known !== undefined) return known;
    const peer = new RemotePeer(
      new HttpPrimaryClient({
        url,
        path,
        token: API_TOKEN,
        adminToken: ADMIN_TOKEN,
        signRequests: false,
        timeoutMs: this.#timeoutMs,
      }),
    );
    this.#peers.set(url, peer);
    return peer;
  }
}

function hasArrived(
  { replica, outbox, queued, historyId, revision }: HyperCacheStats,
  head: HyperCacheStats,
): boolean {
  if (queued > 0 || outbox?.entries !== 0) return false;
  // Without a replica, nothing can be behind.
  if (historyId === '') return true;
  if (replica?.isReady !== true || !replica.isConnected) return false;
  return historyId === head.historyId && revision >= head.revision;
}

function nameOf(index: number): string {
  return `http://node-${index}.test`;
}

/**
 * Starts a cluster of one primary and some secondaries, in this process.
 *
 * @example
 * ```ts
 * await using cluster = await createTestCluster({ nodes: 3 });
 * await cluster.node(1).cache.set('key', 'value', '5m');
 * ```
 * @param options those of {@link TestClusterOptions}, and options of `HyperCacheModule.forRoot` for all nodes
 * @throws {HC_ARGUMENT_INVALID | HC_OPTIONS_INVALID}
 * @publicApi
 */
export async function createTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { nodes = 3 } = options;
  if (Number.isInteger(nodes) && nodes >= 1 && nodes <= MOST_NODES) {
    return new TestCluster(options).start();
  }
  throw new InvalidArgumentError(
    'The number of nodes is not acceptable.',
    `Give createTestCluster() a whole number from 1 to ${MOST_NODES} as nodes.`,
  );
}

import { expect } from '@jest/globals';
import { eventually } from './eventually.js';
import { freePort, RedisServer } from './redis-servers.js';

const SLOTS = 16_384;
const START_MS = 15_000;

/** Masters that divide the slots among themselves, and their replicas. */
export class RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly replicas: RedisServer[] = [];

  constructor(
    private readonly program: string,
    count = 3,
  ) {
    this.masters = Array.from({ length: count }, () => new RedisServer(program));
  }

  get servers(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas];
  }

  /** What the option `cluster` of `redis()` takes. */
  get nodes(): { host: string; port: number }[] {
    return this.masters.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /**
   * Resolves when all slots are served.
   *
   * @param nodeTimeoutMs after which the others consider a server dead
   */
  async start(nodeTimeoutMs = 1000, ...options: string[]): Promise<this> {
    const share = Math.ceil(SLOTS / this.masters.length);
    for (const [i, master] of this.masters.entries()) {
      startIn(master, nodeTimeoutMs, options);
      const last = Math.min(SLOTS, (i + 1) * share) - 1;
      master.cli('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      master.cli('CLUSTER', 'ADDSLOTSRANGE', String(i * share), String(last));
    }
    await this.#meet(this.masters.slice(1));
    return this;
  }

  /** Adds a replica of a master. Resolves when it has the data. */
  async addReplica(master: RedisServer, nodeTimeoutMs = 1000): Promise<RedisServer> {
    const replica = new RedisServer(this.program);
    this.replicas.push(replica);
    startIn(replica, nodeTimeoutMs, []);
    await this.#meet([replica]);
    expect(replica.cli('CLUSTER', 'REPLICATE', idOf(master))).toBe('OK');
    await eventually(
      () => expect(replica.cli('INFO', 'replication')).toContain('master_link_status:up'),
      { timeoutMs: START_MS },
    );
    return replica;
  }

  /** The master that serves a key. */
  masterOf(key: string): RedisServer {
    return this.#ownerOf(this.slotOf(key));
  }

  slotOf(key: string): number {
    return Number(this.masters[0]?.cli('CLUSTER', 'KEYSLOT', key));
  }

  /** Moves a slot with its keys, as `redis-cli --cluster reshard` does. */
  moveSlot(slot: number, target: RedisServer): void {
    this.beginMove(slot, target);
    this.moveKeys(slot, target);
    this.endMove(slot, target);
  }

  /** From now on, the target takes the keys of the slot. */
  beginMove(slot: number, target: RedisServer): void {
    const source = this.#ownerOf(slot);
    expect(target.cli('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', idOf(source))).toBe('OK');
    expect(source.cli('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', idOf(target))).toBe('OK');
  }

  moveKeys(slot: number, target: RedisServer): void {
    const source = this.#ownerOf(slot);
    for (;;) {
      const keys = source.cli('CLUSTER', 'GETKEYSINSLOT', String(slot), '20');
      if (keys === '') return;
      const args = ['127.0.0.1', String(target.port), '', '0', '5000', 'KEYS'];
      expect(source.cli('MIGRATE', ...args, ...keys.split('\n'))).toMatch(/OK|NOKEY/);
    }
  }

  endMove(slot: number, target: RedisServer): void {
    const source = this.#ownerOf(slot);
    for (const each of [target, source, ...this.masters]) {
      each.cli('CLUSTER', 'SETSLOT', String(slot), 'NODE', idOf(target));
    }
  }

  cliAll(...args: string[]): void {
    for (const master of this.masters) master.cli(...args);
  }

  /** @see RedisServer.setClock */
  setClock(unixMs: number): void {
    for (const server of this.servers) server.setClock(unixMs);
  }

  stop(): void {
    for (const server of this.servers) server.stop();
  }

  /** Resolves when all living servers say that the cluster serves. */
  async untilServing(): Promise<void> {
    await eventually(
      () => {
        const living = this.servers.filter(({ pid }) => pid !== 0);
        for (const server of living) {
          const answer = server.cli('CLUSTER', 'INFO');
          expect(answer).toContain('cluster_state:ok');
          expect(answer).toContain(`cluster_known_nodes:${this.servers.length}`);
        }
      },
      { timeoutMs: START_MS },
    );
  }

  async #meet(servers: readonly RedisServer[]): Promise<void> {
    for (const server of servers) {
      const [first] = this.masters;
      const [, bus = ''] =
        /@(\d+).* myself/.exec(server.cli('CLUSTER', 'NODES').replace(/,/g, ' ')) ?? [];
      first?.cli('CLUSTER', 'MEET', '127.0.0.1', String(server.port), bus);
    }
    await this.untilServing();
  }

  #ownerOf(slot: number): RedisServer {
    const living = this.servers.filter(({ pid }) => pid !== 0);
    const owner = living.find((server) =>
      rangesOf(server).some(([from, to]) => from <= slot && slot <= to),
    );
    if (owner === undefined) throw new Error(`No server has slot ${slot}.`);
    return owner;
  }
}

function startIn(server: RedisServer, nodeTimeoutMs: number, options: readonly string[]): void {
  server.start(
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    String(freePort()),
    '--cluster-node-timeout',
    String(nodeTimeoutMs),
    '--repl-diskless-sync-delay',
    '0',
    ...options,
  );
}

function idOf(server: RedisServer): string {
  return server.cli('CLUSTER', 'MYID');
}

/** The slots that a server says are its own. */
function rangesOf(server: RedisServer): [from: number, to: number][] {
  const own =
    server
      .cli('CLUSTER', 'NODES')
      .split('\n')
      .find((line) => line.includes('myself')) ?? '';
  return own
    .split(' ')
    .slice(8)
    .filter((range) => !range.startsWith('['))
    .map((range) => range.split('-').map(Number))
    .map(([from = -1, to = from]) => [from, to]);
}

import { Backoff } from '../common/backoff.js';
import { ClosedError, HyperCacheError } from '../common/errors.js';
import { ServerUnreachableError } from '../common/server-errors.js';
import { ClientLink } from './client-link.js';
import { ClusterLink } from './cluster-link.js';
import { ClusterMasters, type Master } from './cluster-masters.js';
import { Heartbeat } from './heartbeat.js';
import { keySlot } from './key-slot.js';
import { openClient } from './open-client.js';
import { enrol, probe } from './probe.js';
import { CLUSTER_BUCKETS } from './redis-options.js';
import type { Commands, LinkState } from './redis-link.js';
import { SCRIPTS } from './scripts.js';
import { nameOf, type Address } from './sentinel-options.js';
import { FIRST_PAUSE_MS, LAST_PAUSE_MS, type Servers, type ServersParts } from './servers.js';
import { SlotRouter } from './slot-router.js';
import type { Session } from './session.js';

/** The pause between two readings of the map without a reason, in ms. */
const REREAD_MS = 5000;

/** What a node knows of one master. */
interface Watched {
  readonly heartbeat: Heartbeat;
  /** When the last answered request was sent; undefined before the first one. */
  heardAt: number | undefined;
  runId: string | undefined;
}

/**
 * The masters of a cluster, each with a connection and a heartbeat of its own. Memory is trusted as long as each master that has
 * filled it shows signs of life.
 *
 * @internal
 */
export class ClusterServers implements Servers {
  readonly link: ClusterLink;
  readonly #masters: ClusterMasters;
  readonly #router: SlotRouter;
  readonly #watched = new Map<string, Watched>();
  readonly #backoff: Backoff;
  readonly #clockSlot: number;
  #timer: NodeJS.Timeout | undefined;
  #rereading: NodeJS.Timeout | undefined;

  /** @param seeds some servers of the cluster */
  constructor(
    private readonly parts: ServersParts,
    seeds: readonly Address[],
  ) {
    const { options, random, clock, keys } = parts;
    const { timeout: timeoutMs } = options;
    this.#backoff = new Backoff(random, FIRST_PAUSE_MS, LAST_PAUSE_MS);
    // The clock of locks is that of the server that keeps them.
    this.#clockSlot = keySlot(keys.lock('i'));
    this.#masters = new ClusterMasters({
      seeds,
      timeoutMs,
      open: (address, onFailure) => this.#linkTo(address, onFailure),
      onRetired: ({ name }) => this.#forget(name),
      ask: (address, questions) => this.#ask(address, questions),
      onFailure: (error) => parts.report(error, 'talking to a master of the cluster'),
      onFailover: parts.onFailover,
      onInvalidate: (key) => this.link.invalidate(key),
      onState: (master, state) => this.#onState(master, state),
    });
    this.#router = new SlotRouter({ masters: this.#masters, clock, random, timeoutMs });
    this.link = new ClusterLink(this.#masters, this.#router);
  }

  get address(): string | undefined {
    const names = this.#masters.all.map(({ name }) => name);
    return names.length === 0 ? undefined : names.join(', ');
  }

  get roundTripMs(): number | undefined {
    const each = Array.from(this.#watched.values(), ({ heartbeat }) => heartbeat.roundTripMs ?? 0);
    return each.length === 0 ? undefined : Math.max(...each);
  }

  async start(isLazy: boolean): Promise<void> {
    this.#rereading = setInterval(() => this.#masters.refresh(), REREAD_MS).unref();
    try {
      await this.#begin();
    } catch (error) {
      if (!isLazy || !(error instanceof ServerUnreachableError)) {
        this.close();
        throw error;
      }
      this.parts.report(error, 'talking to the cluster');
      this.#beginLater();
    }
  }

  close(): void {
    clearInterval(this.#rereading);
    clearTimeout(this.#timer);
    this.link.close();
    this.#masters.close();
    for (const name of Array.from(this.#watched.keys())) this.#forget(name);
  }

  async #begin(): Promise<void> {
    await this.#masters.begin();
    const { keys, random, options } = this.parts;
    const { buckets } = options;
    const byDefault = CLUSTER_BUCKETS;
    this.parts.onEnrolled(await enrol(this.#router, keys, { random, buckets, byDefault }));
    this.link.open();
  }

  #beginLater(): void {
    this.#timer = setTimeout(() => {
      this.#begin().catch((error: unknown) => {
        if (this.link.isClosed) return;
        if (error instanceof HyperCacheError) this.parts.report(error, 'talking to the cluster');
        this.#beginLater();
      });
    }, this.#backoff.next()).unref();
  }

  #linkTo(address: Address, onFailure: (error: HyperCacheError) => void): ClientLink {
    const { options, random, clock, report } = this.parts;
    const name = nameOf(address);
    const link = new ClientLink({
      timeoutMs: options.timeout,
      backoff: new Backoff(random, FIRST_PAUSE_MS, LAST_PAUSE_MS),
      connect: () => openClient(options, address),
      prepare: (session) => this.#prepare(session, name),
      onFailure,
    });
    const heartbeat = new Heartbeat({
      link,
      clock,
      hear: (sentAt) => this.#hear(name, sentAt),
      report,
      cluster: {
        givesTime: () => this.#givesTime(name),
        onEpoch: (epoch) => this.#masters.seeEpoch(epoch, name),
      },
    });
    heartbeat.start();
    this.#watched.set(name, { heartbeat, heardAt: undefined, runId: undefined });
    return link;
  }

  async #prepare(session: Session, name: string): Promise<void> {
    const { keys, clock, onFacts, onFailover } = this.parts;
    const facts = await probe(session, keys, { scripts: SCRIPTS, isInCluster: true });
    if (clock.offset === undefined || this.#givesTime(name)) clock.restart(facts.now);
    onFacts(facts);
    const watched = this.#watched.get(name);
    if (watched === undefined) return;
    if (watched.runId !== undefined && watched.runId !== facts.runId) onFailover(name);
    watched.runId = facts.runId;
    watched.heardAt = clock.coarseNow();
  }

  #givesTime(name: string): boolean {
    return this.#masters.ownerOf(this.#clockSlot)?.name === name;
  }

  #hear(name: string, sentAt: number): void {
    const watched = this.#watched.get(name);
    if (watched === undefined) return;
    watched.heardAt = sentAt;
    const each = Array.from(this.#watched.values(), ({ heardAt }) => heardAt ?? Infinity);
    this.parts.hear(Math.min(...each));
  }

  #onState({ name }: Master, state: LinkState): void {
    const watched = this.#watched.get(name);
    // What a lost master has filled is dropped, unless it may be served without signs of life.
    if (state !== 'open' && watched && this.parts.options.onLost === 'miss') {
      watched.heardAt = undefined;
    }
    this.link.note(state);
    if (state !== 'open') this.#masters.refresh();
  }

  #forget(name: string): void {
    this.#watched.get(name)?.heartbeat.stop();
    this.#watched.delete(name);
  }

  async #ask<T>(address: Address, questions: (server: Commands) => Promise<T>): Promise<T> {
    const { options, random } = this.parts;
    const link = new ClientLink({
      timeoutMs: options.timeout,
      backoff: new Backoff(random, FIRST_PAUSE_MS, LAST_PAUSE_MS),
      connect: () => openClient(options, address),
      prepare: async () => undefined,
      onFailure: () => undefined,
    });
    try {
      await link.start();
      if (this.link.isClosed) throw new ClosedError();
      return await questions(link);
    } finally {
      link.close();
    }
  }
}

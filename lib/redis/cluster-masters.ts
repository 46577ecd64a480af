import { StorageFailedError, type HyperCacheError } from '../common/errors.js';
import { ServerUnfitError, ServerUnreachableError } from '../common/server-errors.js';
import type { ClientLink } from './client-link.js';
import { SLOTS } from './key-slot.js';
import { factsOf } from './probe.js';
import { addressNamed } from './redirect.js';
import type { Commands, LinkState } from './redis-link.js';
import { nameOf, type Address } from './sentinel-options.js';
import { SlotMap, slotMapOf } from './slot-map.js';

/** A master of a cluster, and the connection to it. @internal */
export interface Master {
  readonly name: string;
  readonly address: Address;
  readonly link: ClientLink;
}

/** @internal */
export interface ClusterMastersParts {
  /** Servers of the cluster that are asked for its masters when no master answers. */
  readonly seeds: readonly Address[];
  /** How long a connection waits for its last replies when its master is no longer needed, in ms. */
  readonly timeoutMs: number;
  /** Makes a link that is not yet started, and what belongs to it. */
  readonly open: (address: Address, onFailure: (error: HyperCacheError) => void) => ClientLink;
  /** Called when a link is no longer used. */
  readonly onRetired: (master: Master) => void;
  /** Connects to a server for some questions. */
  readonly ask: <T>(address: Address, questions: (server: Commands) => Promise<T>) => Promise<T>;
  readonly onFailure: (error: HyperCacheError) => void;
  /** Called when a master takes the place of one that is gone. */
  readonly onFailover: (address: string) => void;
  readonly onInvalidate: (key: string | null) => void;
  /** Called when the link to a master is lost, or open. */
  readonly onState: (master: Master, state: LinkState) => void;
}

interface Known extends Master {
  /** Settles with the first attempt to connect. */
  readonly started: Promise<void>;
  failure: HyperCacheError | undefined;
  hasOpened: boolean;
  stop(): void;
}

/**
 * The masters of a cluster: which one serves which slot, and a connection to each. What a node remembers is dropped when a slot
 * that it has used gets another master.
 *
 * @internal
 */
export class ClusterMasters {
  readonly #map = new SlotMap();
  readonly #known = new Map<string, Known>();
  /** Links that still wait for replies. */
  readonly #retired = new Set<ClientLink>();
  /** Slots that this node has used. */
  readonly #used = new Uint8Array(SLOTS);
  /** Of the newest map. A map of an earlier epoch is out of date. */
  #epoch = 0;
  #changes = 0;
  #isReading = false;
  #isDue = false;
  /** The master to ask before the others. */
  #first: string | undefined;
  #isClosed = false;

  constructor(private readonly parts: ClusterMastersParts) {}

  /** In the order of their names. */
  get all(): readonly Master[] {
    return this.#map.masters.flatMap((name) => this.#known.get(name) ?? []);
  }

  /** How often a slot that was used has got another master. */
  get changes(): number {
    return this.#changes;
  }

  get isComplete(): boolean {
    const { masters } = this.#map;
    return (
      masters.length > 0 && masters.every((name) => this.#known.get(name)?.link.state === 'open')
    );
  }

  nameOf(slot: number): string | undefined {
    this.#used[slot] = 1;
    return this.#map.ownerOf(slot);
  }

  ownerOf(slot: number): Master | undefined {
    return this.#known.get(this.nameOf(slot) ?? '');
  }

  /**
   * The master of a name, as soon as it is connected for the first time.
   *
   * @throws {HC_SERVER_UNREACHABLE} when that takes too long
   */
  async opened(name: string, withinMs: number): Promise<Master> {
    const known = this.#ensure(name);
    if (known.hasOpened) return known;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([known.started.catch(() => undefined), limit]);
    clearTimeout(timer);
    return known;
  }

  /**
   * Finds the masters and connects to all of them.
   *
   * @throws {HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING}
   */
  async begin(): Promise<void> {
    await this.#read();
    await Promise.all(Array.from(this.#known.values(), ({ started }) => started));
    for (const { link, name, failure } of this.#known.values()) {
      if (link.state !== 'open') {
        throw failure ?? new ServerUnreachableError(`the master ${name} cannot be reached`);
      }
    }
  }

  /** A master has said that another one serves the slot. */
  move(slot: number, name: string): void {
    const { started } = this.#ensure(name);
    if (!this.#map.move(slot, name)) return;
    this.#forget([slot]);
    // The new master knows best which other slots it serves.
    started.then(() => this.refresh(name)).catch(() => undefined);
  }

  /** Reads the map of the cluster again, in the background. @param first the master to ask before the others */
  refresh(first = this.#first): void {
    this.#isDue = true;
    this.#first = first;
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    const read = async (): Promise<void> => {
      while (this.#isDue && !this.#isClosed) {
        this.#isDue = false;
        await this.#read();
      }
    };
    read()
      // The links report what is wrong. Each of their attempts reads the map again.
      .catch(() => undefined)
      .finally(() => {
        this.#isReading = false;
      });
  }

  /** A master has said in which epoch the cluster is. */
  seeEpoch(epoch: number, name: string): void {
    if (epoch > this.#epoch) this.refresh(name);
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const known of this.#known.values()) {
      known.stop();
      known.link.close();
    }
    this.#known.clear();
    for (const link of this.#retired) link.close();
  }

  async #read(): Promise<void> {
    const first = this.#first;
    this.#first = undefined;
    const open = this.all.filter(({ link }) => link.state === 'open');
    const masters = [
      ...open.filter(({ name }) => name === first),
      ...open.filter(({ name }) => name !== first),
    ];
    for (const { address, link } of masters) {
      try {
        if (await this.#take(link, address)) return;
      } catch {
        // The next one may answer.
      }
    }
    const { seeds, ask } = this.parts;
    const answers = seeds.map((seed) => ask(seed, (server) => this.#take(server, seed)));
    try {
      await Promise.any(answers);
    } catch (error) {
      const failures: unknown[] = error instanceof AggregateError ? error.errors : [error];
      throw failures.find((each) => !(each instanceof ServerUnreachableError)) ?? failures[0];
    }
  }

  /** Takes the map of one server, unless a newer one is known. */
  async #take(server: Commands, from: Address): Promise<boolean> {
    const [state, slots] = await Promise.all([
      server.call(['CLUSTER', 'INFO']),
      server.call(['CLUSTER', 'SLOTS']),
    ]).catch((error: unknown) => {
      throw error instanceof StorageFailedError ? notInCluster(from, error) : error;
    });
    const epoch = Number(factsOf(state).get('cluster_current_epoch') ?? 0);
    const map = slotMapOf(slots, from);
    if (map.masters.length === 0) {
      throw new ServerUnreachableError(`${nameOf(from)} knows no master of the cluster`);
    }
    if (epoch < this.#epoch || this.#isClosed) return false;
    this.#epoch = epoch;
    const before = this.#map.masters;
    const moved = this.#map.replace(map);
    for (const name of map.masters) this.#ensure(name);
    const names = map.masters;
    const gone = before.filter((name) => !names.includes(name));
    const follows = (name: string): boolean =>
      Array.from(moved).some(
        ([slot, former = '']) => map.ownerOf(slot) === name && gone.includes(former),
      );
    for (const name of names) {
      if (!before.includes(name) && follows(name)) this.parts.onFailover(name);
    }
    for (const name of gone) this.#retire(name);
    this.#forget(Array.from(moved.keys()));
    return true;
  }

  #forget(slots: readonly number[]): void {
    if (!slots.some((slot) => this.#used[slot] === 1)) return;
    this.#changes++;
    this.parts.onInvalidate(null);
  }

  #ensure(name: string): Known {
    const there = this.#known.get(name);
    if (there !== undefined) return there;
    const address = addressNamed(name);
    const link = this.parts.open(address, (error) => {
      known.failure = error;
      this.parts.onFailure(error);
      // Another server may have taken its place.
      this.refresh();
    });
    const stops = [
      link.onInvalidate((key) => this.parts.onInvalidate(key)),
      link.onState((state) => {
        if (state === 'open') known.hasOpened = true;
        if (state !== 'opening') this.parts.onState(known, state);
      }),
    ];
    const started = link.start(true);
    const known: Known = {
      name,
      address,
      link,
      started,
      failure: undefined,
      hasOpened: false,
      stop: () => stops.forEach((stop) => stop()),
    };
    this.#known.set(name, known);
    started.catch((error: HyperCacheError) => {
      if (this.#known.get(name) !== known) return;
      // The next map or redirect that names it tries again.
      this.#known.delete(name);
      known.stop();
      this.parts.onRetired(known);
      this.parts.onFailure(error);
    });
    return known;
  }

  #retire(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#known.delete(name);
    known.stop();
    this.parts.onRetired(known);
    const { link } = known;
    if (link.pending === 0) {
      link.close();
      return;
    }
    this.#retired.add(link);
    const close = (): void => {
      this.#retired.delete(link);
      link.close();
    };
    setTimeout(close, this.parts.timeoutMs).unref();
  }
}

function notInCluster(address: Address, cause: StorageFailedError): HyperCacheError {
  const sentence = `${nameOf(address)} is not part of a cluster: write url in place of cluster.`;
  return new ServerUnfitError([sentence], { cause });
}

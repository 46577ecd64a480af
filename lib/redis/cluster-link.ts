import { ClosedError } from '../common/errors.js';
import { ServerUnreachableError } from '../common/server-errors.js';
import type { ClusterMasters } from './cluster-masters.js';
import type { Argument, LinkState, RedisLink, Reply } from './redis-link.js';
import type { Script } from './script.js';
import type { SlotRouter } from './slot-router.js';

/** The beginning of a walk through all keys, and its end. */
const NO_CURSOR = '0';

/**
 * The connections to all masters of a cluster, as one link. It is open while each master is connected; what concerns the
 * others goes on while one is lost.
 *
 * @internal
 */
export class ClusterLink implements RedisLink {
  #isReady = false;
  #isClosed = false;
  #sessions = 0;
  readonly #onInvalidate = new Set<(key: string | null) => void>();
  readonly #onState = new Set<(state: LinkState) => void>();

  constructor(
    private readonly masters: ClusterMasters,
    private readonly router: SlotRouter,
  ) {}

  get state(): LinkState {
    return this.#isReady && !this.#isClosed && this.masters.isComplete ? 'open' : 'closed';
  }

  get session(): number {
    return this.#sessions;
  }

  /**
   * How often keys may have moved between masters. A walk through all masters that saw another number before may have missed
   * some keys.
   */
  get moves(): number {
    return this.masters.changes + this.router.redirects;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A `SCAN` walks through one master after the other. */
  call(args: readonly Argument[]): Promise<Reply> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return args[0] === 'SCAN' ? this.#scan(args) : this.router.call(args);
  }

  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    return this.runAfter(undefined, script, keys, args);
  }

  /** As {@link run}, but nothing is sent before a promise is fulfilled. Later commands of the slot wait as well. */
  runAfter(
    after: Promise<unknown> | undefined,
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<Reply> {
    const refusal = this.#refusal();
    if (refusal === undefined) return this.router.runAfter(after, script, keys, args);
    after?.catch(() => undefined);
    return Promise.reject(refusal);
  }

  onInvalidate(listener: (key: string | null) => void): () => void {
    this.#onInvalidate.add(listener);
    return () => this.#onInvalidate.delete(listener);
  }

  onState(listener: (state: LinkState) => void): () => void {
    this.#onState.add(listener);
    return () => this.#onState.delete(listener);
  }

  /** From now on, commands are sent. */
  open(): void {
    this.#isReady = true;
    this.note('open');
  }

  /** Notes that the link to one master is lost, or open. */
  note(state: LinkState): void {
    if (state === 'open') this.#sessions++;
    if (!this.#isReady || this.#isClosed) return;
    for (const listener of this.#onState) listener(state);
  }

  invalidate(key: string | null): void {
    for (const listener of this.#onInvalidate) listener(key);
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.note('closed');
    this.#isClosed = true;
  }

  #refusal(): ClosedError | ServerUnreachableError | undefined {
    if (this.#isClosed) return new ClosedError();
    return this.#isReady
      ? undefined
      : new ServerUnreachableError('there is no connection to the cluster just now');
  }

  /** The cursor says which master it belongs to. */
  async #scan([, cursor, ...rest]: readonly Argument[]): Promise<Reply> {
    const { all } = this.masters;
    const text = String(cursor);
    const name = text === NO_CURSOR ? all[0]?.name : text.slice(0, text.lastIndexOf('/'));
    const at = all.findIndex((master) => master.name === name);
    const master = all[at];
    if (master === undefined) throw new ServerUnreachableError(`${name} has left the cluster`);
    const from = text.slice(text.lastIndexOf('/') + 1);
    const reply = await master.link.call(['SCAN', from, ...rest]);
    const [next, found = []] = Array.isArray(reply) ? reply : [];
    if (String(next) !== NO_CURSOR) return [`${name}/${String(next)}`, found];
    const following = all[at + 1];
    return [following === undefined ? NO_CURSOR : `${following.name}/0`, found];
  }
}

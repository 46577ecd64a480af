import type { Clock } from '../../../lib/common/clock.js';
import { compositeKey } from '../../../lib/common/composite-key.js';
import { InvalidArgumentError } from '../../../lib/common/errors.js';
import {
  LeaseKind,
  type Grant,
  type HeldLease,
  type LeaseName,
} from '../../../lib/engine/lease.js';
import type { AcquireRequest, LeaseService } from '../../../lib/engine/lease-service.js';

interface Waiter extends AcquireRequest {
  settle(grant: Grant | undefined): void;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

/** One lock or semaphore: who holds it, and who waits, first come, first served. */
interface Lease {
  readonly name: LeaseName;
  held: HeldLease[];
  readonly queue: Waiter[];
  lastToken: number;
}

/** Leases of one process. */
export class MemoryLeases implements LeaseService {
  readonly #leases = new Map<string, Lease>();
  #tokens = 0;

  constructor(private readonly clock: Clock) {}

  get waiting(): number {
    return Array.from(this.#leases.values()).reduce((sum, { queue }) => sum + queue.length, 0);
  }

  lastToken(name: string): number {
    return this.#live({ kind: LeaseKind.Lock, name }).lastToken;
  }

  async acquire(request: AcquireRequest): Promise<Grant | undefined> {
    const { lease: name, owner, waitMs, signal } = request;
    signal?.throwIfAborted();
    const lease = this.#live(name);
    const isHolding = name.kind === LeaseKind.Semaphore && isIn(lease.held, owner);
    if (isHolding || isIn(lease.queue, owner)) {
      if (waitMs === 0) return undefined;
      throw new InvalidArgumentError(
        `The owner already holds '${name.name}', or waits for it.`,
        'Make one handle, with an owner of its own, for each acquisition.',
      );
    }
    const grant = lease.queue.length === 0 ? this.take(request) : undefined;
    if (grant !== undefined || waitMs === 0) return grant;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timeout);
        signal?.removeEventListener('abort', onAbort);
        lease.queue.splice(lease.queue.indexOf(waiter), 1);
      };
      const settle = (given: Grant | undefined): void => {
        leave();
        resolve(given);
      };
      const onAbort = (): void => {
        leave();
        reject(signal?.reason);
      };
      const waiter = { ...request, settle };
      const timeout = setTimeout(() => settle(undefined), Math.min(waitMs, MAX_TIMER_MS));
      signal?.addEventListener('abort', onAbort, { once: true });
      lease.queue.push(waiter);
      this.#serve(lease);
    });
  }

  async extend(name: LeaseName, owner: string, ttl: number): Promise<Grant | undefined> {
    const lease = this.#live(name);
    const expiresAt = this.clock.monotonic() + ttl;
    lease.held = lease.held.map((held) =>
      held.owner === owner ? { ...held, ttl, expiresAt } : held,
    );
    this.#serve(lease);
    return lease.held.find((held) => held.owner === owner);
  }

  async release(name: LeaseName, owner: string): Promise<boolean> {
    return this.#end(name, (held) => held.owner === owner);
  }

  async forceRelease(name: LeaseName): Promise<boolean> {
    return this.#end(name, () => true);
  }

  /** Nothing here is lost at once. */
  watchLoss(): () => void {
    return () => undefined;
  }

  async holders(name: LeaseName): Promise<HeldLease[]> {
    return this.#live(name).held;
  }

  async list(): Promise<HeldLease[]> {
    const held = Array.from(this.#leases.values()).flatMap(({ name }) => this.#live(name).held);
    const rank = ({ kind, name, slot }: HeldLease): string => `${kind}${name}\0${slot}`;
    return held.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }

  /** A slot that is free; undefined without one. */
  take({ lease: name, owner, ttlMs: ttl, slots }: AcquireRequest): Grant | undefined {
    const lease = this.#live(name);
    let slot = 0;
    while (lease.held.some((held) => held.slot === slot)) slot++;
    if (slot >= slots) return undefined;
    lease.lastToken = this.nextToken();
    const grant = { token: lease.lastToken, expiresAt: this.clock.monotonic() + ttl };
    lease.held.push({ ...name, ...grant, slot, owner, ttl });
    return grant;
  }

  nextToken(): number {
    return ++this.#tokens;
  }

  #end(name: LeaseName, isMeant: (held: HeldLease) => boolean): boolean {
    const lease = this.#live(name);
    const before = lease.held.length;
    lease.held = lease.held.filter((held) => !isMeant(held));
    const wasHeld = lease.held.length < before;
    this.#serve(lease);
    return wasHeld;
  }

  /** Gives what is free to those who wait, and looks again when the next one ends. */
  #serve({ name, queue }: Lease): void {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const grant = this.take(first);
      if (grant === undefined) {
        const { held } = this.#live(name);
        const ends = held.map(({ expiresAt }) => expiresAt - this.clock.monotonic());
        const again = (): void => this.#serve(this.#live(name));
        setTimeout(again, Math.min(MAX_TIMER_MS, ...ends) + 1).unref();
        return;
      }
      first.settle(grant);
    }
  }

  /** What has ended is forgotten whenever anybody looks. */
  #live(name: LeaseName): Lease {
    const key = compositeKey(String(name.kind), name.name);
    const lease = this.#leases.get(key) ?? { name, held: [], queue: [], lastToken: 0 };
    this.#leases.set(key, lease);
    const now = this.clock.monotonic();
    lease.held = lease.held.filter(({ expiresAt }) => expiresAt > now);
    return lease;
  }
}

const isIn = (list: readonly { readonly owner: string }[], owner: string): boolean =>
  list.some((each) => each.owner === owner);

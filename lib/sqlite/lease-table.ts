import { LeaseKind, type Grant, type HeldLease, type LeaseName } from '../engine/lease.js';
import { EPOCH_TOKENS } from './epoch.js';
import type { Connection, Statement } from './native.js';
import type { RowIds } from './row-ids.js';
import { leaseSql, processSql } from './sql/leases.js';

/** @internal */
export interface Waiter {
  readonly id: number;
  readonly owner: string;
  readonly ttl: number;
  readonly slots: number;
  readonly deadline: number;
  readonly process: string;
}

interface GrantRow {
  token: number;
  expires_at: number;
}

type LeaseKey = readonly [kind: number, name: string, slot: number];

/** Sorts before every row. */
const START: LeaseKey = [-1, '', 0];

/** The identity of this process on the file, and the epoch from which its tokens count. @internal */
export interface LeaseIdentity {
  readonly epoch: number;
  readonly processId: string;
}

/** How long a process counts as alive after a sign of life, in ms. @internal */
export const ALIVE_MS = 1000;

/**
 * Leases and their waiters. They have tables of their own, so changes of entries never touch them.
 *
 * @internal
 */
export class LeaseTable {
  readonly #base: number;
  #cursor = START;
  readonly #take: Statement;
  readonly #extend: Statement;
  readonly #release: Statement;
  readonly #releaseAll: Statement;
  readonly #drop: Statement;
  readonly #holders: Statement;
  readonly #heldSlots: Statement;
  readonly #nextExpiry: Statement;
  readonly #heldBy: Statement;
  readonly #lastToken: Statement;
  readonly #list: Statement;
  readonly #countHeld: Statement;
  readonly #countKnown: Statement;
  readonly #page: Statement;
  readonly #forget: Statement;
  readonly #raiseFloor: Statement;
  readonly #enqueue: Statement;
  readonly #nextWaiter: Statement;
  readonly #removeWaiter: Statement;
  readonly #cancelWait: Statement;
  readonly #isWaiting: Statement;
  readonly #beat: Statement;
  readonly #isAlive: Statement;

  constructor(
    connection: Connection,
    private readonly identity: LeaseIdentity,
    private readonly rowIds: RowIds,
  ) {
    this.#base = identity.epoch * EPOCH_TOKENS;
    this.#take = connection.prepare(leaseSql.take);
    this.#extend = connection.prepare(leaseSql.extend);
    this.#release = connection.prepare(leaseSql.release);
    this.#releaseAll = connection.prepare(leaseSql.releaseAll);
    this.#holders = connection.prepare(leaseSql.holders);
    this.#heldSlots = connection.prepare(leaseSql.heldSlots).pluck();
    this.#nextExpiry = connection.prepare(leaseSql.nextExpiry).pluck();
    this.#heldBy = connection.prepare(leaseSql.heldBy);
    this.#lastToken = connection.prepare(leaseSql.lastToken).pluck();
    this.#list = connection.prepare(leaseSql.list);
    this.#countHeld = connection.prepare(leaseSql.countHeld).pluck();
    this.#drop = connection.prepare(leaseSql.drop);
    this.#countKnown = connection.prepare(leaseSql.countKnown).pluck();
    this.#page = connection.prepare(leaseSql.page).raw();
    this.#forget = connection.prepare(leaseSql.forget).pluck();
    this.#raiseFloor = connection.prepare(leaseSql.raiseFloor);
    this.#enqueue = connection.prepare(leaseSql.enqueue);
    this.#nextWaiter = connection.prepare(leaseSql.nextWaiter);
    this.#removeWaiter = connection.prepare(leaseSql.removeWaiter);
    this.#cancelWait = connection.prepare(leaseSql.cancelWait);
    this.#isWaiting = connection.prepare(leaseSql.isWaiting).pluck();
    this.#beat = connection.prepare(processSql.beat);
    this.#isAlive = connection.prepare(processSql.isAlive).pluck();
  }

  /** Gives the slot to the owner, if it is free or expired, in one statement. */
  take(
    { kind, name }: LeaseName,
    slot: number,
    owner: string,
    ttl: number,
    now: number,
  ): Grant | undefined {
    const base = this.#base;
    return grantOf(this.#take.get({ kind, name, slot, owner, ttl, now, base }));
  }

  /** Sets a new ttl from now, only for an owner whose lease is live. */
  extend({ kind, name }: LeaseName, owner: string, ttl: number, now: number): Grant | undefined {
    return grantOf(this.#extend.get({ kind, name, owner, ttl, now }));
  }

  /** Returns whether the owner still held it. */
  release({ kind, name }: LeaseName, owner: string, now: number): boolean {
    const release = kind >= LeaseKind.Fill ? this.#drop : this.#release;
    return release.run({ kind, name, owner, now }).changes > 0;
  }

  /** Takes the lease from every holder; returns whether there was one. */
  forceRelease({ kind, name }: LeaseName, now: number): boolean {
    return this.#releaseAll.run({ kind, name, now }).changes > 0;
  }

  holders({ kind, name }: LeaseName, now: number): HeldLease[] {
    const rows = this.#holders.all(kind, name, now) as (Omit<HeldLease, 'expiresAt'> & GrantRow)[];
    return rows.map(({ slot, owner, token, ttl, expires_at }) => ({
      kind,
      name,
      slot,
      owner,
      token,
      ttl,
      expiresAt: expires_at,
    }));
  }

  /** The slots that are not free. */
  heldSlots({ kind, name }: LeaseName, now: number): Set<number> {
    return new Set(this.#heldSlots.all(kind, name, now) as number[]);
  }

  /** When the first held slot expires; undefined when all are free. */
  nextExpiry({ kind, name }: LeaseName, now: number): number | undefined {
    return (this.#nextExpiry.get(kind, name, now) as number | null) ?? undefined;
  }

  heldBy({ kind, name }: LeaseName, owner: string, now: number): Grant | undefined {
    return grantOf(this.#heldBy.get(kind, name, owner, now));
  }

  /** The largest token ever given for the name, or an upper bound of it when the lease was forgotten. */
  lastToken({ kind, name }: LeaseName): number {
    return Number(this.#lastToken.get(kind, name) ?? 0);
  }

  list(now: number, limit: number): HeldLease[] {
    const rows = this.#list.all(now, limit) as (Omit<HeldLease, 'expiresAt'> & GrantRow)[];
    return rows.map(({ expires_at, ...row }) => ({ ...row, expiresAt: expires_at }));
  }

  /** How many of the first `limit` locks and slots are held. */
  countHeld(now: number, limit: number): number {
    return Number(this.#countHeld.get(limit, now));
  }

  /** How many locks and slots are known, held or free, counted up to `limit`. */
  countKnown(limit: number): number {
    return Number(this.#countKnown.get(limit));
  }

  /**
   * Reads the next rows and forgets those that ended before `before`; all later tokens stay above theirs.
   *
   * @returns how many were forgotten, and whether the last row was among the rows read
   */
  collect(before: number, now: number, limit: number): { forgotten: number; isLast: boolean } {
    const page = this.#page.all(...this.#cursor, limit) as LeaseKey[];
    const last = page.at(-1);
    const isLast = page.length < limit;
    const tokens =
      last === undefined
        ? []
        : (this.#forget.all(...this.#cursor, ...last, { before, now }) as number[]);
    this.#cursor = isLast || last === undefined ? START : last;
    const token = Math.max(0, ...tokens);
    if (token > 0) this.#raiseFloor.run(token);
    return { forgotten: tokens.length, isLast };
  }

  enqueue(
    { kind, name }: LeaseName,
    owner: string,
    ttl: number,
    slots: number,
    deadline: number,
  ): void {
    const { lastInsertRowid } = this.#enqueue.run(
      kind,
      name,
      owner,
      ttl,
      slots,
      deadline,
      this.identity.processId,
    );
    this.rowIds.noteForeign(Number(lastInsertRowid));
  }

  /** The first waiter in the queue, alive or not. */
  firstWaiter({ kind, name }: LeaseName): Waiter | undefined {
    return this.#nextWaiter.get(kind, name) as Waiter | undefined;
  }

  removeWaiter(id: number): void {
    this.#removeWaiter.run(id);
  }

  /** Returns whether the owner was waiting. */
  cancelWait({ kind, name }: LeaseName, owner: string): boolean {
    return this.#cancelWait.run(owner, kind, name).changes > 0;
  }

  isWaiting({ kind, name }: LeaseName, owner: string): boolean {
    return this.#isWaiting.get(owner, kind, name) === 1;
  }

  /** Records a sign of life of this process, so that other processes continue to serve its waiters. */
  beat(now: number): void {
    this.#beat.run(this.identity.processId, now + ALIVE_MS);
  }

  /** Whether the waiter still waits: its time is not over, and its process shows signs of life. */
  isLive({ deadline, process }: Waiter, now: number): boolean {
    if (deadline <= now) return false;
    return process === this.identity.processId || this.#isAlive.get(process, now) === 1;
  }
}

function grantOf(row: unknown): Grant | undefined {
  if (row === undefined) return undefined;
  const { token, expires_at } = row as GrantRow;
  return { token, expiresAt: expires_at };
}

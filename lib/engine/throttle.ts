/** What is counted: the hits of one key, separately for each throttler. @internal */
export interface ThrottleName {
  readonly key: string;
  /** Name of the throttler. */
  readonly name: string;
}

/** The limits by which a hit is judged. Times are milliseconds. @internal */
export interface ThrottleLimits {
  readonly limit: number;
  /** How long a hit counts. */
  readonly ttl: number;
  /** How long the first hit over the limit blocks the key; 0 keeps counting, and blocks while the limit is used up. */
  readonly blockDuration: number;
  /** Whether each hit ends `ttl` after itself, or all hits of a period end with the period. */
  readonly window: 'sliding' | 'fixed';
}

/** What is known about a key. Times are Unix ms of the clock that judges. @internal */
export interface ThrottleState {
  /** When each hit ends. A negative number before an end means that this many hits end then. */
  readonly hits: readonly number[];
  readonly periodEnd: number;
  /** 0 when it was never blocked. */
  readonly blockUntil: number;
  /** The longest time that a hit may count, and that a block may last: a clock that was set back lengthens neither. */
  readonly ttl: number;
  readonly block: number;
}

/** Times are milliseconds from now. @internal */
export interface ThrottleDecision {
  readonly totalHits: number;
  readonly isBlocked: boolean;
  readonly timeToExpire: number;
  readonly timeToBlockExpire: number;
}

/** Up to this limit each hit is remembered; above it, all hits of a 32nd of the ttl end together. */
const EXACT_LIMIT = 1000;
const SUB_WINDOWS = 32;
/** Numbers that a state holds at most; beyond this, the oldest hits end together. */
const MOST_NUMBERS = EXACT_LIMIT + 4 * SUB_WINDOWS;

/**
 * Judges one more hit, by the contract of the storage of `@nestjs/throttler` 6.
 *
 * @param state undefined when nothing is known about the key
 * @returns the decision, and the state after it
 * @internal
 */
export function decideThrottle(
  state: ThrottleState | undefined,
  limits: ThrottleLimits,
  now: number,
): { readonly decision: ThrottleDecision; readonly next: ThrottleState } {
  const { limit, ttl, blockDuration } = limits;
  const known = state === undefined ? EMPTY : steady(state, now);
  const isOver = blockDuration > 0 && known.blockUntil > 0 && known.blockUntil <= now;
  const live = isOver ? [] : liveHits(known.hits, now);
  const total = countOf(live);
  const periodEnd = known.periodEnd > now ? known.periodEnd : now + ttl;
  const timeToExpire = periodEnd - now;
  const longest = Math.max(lifeOf(limits), live.length > 0 ? known.ttl : 0);
  const after = { ...known, hits: live, periodEnd, ttl: longest };
  if (blockDuration > 0 && known.blockUntil > now) {
    const timeToBlockExpire = known.blockUntil - now;
    const decision = { totalHits: total, isBlocked: true, timeToExpire, timeToBlockExpire };
    return { decision, next: after };
  }
  if (blockDuration <= 0 && total >= limit) {
    const timeToBlockExpire = live.length > 0 ? firstEnd(live) - now : timeToExpire;
    const decision = { totalHits: total + 1, isBlocked: true, timeToExpire, timeToBlockExpire };
    return { decision, next: after };
  }
  const hits = withHit(live, limits, periodEnd, now);
  const totalHits = total + 1;
  if (blockDuration <= 0 || totalHits <= limit) {
    const decision = { totalHits, isBlocked: false, timeToExpire, timeToBlockExpire: 0 };
    return { decision, next: { ...after, hits, blockUntil: 0 } };
  }
  return {
    decision: { totalHits, isBlocked: true, timeToExpire, timeToBlockExpire: blockDuration },
    next: { ...after, hits, blockUntil: now + blockDuration, block: blockDuration },
  };
}

/** When nothing in the state counts any more. @internal */
export function endOfThrottle({ hits, periodEnd, blockUntil }: ThrottleState): number {
  let end = Math.max(periodEnd, blockUntil);
  for (const number of hits) end = Math.max(end, number);
  return end;
}

const EMPTY: ThrottleState = { hits: [], periodEnd: 0, blockUntil: 0, ttl: 0, block: 0 };

/** Limits each time to the latest possible one, because the clock may have been set back. */
function steady(state: ThrottleState, now: number): ThrottleState {
  const { ttl, block } = state;
  const latest = now + ttl;
  const isAhead = state.hits.some((end) => end > latest);
  return {
    hits: isAhead ? state.hits.map((end) => Math.min(end, latest)) : state.hits,
    periodEnd: Math.min(state.periodEnd, latest),
    blockUntil: Math.min(state.blockUntil, now + block),
    ttl,
    block,
  };
}

/** How long a hit counts at most. */
function lifeOf({ limit, ttl }: ThrottleLimits): number {
  return limit > EXACT_LIMIT ? ttl + ttl / SUB_WINDOWS : ttl;
}

function liveHits(hits: readonly number[], now: number): number[] {
  const live: number[] = [];
  let count = 0;
  for (const number of hits) {
    if (number < 0) count = number;
    else {
      if (number > now) {
        if (count < 0) live.push(count);
        live.push(number);
      }
      count = 0;
    }
  }
  return live;
}

function countOf(hits: readonly number[]): number {
  let total = 0;
  // The number after each negative number already counts as one.
  for (const number of hits) total += number < 0 ? -number - 1 : 1;
  return total;
}

function firstEnd(hits: readonly number[]): number {
  let first = Infinity;
  for (const number of hits) if (number >= 0 && number < first) first = number;
  return first;
}

function withHit(
  live: readonly number[],
  { limit, ttl, window }: ThrottleLimits,
  periodEnd: number,
  now: number,
): number[] {
  const hits = [...live];
  if (window === 'fixed') return joined(hits, periodEnd);
  if (limit <= EXACT_LIMIT) hits.push(now + ttl);
  else {
    const grain = ttl / SUB_WINDOWS;
    joined(hits, grain > 0 ? Math.ceil((now + ttl) / grain) * grain : now);
  }
  while (hits.length > MOST_NUMBERS) joinOldest(hits);
  return hits;
}

/** Adds a hit: it joins the last group if that ends at the same time, otherwise it is a new one. */
function joined(hits: number[], end: number): number[] {
  const last = hits.length - 1;
  const count = hits[last - 1] ?? 0;
  if (hits[last] !== end) hits.push(end);
  else if (count < 0) hits[last - 1] = count - 1;
  else hits.splice(last, 0, -2);
  return hits;
}

/** Joins the first two, which then end at the later time. */
function joinOldest(hits: number[]): void {
  const take = (): readonly [count: number, end: number] => {
    const number = hits.shift() ?? 0;
    return number < 0 ? [-number, hits.shift() ?? 0] : [1, number];
  };
  const [firstCount, firstEndsAt] = take();
  const [secondCount, secondEndsAt] = take();
  hits.unshift(-(firstCount + secondCount), Math.max(firstEndsAt, secondEndsAt));
}

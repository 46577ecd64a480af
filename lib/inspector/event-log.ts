import type { Clock, HyperCache, HyperCacheEvent } from '../index.js';

/** Events of every read and write. They are recorded only while a page shows them. */
const FREQUENT = ['hit', 'miss', 'stale', 'set', 'del'] as const;
const RARE = [
  'clear',
  'evicted',
  'error',
  'recovered',
  'engine:failover',
  'replica:connected',
  'replica:lost',
  'replica:snapshot',
  'run',
  'outbox:refused',
] as const;

/** How many of each kind are kept, the newest. */
const MAX_KEPT = 100;
/** How many frequent events are recorded per second at most. The others are counted. */
const MAX_A_SECOND = 20;
const SECOND_MS = 1000;
const MAX_TEXT = 200;

/** @internal */
export interface LoggedEvent {
  /** Unix ms. */
  readonly at: number;
  readonly event: HyperCacheEvent;
  readonly namespace: string | undefined;
  readonly key: string | undefined;
  readonly detail: string;
}

/** The last events of the node. Rare ones are always recorded, frequent ones are sampled while a page shows them. @internal */
export class EventLog {
  readonly #rare: LoggedEvent[] = [];
  #frequent: LoggedEvent[] = [];
  #passedOver = 0;
  #second = 0;
  #taken = 0;
  #isWatched = false;
  readonly #onRare = RARE.map(
    (event) =>
      [event, (payload: object) => keep(this.#rare, event, payload, this.clock.now())] as const,
  );
  readonly #onFrequent = FREQUENT.map(
    (event) => [event, (payload: object) => this.#sample(event, payload)] as const,
  );

  constructor(
    private readonly cache: Pick<HyperCache, 'on' | 'off'>,
    private readonly clock: Clock,
  ) {}

  start(): void {
    for (const [event, listener] of this.#onRare) this.cache.on(event, listener);
  }

  close(): void {
    this.watch(false);
    for (const [event, listener] of this.#onRare) this.cache.off(event, listener);
  }

  /** Sets whether a page shows the events now. */
  watch(isWatched: boolean): void {
    if (isWatched === this.#isWatched) return;
    this.#isWatched = isWatched;
    for (const [event, listener] of this.#onFrequent) {
      if (isWatched) this.cache.on(event, listener);
      else this.cache.off(event, listener);
    }
    if (isWatched) return;
    this.#frequent = [];
    this.#passedOver = 0;
  }

  /** The newest first. */
  get events(): readonly LoggedEvent[] {
    return [...this.#rare, ...this.#frequent].toReversed().toSorted((a, b) => b.at - a.at);
  }

  /** Frequent events that were only counted since a page shows them. */
  get passedOver(): number {
    return this.#passedOver;
  }

  #sample(event: HyperCacheEvent, payload: object): void {
    const at = this.clock.coarseNow();
    const second = Math.floor(at / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= MAX_A_SECOND) {
      this.#passedOver++;
    } else {
      this.#taken++;
      keep(this.#frequent, event, payload, at);
    }
  }
}

function keep(list: LoggedEvent[], event: HyperCacheEvent, payload: object, at: number): void {
  const { namespace, key, ...rest }: { namespace?: unknown; key?: unknown } = payload;
  const detail = Object.entries(rest).map(([name, value]) => `${name} ${shown(value)}`);
  list.push({
    at,
    event,
    namespace: textOf(namespace),
    key: textOf(key),
    detail: detail.join(', '),
  });
  if (list.length > MAX_KEPT) list.shift();
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

/** The code or the name of an error. Its message may contain cached data. */
function shown(value: unknown): string {
  const { code, name }: { code?: unknown; name?: unknown } = Object(value);
  return String(code ?? name ?? value).slice(0, MAX_TEXT);
}

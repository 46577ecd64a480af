import type { Clock, HyperCache, HyperCacheEvent, HyperCacheEvents } from '../index.js';

/** Events that come with every read and write: taken only while a page shows them. */
const FREQUENT = ['hit', 'miss', 'stale', 'set', 'del'] as const;
const RARE = [
  'clear',
  'evicted',
  'error',
  'recovered',
  'replica:connected',
  'replica:lost',
  'replica:snapshot',
  'run',
  'outbox:refused',
] as const;

/** What is kept of each kind, the newest. */
const MAX_KEPT = 100;
/** Frequent events that are taken within a second at most; the others are counted. */
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

/** The last events of the node: rare ones always, frequent ones sampled while somebody looks. @internal */
export class EventLog {
  readonly #rare: LoggedEvent[] = [];
  #frequent: LoggedEvent[] = [];
  #passedOver = 0;
  #second = 0;
  #taken = 0;
  #isWatched = false;

  constructor(
    private readonly cache: Pick<HyperCache, 'on' | 'off'>,
    private readonly clock: Clock,
  ) {}

  start(): void {
    for (const event of RARE) this.cache.on(event, this.#listeners[event]);
  }

  close(): void {
    this.watch(false);
    for (const event of RARE) this.cache.off(event, this.#listeners[event]);
  }

  /** Whether a page shows the events now. */
  watch(isWatched: boolean): void {
    if (isWatched === this.#isWatched) return;
    this.#isWatched = isWatched;
    for (const event of FREQUENT) {
      if (isWatched) this.cache.on(event, this.#listeners[event]);
      else this.cache.off(event, this.#listeners[event]);
    }
    if (!isWatched) {
      this.#frequent = [];
      this.#passedOver = 0;
    }
  }

  /** The newest first. */
  get events(): readonly LoggedEvent[] {
    return [...this.#rare, ...this.#frequent].toSorted((a, b) => b.at - a.at);
  }

  /** Frequent events that were counted only, since the page was opened. */
  get passedOver(): number {
    return this.#passedOver;
  }

  /** One listener of each event, so that it can be taken off. */
  readonly #listeners = Object.fromEntries(
    [...FREQUENT.map((event) => [event, true]), ...RARE.map((event) => [event, false])].map(
      ([event, isFrequent]) => [
        event,
        (payload: Payload) => this.#note(event as HyperCacheEvent, payload, isFrequent === true),
      ],
    ),
  ) as Record<HyperCacheEvent, (payload: Payload) => void>;

  #note(event: HyperCacheEvent, payload: Payload, isFrequent: boolean): void {
    const at = this.clock.coarseNow();
    if (isFrequent && !this.#hasRoom(at)) {
      this.#passedOver++;
      return;
    }
    const { namespace, key, ...rest } = payload as Readonly<Record<string, unknown>>;
    const list = isFrequent ? this.#frequent : this.#rare;
    list.push({
      at,
      event,
      namespace: textOf(namespace),
      key: textOf(key),
      detail: Object.entries(rest)
        .map(([name, value]) => `${name} ${shown(value)}`)
        .join(', '),
    });
    if (list.length > MAX_KEPT) list.shift();
  }

  #hasRoom(at: number): boolean {
    const second = Math.floor(at / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    return this.#taken++ < MAX_A_SECOND;
  }
}

type Payload = HyperCacheEvents[HyperCacheEvent];

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

/** Of an error its code or name: its message may hold what was cached. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    return String(Reflect.get(value, 'code') ?? Reflect.get(value, 'name') ?? 'an object');
  }
  return String(value).slice(0, MAX_TEXT);
}

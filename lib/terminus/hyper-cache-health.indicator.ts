import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { HyperCache, InvalidArgumentError, type HyperCacheHealth } from '../index.js';

/** The bounds beyond which the health check reports trouble. @publicApi */
export interface HyperCacheHealthOptions {
  /**
   * The time from a commit of the primary until it arrives here, above which a secondary is degraded. Milliseconds.
   *
   * @default 5_000
   */
  maxLag?: number | undefined;
  /** The state of a secondary whose primary is unreachable. It continues to serve what it holds. @default 'degraded' */
  primaryLost?: 'degraded' | 'down' | undefined;
  /** The number of writes that wait for the primary, above which a secondary is degraded. @default Infinity */
  outbox?: number | undefined;
}

interface Bounds {
  readonly maxLag: number;
  readonly primaryLost: 'degraded' | 'down';
  readonly outbox: number;
}

type Trouble = readonly [level: 'down' | 'degraded', reason: string];

const DEFAULTS = { maxLag: 5000, primaryLost: 'degraded', outbox: Infinity } as const;
const LEVELS: readonly unknown[] = ['degraded', 'down'];

/**
 * The health of the cache for `@nestjs/terminus` 11 and 12. It reads memory only, so a probe may ask it every second.
 *
 * - **down**: the node is closed, or its file did not take the last writes (disk full, file lost or damaged).
 * - **degraded**: the primary is unreachable or its changes come late, too much waits in the outbox, the primary has finally
 * refused writes, or something failed within the last minute that no caller was notified of. Terminus 11 has no such state and
 * reports up with `degraded: true`.
 *
 * @publicApi
 */
@Injectable()
export class HyperCacheHealthIndicator {
  constructor(
    @Inject(HyperCache) private readonly cache: HyperCache,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  /**
   * @param key of the result
   * @throws {HC_ARGUMENT_INVALID}
   */
  check<Key extends string = 'hypercache'>(
    key: Key = 'hypercache' as Key,
    options: HyperCacheHealthOptions = {},
  ): HealthIndicatorResult<Key> {
    const health = this.cache.health();
    const troubles = troublesOf(health, checked(options));
    const { role, queued, replica, outbox } = health;
    const data = {
      role,
      queued,
      ...(replica === undefined ? {} : { isConnected: replica.isConnected, lagMs: replica.lagMs }),
      ...(outbox === undefined ? {} : { outbox: outbox.entries, deadLetters: outbox.deadLetters }),
      ...(troubles.length === 0 ? {} : { reasons: troubles.map(([, reason]) => reason) }),
    };
    const session = this.indicators.check(key);
    if (troubles.some(([level]) => level === 'down')) return session.down(data);
    if (troubles.length === 0) return session.up(data);
    // Terminus 11 has no such state.
    if (typeof Reflect.get(session, 'degraded') === 'function') return session.degraded(data);
    return session.up({ ...data, degraded: true });
  }
}

function checked(options: HyperCacheHealthOptions): Bounds {
  const { maxLag, primaryLost, outbox } = { ...DEFAULTS, ...defined(options) } as Bounds;
  const areBounds = [maxLag, outbox].every((bound) => typeof bound === 'number' && bound >= 0);
  if (areBounds && LEVELS.includes(primaryLost)) return { maxLag, primaryLost, outbox };
  throw new InvalidArgumentError(
    'The options of the health check are not acceptable.',
    "Give maxLag in milliseconds from 0, primaryLost 'degraded' or 'down', and outbox as a number of writes from 0.",
  );
}

function defined(options: HyperCacheHealthOptions): HyperCacheHealthOptions {
  return Object.fromEntries(
    Object.entries(Object(options)).filter(([, value]) => value !== undefined),
  );
}

function troublesOf(
  health: HyperCacheHealth,
  { maxLag, primaryLost, outbox: most }: Bounds,
): Trouble[] {
  const { isOpen, writes, incidents, replica, outbox } = health;
  if (!isOpen) return [['down', 'the cache is closed']];
  const troubles: Trouble[] = [];
  if (writes !== undefined) troubles.push(['down', `writes fail: ${writes}`]);
  if (replica !== undefined && !replica.isConnected) {
    troubles.push([primaryLost, 'the primary is away']);
  } else if (replica !== undefined && replica.lagMs > maxLag) {
    troubles.push(['degraded', `changes come ${replica.lagMs} ms late`]);
  }
  if (outbox !== undefined && outbox.entries > most) {
    troubles.push(['degraded', `${outbox.entries} writes wait for the primary`]);
  }
  if (outbox !== undefined && outbox.deadLetters > 0) {
    troubles.push(['degraded', `the primary has refused ${outbox.deadLetters} writes for good`]);
  }
  if (incidents.lastMinute > 0) {
    const { lastMinute, lastCode } = incidents;
    troubles.push(['degraded', `${lastMinute} failures in the last minute, the last ${lastCode}`]);
  }
  return troubles;
}

import { Inject } from '@nestjs/common';
import { Cron, SchedulerRegistry, type CronOptions } from '@nestjs/schedule';
import {
  HyperCache,
  InvalidArgumentError,
  ModuleMissingError,
  RunOnce,
  toMilliseconds,
  type Duration,
  type RunSlotOptions,
} from '../index.js';
import { CatchUp, markMissable } from './catch-up.js';
import { lastSlot } from './slots.js';

/** The options of `@Cron`, without the time itself. */
type OwnCronOptions = Omit<CronOptions, 'name' | 'timeZone' | 'utcOffset'>;

/** The options of `@ClusterCron`: its own, and those of `@Cron`. @publicApi */
export type ClusterCronOptions = OwnCronOptions & {
  /** The name of the job and of its runs, on all processes and servers. `HyperCache.lastRun(name)` reports the last run. */
  name: string;
  /** As in `@Cron`. @default the process's own */
  timeZone?: string | undefined;
  /**
   * Whether the job runs at the start of the application when the last instant was missed because no node was running. It runs
   * once, not once for each missed instant. With `within`, it runs only if the instant was no longer ago than this, in ms or as
   * a duration. It needs `HyperCacheScheduleModule`.
   *
   * @default false
   */
  catchUp?: boolean | { within: Duration } | undefined;
  /**
   * How long its lease lasts after the process has died, in ms or as a duration. It is renewed while the job runs.
   *
   * @default 60_000
   */
  ttl?: Duration | undefined;
  /**
   * With `'start'`, a run that has begun does not begin again for the same instant, however it ends. With `'success'`, a failed
   * run may begin again on a node whose timer fires later, or at the next start with `catchUp`.
   *
   * @default 'start'
   */
  on?: 'start' | 'success' | undefined;
};

const CACHE = Symbol('HyperCache of @ClusterCron');
const REGISTRY = Symbol('SchedulerRegistry of @ClusterCron');
const CATCH_UP = Symbol('CatchUp of @ClusterCron');

interface Injected {
  readonly [CACHE]?: HyperCache;
  readonly [REGISTRY]?: SchedulerRegistry;
}

/**
 * `@Cron`, once for all processes and servers: of the nodes whose timers fire for the same instant, one runs the method. It
 * never runs twice at the same time. When it does not run, the result is undefined. Called by hand, it runs for the last
 * instant, unless that has already run.
 *
 * @example
 * ```ts
 * export class Reports {
 *   @ClusterCron('0 3 * * *', { name: 'nightly-report', timeZone: 'Europe/Berlin', catchUp: true })
 *   async nightly(): Promise<void> {
 *     // On one server, once each night.
 *   }
 * }
 * ```
 * @param expression as for `@Cron`
 * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID | HC_TTL_INVALID} when the class is loaded
 * @publicApi
 */
export function ClusterCron(
  expression: Parameters<typeof Cron>[0],
  options: ClusterCronOptions,
): MethodDecorator {
  const { name, catchUp = false, ttl, on, ...cron } = checked(options);
  // Refuses now what a run would refuse at three o'clock at night.
  RunOnce(name, { window: 1, ttl, on });
  return (target, property, descriptor: PropertyDescriptor) => {
    Inject(HyperCache)(target, CACHE);
    Inject(SchedulerRegistry)(target, REGISTRY);
    // Nest names the missing module.
    if (catchUp !== false) Inject(CatchUp)(target, CATCH_UP);
    const method = descriptor.value as (...args: unknown[]) => unknown;
    const partsOf = ({ [CACHE]: cache, [REGISTRY]: registry }: Injected) => {
      if (cache === undefined || registry === undefined) {
        throw new ModuleMissingError(`@ClusterCron on ${String(property)}()`);
      }
      return { cache, job: registry.getCronJob(name) };
    };
    const run = async (
      instance: Injected,
      { cache, job }: ReturnType<typeof partsOf>,
      args: unknown[],
      within?: Duration,
    ): Promise<unknown> => {
      const slot: RunSlotOptions['slot'] = (now) => {
        const last = lastSlot(job, now);
        return last && { slot: last.at, maxSkew: last.period / 2, within };
      };
      return cache.runOnce(name, { slot, ttl, on }, () => method.apply(instance, args));
    };
    const once = async function (this: Injected, ...args: unknown[]): Promise<unknown> {
      return run(this, partsOf(this), args);
    };
    copyShape(method, once);
    descriptor.value = once;
    Cron(expression, { ...cron, name } as CronOptions)(target, property, descriptor);
    if (catchUp === false) return;
    const within = catchUp === true ? undefined : catchUp.within;
    const runMissed = async (instance: Injected): Promise<unknown> => {
      // A job that never ran has missed nothing.
      const parts = partsOf(instance);
      if ((await parts.cache.lastRun(name)) === undefined) return undefined;
      return run(instance, parts, [], within);
    };
    markMissable(once, { name, runMissed });
  };
}

/** @throws {HC_ARGUMENT_INVALID} */
function checked(options: ClusterCronOptions): ClusterCronOptions {
  const { name, catchUp = false } = Object(options) as Partial<ClusterCronOptions>;
  if (typeof name !== 'string' || name === '') {
    throw new InvalidArgumentError(
      '@ClusterCron has no name.',
      "Give it one that no other job of any node has: @ClusterCron('0 3 * * *', { name: 'nightly' }).",
    );
  }
  const isPart = typeof catchUp === 'object' && catchUp !== null && catchUp.within !== undefined;
  const within = `catchUp.within of @ClusterCron '${name}'`;
  const isRight =
    typeof catchUp === 'boolean' || (isPart && toMilliseconds(catchUp.within, within) > 0);
  if (!isRight) {
    throw new InvalidArgumentError(
      `The catchUp of @ClusterCron '${name}' is not acceptable.`,
      "Give true, false, or { within: '1h' }.",
    );
  }
  return options;
}

/** Decorators below have set their metadata on the method. */
function copyShape(from: (...args: unknown[]) => unknown, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
  Object.defineProperty(to, 'name', { value: from.name, configurable: true });
}

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

/** What `@Cron` takes, but for the time itself. */
type OwnCronOptions = Omit<CronOptions, 'name' | 'timeZone' | 'utcOffset'>;

/** @publicApi */
export type ClusterCronOptions = OwnCronOptions & {
  /** Of the job and of the run, on all processes and servers; `HyperCache.lastRun(name)` tells of it. */
  name: string;
  /** As `@Cron` has it. @default the process's own */
  timeZone?: string | undefined;
  /**
   * When the application starts and the last instant was missed, because nothing ran that day, the job runs once; not once
   * for each instant that was missed. `within`: only if that was no longer ago, in ms or as a duration. Needs
   * `HyperCacheScheduleModule`.
   *
   * @default false
   */
  catchUp?: boolean | { within: Duration } | undefined;
  /** How long its lease lasts if the process is gone, in ms or as a duration; it is renewed meanwhile. @default 60_000 */
  ttl?: Duration | undefined;
  /**
   * `'start'`: what has begun is not begun again for the same instant, however it ends. `'success'`: what has failed may be
   * begun by a node whose timer fires later, or at the next start with `catchUp`.
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
 * `@Cron`, once for all processes and servers: of those whose timers fire for the same instant one runs the method. It never
 * runs beside itself. Its result is undefined when it does not run. Called by hand, it runs for the last instant, if that
 * has not run.
 *
 * @param expression as `@Cron` takes it
 * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID | HC_TTL_INVALID} when the class is loaded
 * @publicApi
 */
export function ClusterCron(
  expression: Parameters<typeof Cron>[0],
  options: ClusterCronOptions,
): MethodDecorator {
  const { name, catchUp = false, ttl, on, ...cron } = checked(options);
  // It refuses now what a run would refuse at three o'clock at night.
  RunOnce(name, { window: 1, ttl, on });
  return (target, property, descriptor: PropertyDescriptor) => {
    Inject(HyperCache)(target, CACHE);
    Inject(SchedulerRegistry)(target, REGISTRY);
    // Nest names the module that is missing.
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
      // What never ran has missed nothing.
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

/** Decorators below have left their metadata on the method. */
function copyShape(from: (...args: unknown[]) => unknown, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
  Object.defineProperty(to, 'name', { value: from.name, configurable: true });
}

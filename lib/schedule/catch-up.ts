import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';

/** How a method runs for a missed instant. */
interface Missable {
  /** The name of the job. */
  readonly name: string;
  readonly runMissed: (instance: object) => Promise<unknown>;
}

const MISSABLE = Symbol('HyperCache: what may be caught up');

/** The pause between two checks whether `@nestjs/schedule` has set up its jobs, and how many checks. */
const LOOK_MS = 10;
const LOOKS = 1000;

/** @internal */
export function markMissable(method: object, missable: Missable): void {
  Reflect.defineMetadata(MISSABLE, missable, method);
}

/**
 * After the start of the application, runs the jobs with `catchUp` whose last instant was missed.
 *
 * @internal
 */
@Injectable()
export class CatchUp implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('HyperCache');
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(SchedulerRegistry) private readonly jobs: SchedulerRegistry,
  ) {}

  /** The start does not wait for the jobs. */
  onApplicationBootstrap(): void {
    for (const [instance, missable] of this.#found()) this.#runWhenSetUp(instance, missable, LOOKS);
  }

  onModuleDestroy(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  *#found(): Generator<readonly [instance: object, missable: Missable]> {
    const { discovery, scanner } = this;
    for (const { instance } of [...discovery.getProviders(), ...discovery.getControllers()]) {
      const prototype: unknown = isObject(instance) ? Object.getPrototypeOf(instance) : null;
      if (!isObject(instance) || !isObject(prototype)) continue;
      for (const name of scanner.getAllMethodNames(prototype)) {
        const method: unknown = Reflect.get(instance, name);
        if (typeof method !== 'function') continue;
        const missable = Reflect.getMetadata(MISSABLE, method) as Missable | undefined;
        if (missable !== undefined) yield [instance, missable];
      }
    }
  }

  #runWhenSetUp(instance: object, missable: Missable, looks: number): void {
    const { name, runMissed } = missable;
    if (!this.jobs.doesExist('cron', name)) {
      if (looks > 0) {
        const look = (): void => this.#runWhenSetUp(instance, missable, looks - 1);
        this.#timer = setTimeout(look, LOOK_MS).unref();
      } else {
        this.#logger.warn(
          `The missed run of the job '${name}' is not caught up: there is no such job.`,
        );
      }
      return;
    }
    // As `@nestjs/schedule` does with an error that a job throws.
    runMissed(instance).catch((error: unknown) => {
      if (!this.#isOver) this.#logger.error(error);
    });
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

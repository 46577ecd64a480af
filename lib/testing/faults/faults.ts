import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, StorageFullError } from '../../common/errors.js';
import { HYPERCACHE_NODE } from '../../nest/hyper-cache.constants.js';
import type { NodeEnvironment } from '../../node/create-node.js';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import type { HyperCacheRole, ResolvedOptions } from '../../node/options.js';
import { FILE_NAME } from '../../sqlite/storage.js';
import { damageFile } from './damage-file.js';
import { errorOf, type FaultCode } from './fault-codes.js';
import { FaultPlan, type FaultPlace } from './fault-plan.js';
import { faultyEngine } from './faulty-engine.js';
import { faultyForward } from './faulty-forward.js';

/** The roles of nodes in which each place exists. */
const PLACES: Readonly<Record<FaultPlace, readonly HyperCacheRole[]>> = {
  commit: ['primary'],
  read: ['primary', 'secondary'],
  forward: ['secondary'],
};

/**
 * The faults of a node in an application under test. Everything else in it stays real.
 *
 * @publicApi
 */
export class Faults {
  readonly #plan = new FaultPlan();

  /** @internal {@link faultsOf} returns it. */
  constructor(private readonly options: Pick<ResolvedOptions, 'sqlitePath' | 'role'>) {}

  /**
   * Makes the next commits of a primary, reads below memory, or requests of a secondary with writes and locks fail. A failing
   * commit fails all writes of its turn of the event loop. Values in memory are read without a fault.
   *
   * @param failure an error, or the code of one
   * @param times how often. @default 1
   * @throws {HC_ARGUMENT_INVALID} for an unknown place or code, and for a place that a node of this role does not have
   */
  failNext(place: FaultPlace, failure: Error | FaultCode, times = 1): void {
    const error = errorOf(failure);
    if (!Object.hasOwn(PLACES, place)) {
      throw new InvalidArgumentError(
        `Nothing can fail at '${String(place)}'.`,
        `Give one of ${Object.keys(PLACES).join(', ')}.`,
      );
    }
    if (!PLACES[place].includes(this.options.role)) {
      const [other = ''] = PLACES[place];
      throw new InvalidArgumentError(
        `A ${this.options.role} has no '${place}' that could fail.`,
        `Let it fail on a ${other}.`,
      );
    }
    if (!(times > 0)) {
      throw new InvalidArgumentError(
        'The number of times is not acceptable.',
        'Give a number from 1, or Infinity until heal().',
      );
    }
    this.#plan.add(place, error, times);
  }

  /**
   * Makes the disk of a primary full until {@link heal}: writes are refused with `HC_STORAGE_FULL`.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  diskFull(): void {
    this.failNext('commit', new StorageFullError('a fault of the test'), Infinity);
  }

  /**
   * Damages the database file, for real and beyond repair. The node notices at its next write or its next read below memory,
   * and begins a new file; see the event `recovered`.
   *
   * @throws {HC_STORAGE_BUSY} another program reads the file all the time
   */
  async corrupt(): Promise<void> {
    await damageFile(join(this.options.sqlitePath, FILE_NAME));
  }

  /** Ends all faults. Damaged files stay damaged. */
  heal(): void {
    this.#plan.clear();
  }

  /** The environment of a node whose operations fail by this plan. @internal */
  environment({ primaryClient, ...environment }: NodeEnvironment): NodeEnvironment {
    return {
      ...environment,
      interception: faultyEngine(this.#plan),
      ...(primaryClient && {
        primaryClient: (options) => faultyForward(primaryClient(options), this.#plan),
      }),
    };
  }
}

const known = new WeakMap<HyperCacheNode, Faults>();

/** @internal */
export function noteFaults(node: HyperCacheNode, faults: Faults): void {
  known.set(node, faults);
}

/**
 * The faults of an application under test.
 *
 * @param app created with `HyperCacheTestingModule.forTest` or `testEnvironment`, or the application of a node in a test's
 * cluster
 * @throws {HC_ARGUMENT_INVALID} for any other application
 * @publicApi
 */
export function faultsOf(app: Pick<INestApplicationContext, 'get'>): Faults {
  const faults = known.get(app.get<HyperCacheNode>(HYPERCACHE_NODE, { strict: false }));
  if (faults !== undefined) return faults;
  throw new InvalidArgumentError(
    'This application has no faults to control.',
    'Import HyperCacheTestingModule.forTest(), or override HYPERCACHE_ENVIRONMENT with testEnvironment().',
  );
}

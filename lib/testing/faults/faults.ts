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

/** The roles of nodes in which something may fail. */
const PLACES: Readonly<Record<FaultPlace, readonly HyperCacheRole[]>> = {
  commit: ['primary'],
  read: ['primary', 'secondary'],
  forward: ['secondary'],
};

/**
 * What fails in the node of an application under test. Everything else of it stays real.
 *
 * @publicApi
 */
export class Faults {
  readonly #plan = new FaultPlan();

  /** @internal Got by {@link faultsOf}. */
  constructor(private readonly options: Pick<ResolvedOptions, 'sqlitePath' | 'role'>) {}

  /**
   * The next commits of a primary, reads below memory, or requests of a secondary with writes and locks fail. Of a commit all writes
   * of its turn of the event loop; what memory holds is read without one.
   *
   * @param failure an error, or the code of one
   * @param times how often. @default 1
   * @throws {HC_ARGUMENT_INVALID} for what there is not, and for a place that a node of this role has not
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

  /** The disk of a primary is full until {@link heal}: writes are refused with `HC_STORAGE_FULL`. @throws {HC_ARGUMENT_INVALID} */
  diskFull(): void {
    this.failNext('commit', new StorageFullError('a fault of the test'), Infinity);
  }

  /**
   * Damages the database file, for real and beyond repair. The node notices with its next read below memory, or write, and begins a new
   * one; see the event `recovered`.
   *
   * @throws {HC_STORAGE_BUSY} another program reads the file all the time
   */
  async corrupt(): Promise<void> {
    await damageFile(join(this.options.sqlitePath, FILE_NAME));
  }

  /** Nothing fails any more; what is damaged stays so. */
  heal(): void {
    this.#plan.clear();
  }

  /** What a node is made with, so that it fails as this says. @internal */
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
 * @param app made with `HyperCacheTestingModule.forTest` or `testEnvironment`, or of a node of a test's cluster
 * @throws {HC_ARGUMENT_INVALID} it is none
 * @publicApi
 */
export function faultsOf(app: Pick<INestApplicationContext, 'get'>): Faults {
  const faults = known.get(app.get<HyperCacheNode>(HYPERCACHE_NODE, { strict: false }));
  if (faults !== undefined) return faults;
  throw new InvalidArgumentError(
    'Nothing can be made to fail in this application.',
    'Import HyperCacheTestingModule.forTest(), or override HYPERCACHE_ENVIRONMENT with testEnvironment().',
  );
}

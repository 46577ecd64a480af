import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { cpSync } from 'node:fs';
import { adopt } from '../../admin/adopt.js';
import { promote } from '../../admin/promote.js';
import type { Clock } from '../../common/clock.js';
import { ClosedError } from '../../common/errors.js';
import type { HyperCacheManager } from '../../keyv/cache-manager-cache.js';
import { HyperCacheApi } from '../../nest/api/hyper-cache-api.js';
import {
  HYPERCACHE_ENVIRONMENT,
  HYPERCACHE_NODE,
  type HyperCacheEnvironment,
} from '../../nest/hyper-cache.constants.js';
import { HyperCacheModule } from '../../nest/hyper-cache.module.js';
import { HyperCache } from '../../nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import type { HyperCacheOptions, HyperCacheRole } from '../../node/options.js';
import { faultsOf, type Faults } from '../faults/faults.js';
import { makeDirectory, removeDirectory } from '../test-directories.js';

/** A node of a test's cluster: a Nest application in this process. @publicApi */
export interface TestClusterNode {
  /** The role at its last start. */
  readonly role: HyperCacheRole;
  readonly isRunning: boolean;
  /** The application of the last start, like the fields below. After a `restart`, read it again. */
  readonly app: INestApplicationContext;
  readonly cache: HyperCache;
  readonly manager: HyperCacheManager;
  /** The faults of this node. */
  readonly faults: Faults;
}

/** @internal */
export interface ClusterMemberParts {
  readonly clock: Clock;
  /** The options of its application in this role. */
  readonly optionsFor: (role: HyperCacheRole) => HyperCacheOptions;
  readonly environment: HyperCacheEnvironment;
}

@Module({})
class MemberModule {}

/** @internal */
export class ClusterMember implements TestClusterNode {
  #role: HyperCacheRole = 'secondary';
  #directory = makeDirectory();
  #app: INestApplicationContext | undefined;
  #isRunning = false;
  /** The role of the node to which its file belongs. */
  #fileOf: HyperCacheRole | undefined;

  constructor(private readonly parts: ClusterMemberParts) {}

  get role(): HyperCacheRole {
    return this.#role;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get app(): INestApplicationContext {
    if (this.#app === undefined) throw new ClosedError();
    return this.#app;
  }

  get cache(): HyperCache {
    return this.app.get(HyperCache);
  }

  get manager(): HyperCacheManager {
    return this.app.get<HyperCacheManager>(CACHE_MANAGER);
  }

  get faults(): Faults {
    return faultsOf(this.app);
  }

  get node(): HyperCacheNode {
    return this.app.get<HyperCacheNode>(HYPERCACHE_NODE, { strict: false });
  }

  /** The URL of its HTTP API; undefined without a network. */
  get url(): string | undefined {
    return this.app.get(HyperCacheApi, { strict: false }).url;
  }

  /**
   * Starts the node, as an operator would. If the role has changed, it promotes the replica or adopts the file of the former
   * primary.
   */
  async start(role: HyperCacheRole): Promise<void> {
    const { clock, optionsFor, environment } = this.parts;
    if (this.#fileOf !== undefined && this.#fileOf !== role) {
      if (role === 'primary') promote(this.#directory, { clock });
      else adopt(this.#directory, { clock });
    }
    this.#role = role;
    const sqlitePath = this.#directory;
    const cache = HyperCacheModule.forRootAsync({
      extraProviders: [{ provide: HYPERCACHE_ENVIRONMENT, useValue: environment }],
      useFactory: () => ({ ...optionsFor(role), role, sqlitePath }),
    });
    this.#app = await NestFactory.createApplicationContext(
      { module: MemberModule, imports: [cache] },
      { logger: false, abortOnError: false },
    );
    this.#fileOf = role;
    this.#isRunning = true;
  }

  /** As `app.close()`. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    await this.app.close();
  }

  /** Ends it without a flush: a later start finds only what is on the disk now. */
  async kill(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    const left = this.#directory;
    this.#directory = makeDirectory();
    cpSync(left, this.#directory, { recursive: true });
    try {
      await this.app.close();
    } finally {
      removeDirectory(left);
    }
  }

  removeFiles(): void {
    removeDirectory(this.#directory);
  }
}

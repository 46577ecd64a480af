import { Module, type DynamicModule } from '@nestjs/common';
import {
  HYPERCACHE_ENVIRONMENT,
  type HyperCacheEnvironment,
} from '../nest/hyper-cache.constants.js';
import { HyperCacheModule } from '../nest/hyper-cache.module.js';
import type { HyperCacheOptions } from '../node/options.js';
import { stubEnvironment } from './stub/stub-environment.js';
import { makeDirectory, removeDirectory } from './test-directories.js';
import { nodeEnvironment, TEST_OPTIONS, type TestEnvironmentOptions } from './test-environment.js';

/** The options of a node under test: those of `HyperCacheModule.forRoot()`, and a clock. @publicApi */
export interface HyperCacheTestOptions extends HyperCacheOptions, TestEnvironmentOptions {}

/**
 * The cache of an application under test.
 *
 * @publicApi
 */
@Module({})
export class HyperCacheTestingModule {
  /**
   * As `HyperCacheModule.forRoot`, for a test. It uses a separate directory, in memory where the system has one, which
   * `app.close()` removes. Nothing waits for a disk (`durability: 'relaxed'`), and there is no thread (`checkpoints: 'inline'`)
   * and no log line. Applications that run side by side never meet. The given options take precedence.
   *
   * @throws {HC_OPTIONS_INVALID} at the start of the application
   */
  static forTest({ clock, ...options }: HyperCacheTestOptions = {}): DynamicModule {
    let directory: string | undefined;
    const environment = nodeEnvironment(clock, () => {
      if (directory !== undefined) removeDirectory(directory);
    });
    return moduleWith(environment, options, () => ({
      ...TEST_OPTIONS,
      sqlitePath: options.sqlitePath ?? (directory ??= makeDirectory()),
    }));
  }

  /**
   * A cache for unit tests that must not cache: every read is a miss, every write is accepted and dropped, every lock is
   * granted, and no file is opened. Arguments are checked as always.
   *
   * @throws {HC_OPTIONS_INVALID} at the start of the application
   */
  static stub(options: HyperCacheOptions = {}): DynamicModule {
    return moduleWith(stubEnvironment(), options, () => ({ role: 'primary' }));
  }
}

/** @param byDefault the options that apply when none is given */
function moduleWith(
  environment: HyperCacheEnvironment,
  { isGlobal, controllerDecorators, ...options }: HyperCacheOptions,
  byDefault: () => HyperCacheOptions,
): DynamicModule {
  return HyperCacheModule.forRootAsync({
    ...(isGlobal === undefined ? {} : { isGlobal }),
    ...(controllerDecorators === undefined ? {} : { controllerDecorators }),
    extraProviders: [{ provide: HYPERCACHE_ENVIRONMENT, useValue: environment }],
    useFactory: () => ({ ...byDefault(), ...options }),
  });
}

import { Module, type DynamicModule } from '@nestjs/common';
import {
  HYPERCACHE_ENVIRONMENT,
  HyperCacheModule,
  type Clock,
  type HyperCacheEnvironment,
  type HyperCacheOptions,
} from '../index.js';
import { makeDirectory, removeDirectory } from './test-directories.js';

/** @publicApi */
export interface HyperCacheTestOptions extends HyperCacheOptions {
  /** In place of the machine's clock; see `TestClock`. */
  clock?: Clock | undefined;
}

/**
 * The cache of an application that is under test.
 *
 * @publicApi
 */
@Module({})
export class HyperCacheTestingModule {
  /**
   * As `HyperCacheModule.forRoot`, for a test: a directory of its own, in memory where the system has one, which `app.close()`
   * removes; nothing waits for a disk (`durability: 'relaxed'`), no thread (`checkpoints: 'inline'`), no log lines. Applications that run
   * side by side never meet. What is given comes first.
   *
   * @throws {HC_OPTIONS_INVALID} at the start of the application
   */
  static forTest({ clock, ...given }: HyperCacheTestOptions = {}): DynamicModule {
    const { isGlobal, controllerDecorators, ...options } = given;
    let directory: string | undefined;
    const environment: HyperCacheEnvironment = {
      clock,
      onClosed: () => directory !== undefined && removeDirectory(directory),
    };
    return HyperCacheModule.forRootAsync({
      ...(isGlobal === undefined ? {} : { isGlobal }),
      ...(controllerDecorators === undefined ? {} : { controllerDecorators }),
      extraProviders: [{ provide: HYPERCACHE_ENVIRONMENT, useValue: environment }],
      useFactory: (): HyperCacheOptions => ({
        role: 'primary',
        durability: 'relaxed',
        checkpoints: 'inline',
        logger: false,
        sqlitePath: options.sqlitePath ?? (directory ??= makeDirectory()),
        ...options,
      }),
    });
  }
}

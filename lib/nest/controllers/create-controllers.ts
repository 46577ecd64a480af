import { Controller, VERSION_NEUTRAL, type Type } from '@nestjs/common';
import { AdminController } from './admin.controller.js';
import { BackupController } from './backup.controller.js';
import { CacheController } from './cache.controller.js';
import { FallbackController } from './fallback.controller.js';
import { ListingController } from './listing.controller.js';
import { LockController } from './lock.controller.js';
import { StatusController } from './status.controller.js';
import { SyncController } from './sync.controller.js';

/** In the order in which they are mounted. The fallback takes the remaining paths. */
const CONTROLLERS: readonly Type[] = [
  CacheController,
  LockController,
  ListingController,
  StatusController,
  SyncController,
  BackupController,
  AdminController,
  FallbackController,
];

/**
 * Creates each controller of the API as a new class, so that several applications in a process can differ.
 *
 * @param decorators applied as if written above each class, in this order
 * @internal
 */
export function createControllers(decorators: readonly ClassDecorator[]): Type[] {
  return CONTROLLERS.map((base) =>
    decorators.reduceRight<Type>((controller, decorate) => {
      const replaced: unknown = decorate(controller);
      return typeof replaced === 'function' ? (replaced as Type) : controller;
    }, subclassOf(base)),
  );
}

/**
 * Decides on which paths the controllers are. Call it before Nest builds its routes.
 *
 * @param platform the platform of the application: each one writes a wildcard differently
 * @internal
 */
export function placeControllers(
  controllers: readonly Type[],
  path: string,
  platform: string | undefined,
): void {
  const below = `${path}/${platform === 'fastify' ? '*' : '*path'}`;
  for (const controller of controllers) {
    const isFallback = controller.prototype instanceof FallbackController;
    Controller({ path: isFallback ? [path, below] : path, version: VERSION_NEUTRAL })(controller);
  }
}

function subclassOf(base: Type): Type {
  const controller = class extends base {};
  return Object.defineProperty(controller, 'name', { value: base.name });
}

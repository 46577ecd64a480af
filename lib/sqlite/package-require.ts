import { createRequire } from 'node:module';

/**
 * Finds packages from where this one stands. In the CommonJS build, which has no `import.meta`, its `__filename` takes its place:
 * scripts/build-cjs.mjs.
 *
 * @internal
 */
export const packageRequire = createRequire(import.meta.url);

import { join } from 'node:path';

/**
 * Finds packages from where this one stands, or the bundle that holds it. In the CommonJS build, which has no `import.meta`, its
 * `__filename` takes its place: scripts/build-cjs.mjs. A bundler that makes CommonJS leaves `import.meta` empty, and `__filename` is
 * that of the bundle. Bundlers put something of their own in the place of an imported `createRequire`: hence the detour.
 *
 * @internal
 */
export const packageRequire = process
  .getBuiltinModule('node:module')
  .createRequire(
    typeof __filename === 'string'
      ? __filename
      : (import.meta.url ?? join(process.cwd(), 'package.json')),
  );

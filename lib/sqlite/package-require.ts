import { join } from 'node:path';

/**
 * Finds packages from the place of this file, or of the bundle that contains it. The CommonJS build has no
 * `import.meta`, so scripts/build-cjs.mjs puts `__filename` in its place. A bundler that makes CommonJS leaves
 * `import.meta` empty, and `__filename` is that of the bundle. Bundlers also replace an imported `createRequire`, which
 * explains the detour.
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

import { afterEach, beforeEach } from '@jest/globals';

/** Hides the HYPERCACHE_ variables of the machine from the tests, and undoes what a test has set. */
export function useCleanEnvironment(): void {
  const saved = { ...process.env };
  beforeEach(() => {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('HYPERCACHE_')) delete process.env[name];
    }
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) {
      if (!(name in saved)) delete process.env[name];
    }
    Object.assign(process.env, saved);
  });
}

import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../architecture/support/source-files.js';

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly fullName: string;
      readonly status: string;
    }[];
  }[];
}

/** Each promise that is broken, and a test that must notice. */
const NOTICED: readonly (readonly [engine: string, failing: string])[] = [
  ['an engine that knows of no change', 'fencing: what happens to the key during the factory wins'],
  ['an engine that knows of no change', 'a new caller is not given what an older factory makes'],
  ['an engine that knows of no change', 'fencing of a background refresh'],
  ['an engine whose entries never expire', 'ttl in milliseconds'],
  ['an engine that deletes nothing', 'del '],
  ['an engine that gives a lease too many', 'exclusion'],
  ['an engine whose tokens do not grow', 'fence'],
];

/** Of each engine what may notice it: a suite that waits in vain takes its time. */
const MEANT = NOTICED.map(([engine, failing]) => `${engine}.*${failing}`).join('|');

/** Runs the contract suites on the sabotaged engines, in a process of their own. */
function runSabotaged(): Promise<Report> {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const args = ['--experimental-vm-modules', '--unhandled-rejections=warn', jest];
  const suites = ['test/contract/wrap.spec.ts', 'test/contract/cache-manager.spec.ts'];
  suites.push('test/contract/lock-contract.spec.ts');
  const flags = ['--json', '--runInBand', '--testTimeout=1000', `--testNamePattern=${MEANT}`];
  const env = { ...process.env, HYPERCACHE_TEST_ENGINES: 'sabotaged' };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...args, ...flags, ...suites],
      { cwd: root, env, maxBuffer: 2 ** 28 },
      (error, stdout) => {
        // It is to fail.
        if (stdout === '') reject(error ?? new Error('Nothing was reported.'));
        else resolve(JSON.parse(stdout) as Report);
      },
    );
  });
}

describe('The contract suites', () => {
  it('notice an engine that breaks a promise', async () => {
    const { testResults } = await runSabotaged();
    const failed = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => fullName);

    const unnoticed = NOTICED.filter(
      ([engine, failing]) =>
        !failed.some((name) => name.includes(engine) && name.includes(failing)),
    );
    expect(unnoticed).toEqual([]);
  });
});

// Runs the fault suites longer than `npm test` does, one after the other, and prints what they have measured.
//
//   npm run test:fault                          all of test/fault, each with its own factor
//   npm run test:fault -- cluster-kill          those whose names begin so
//   npm run test:fault -- --factor 50 cluster-kill
//
// HC_FAULT_SEED chooses another run. Ends with 1 if a suite fails.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'test/fault');

/** The HC_FAULT_FACTOR of each suite; each then takes minutes on two cores. */
const FACTORS = {
  'cluster-kill': 17,
  'cluster-mixed': 25,
  'cluster-network': 5,
  'cluster-restart': 5,
  'redis-history': 10,
};
const OTHERS = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { factor: { type: 'string' } },
});
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.spec.ts'))
  .map((file) => file.slice(0, -'.spec.ts'.length))
  .filter(
    (name) => positionals.length === 0 || positionals.some((wanted) => name.startsWith(wanted)),
  );
if (names.length === 0) {
  console.error(`No suite of test/fault begins with ${positionals.join(' or ')}.`);
  process.exit(1);
}

const results = [];
for (const name of names) {
  const factor = values.factor ?? String(FACTORS[name] ?? OTHERS);
  console.log(`\n${name}, factor ${factor}`);
  const startedAt = performance.now();
  const isPassed = await run(name, factor);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  results.push(`${isPassed ? 'passed' : 'FAILED'}  ${name}, factor ${factor}, ${seconds} s`);
  if (!isPassed) process.exitCode = 1;
}
console.log(`\n${results.join('\n')}`);

/** The output of jest and of the suite is passed on as it arrives. */
async function run(name, factor) {
  const jest = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--runInBand',
      join('test/fault', `${name}.spec.ts`),
    ],
    {
      cwd: root,
      env: { ...process.env, HC_FAULT_FACTOR: factor, HC_FAULT_REPORT: '1' },
      stdio: ['ignore', 'inherit', 'pipe'],
    },
  );
  for await (const line of createInterface(jest.stderr)) {
    if (line.trim() !== '') console.log(`  ${line}`);
  }
  if (jest.exitCode === null && jest.signalCode === null) await once(jest, 'exit');
  return jest.exitCode === 0;
}

// Runs a cluster under constant load and random faults for the given time:
//   npm run soak -- --minutes 10 [--plot soak.svg]
// It ends with 1 when anything in a process has grown by more than test/soak/flat.ts allows.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    plot: { type: 'string', default: 'storage/soak.svg' },
  },
});
const minutes = Number(values.minutes);
if (!(minutes >= 1)) {
  console.error('Usage: npm run soak -- --minutes <1 or more> [--plot <file>]');
  process.exit(2);
}
const jest = ['node_modules/jest/bin/jest.js', '--testMatch', '<rootDir>/test/soak/*.soak.ts'];
const { status } = spawnSync(
  process.execPath,
  ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...jest],
  {
    cwd: resolve(import.meta.dirname, '..'),
    stdio: 'inherit',
    env: {
      ...process.env,
      HC_SOAK_MINUTES: String(minutes),
      HC_SOAK_PLOT: resolve(values.plot),
    },
  },
);
process.exit(status ?? 1);

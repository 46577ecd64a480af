// Starts workers on one cache file and checks their locks: each report is made by exactly one worker, and no
// seat is sold twice.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseOptions, USAGE, type RaceOptions } from './race/options.js';
import { raceForReports } from './race/report-race.js';
import { raceForSeats } from './race/seat-race.js';
import { startWorkers, stopWorkers } from './race/worker.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

const say = (line: string): void => console.log(line);

try {
  const options = optionsOrUsage(process.argv.slice(2));
  process.exitCode = options === undefined ? 2 : await run(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

function optionsOrUsage(args: readonly string[]): RaceOptions | undefined {
  try {
    return parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

async function run(options: RaceOptions): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  process.once('SIGTERM', () => interrupt.abort());

  const directory = await mkdtemp(join(tmpdir(), 'hypercache-locks-'));
  const workers = await startWorkers(MAIN, options.workers, {
    HYPERCACHE_SQLITE_PATH: join(directory, 'cache'),
    REPORT_CRON: `${options.second ?? '*'} * * * * *`,
    SEATS: String(options.seats),
    SEATS_WITHOUT_LOCK: options.withoutLock ? '1' : '',
  });
  const ids = workers.map(({ id }) => id).join(', ');
  say(`Workers ${ids}, each a process of its own, all on one cache file. Ctrl-C ends.\n`);
  try {
    const results = [await raceForReports(workers, options, interrupt.signal, say)];
    if (!interrupt.signal.aborted) results.push(await raceForSeats(workers, options, say));
    const violations = results.flatMap((result) => result.violations);
    for (const violation of violations) say(violation);
    const summary = results.map((result) => result.summary).join('; ');
    say(`\n${violations.length === 0 ? 'OK' : 'VIOLATED'}: ${summary}`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    await stopWorkers(workers);
    await rm(directory, { recursive: true, force: true });
  }
}

// Runs benchmarks, all or the named ones, each in a process of its own, and prints which of the promised targets hold.
//
//   node bench/run.mjs [name...] [--full] [--quick] [--strict] [--rounds=9] [--ms=150] [--seconds=10]
//                      [--group=part of a comparison's title] [--only=part of a contender's name]
//                      [--directory=for the files] [--trace=file] [--results=directory for the results]
//                      [--report] [--publish]
//
// --full takes the largest sizes and the benchmarks that run for long; --report runs nothing, and reports the stored
// results; --publish writes tables and chart into the documents.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chartOf } from './chart.mjs';
import { Bench } from './harness.mjs';
import { describeMachine, printMachine } from './machine.mjs';
import { missingPeers } from './peers.mjs';
import { printTargets, summaryOf } from './summary.mjs';
import { printTable, significant } from './table.mjs';
import { boundOf } from './targets.mjs';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    seconds: { type: 'string' },
    group: { type: 'string' },
    only: { type: 'string' },
    directory: { type: 'string' },
    trace: { type: 'string' },
    results: { type: 'string' },
    report: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    headless: { type: 'boolean', default: false },
  },
});

/** They run under a steady load for a while, and compare nothing. */
const ONLY_FULL = ['backup', 'clear', 'cluster', 'open-loop'];

/** Rounds of each benchmark when all of them run, so that they end within minutes. */
const SHORT = ['--rounds=7', '--ms=80'];

const results =
  flags.results === undefined
    ? new URL('results/', import.meta.url)
    : pathToFileURL(`${resolve(flags.results)}/`);
mkdirSync(results, { recursive: true });

const known = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.bench.mjs'))
  .map((file) => file.slice(0, -'.bench.mjs'.length))
  .toSorted();
const unknown = positionals.filter((name) => !known.includes(name));
const names =
  positionals.length === 0
    ? known.filter((name) => flags.full || !ONLY_FULL.includes(name))
    : positionals;

if (flags.list || unknown.length > 0) {
  if (unknown.length > 0) console.error(`There is no benchmark named ${unknown.join(', ')}.`);
  console.log(`Benchmarks: ${known.join(', ')}`);
  process.exitCode = unknown.length > 0 ? 1 : 0;
} else if (flags.report) {
  await sumUp();
} else if (names.length === 1) {
  await runHere(names[0]);
} else {
  await runEach();
}

function resultFile(name) {
  return new URL(`${name}.json`, results);
}

async function runHere(name) {
  const machine = describeMachine();
  if (!flags.headless) printMachine(machine);
  const benchmark = await import(`./${name}.bench.mjs`);
  console.log(`${benchmark.name}: ${benchmark.title}\n`);
  const options = {
    full: flags.full,
    quick: flags.quick,
    rounds: Number(flags.rounds ?? (flags.quick ? 3 : 9)),
    roundMs: Number(flags.ms ?? (flags.quick ? 30 : 150)),
    seconds: Number(flags.seconds ?? (flags.quick ? 2 : 10)),
    group: flags.group,
    only: flags.only,
    directory: flags.directory,
    trace: flags.trace,
  };
  const bench = new Bench(options);
  try {
    await benchmark.run(bench);
  } finally {
    await bench.workshop.close();
  }
  const left = missingPeers();
  if (left !== '') console.log(`  ${left}\n`);
  const { comparisons, reports, verdicts } = bench;
  const result = { name, title: benchmark.title, machine, options, comparisons, reports, verdicts };
  writeFileSync(resultFile(name), `${JSON.stringify(result, null, 2)}\n`);
  if (flags.strict && verdicts.some(({ holds }) => holds === false)) process.exitCode = 2;
}

async function runEach() {
  printMachine(describeMachine());
  const own = fileURLToPath(import.meta.url);
  const passed = process.argv
    .slice(2)
    .filter((argument) => !positionals.includes(argument))
    .filter((flag) => flag !== '--strict' && flag !== '--publish');
  // The report at the end has only figures of this run.
  for (const name of known) rmSync(resultFile(name), { force: true });
  const crashed = [];
  for (const name of names) {
    const more = flags.full || flags.quick ? [] : SHORT.filter((flag) => !isGiven(flag));
    const { status } = spawnSync(
      process.execPath,
      [...process.execArgv, own, name, '--headless', ...passed, ...more],
      { stdio: 'inherit' },
    );
    if (status !== 0) crashed.push(name);
  }
  const isShort = await sumUp();
  if (crashed.length > 0) {
    console.error(`Crashed: ${crashed.join(', ')}`);
    process.exitCode = 1;
  } else if (flags.strict && isShort) process.exitCode = 2;
}

/** Prints the targets, and writes summary and chart; returns whether a target is missed. */
async function sumUp() {
  const summary = summaryOf(results, known);
  printTargets(summary);
  const others = shortOthers();
  if (others.length > 0) printTable(['short, of the other bounds', 'is', 'wanted'], others);
  const chart = chartOf(summary);
  writeFileSync(new URL('summary.json', results), `${JSON.stringify(summary, null, 2)}\n`);
  writeFileSync(new URL('benchmark.svg', results), chart);
  console.log(`Written: ${fileURLToPath(results)}summary.json, benchmark.svg and one file each.`);
  if (flags.publish) {
    const { publish } = await import('./publish.mjs');
    await publish(summary, chart);
    console.log('Published: README.md, docs/performance.md, docs/benchmark.svg.');
  }
  return others.length > 0 || summary.targets.some(({ holds }) => holds === false);
}

/** Bounds that do not hold, other than those of the promised targets. */
function shortOthers() {
  return known
    .filter((name) => existsSync(resultFile(name)))
    .flatMap((name) => {
      const { verdicts } = JSON.parse(readFileSync(resultFile(name), 'utf8'));
      return verdicts
        .filter(({ id, holds }) => id === undefined && holds === false)
        .map((verdict) => shortRow({ ...verdict, what: `${name}, ${verdict.what}` }));
    });
}

function shortRow({ what, ratio, value, unit, atLeast, atMost }) {
  return ratio === undefined
    ? [what, `${significant(value)} ${unit}`, boundOf({ atLeast, atMost }, ` ${unit}`)]
    : [what, `${significant(ratio)}x`, boundOf({ atLeast, atMost })];
}

function isGiven(flag) {
  const [name] = flag.split('=');
  return process.argv.some((argument) => argument.startsWith(name));
}

// Runs benchmarks: all, or those that are named, each in a process of its own.
//
//   node bench/run.mjs [name...] [--quick] [--strict] [--rounds=9] [--ms=150] [--seconds=10]
//                      [--group=part of a comparison's title] [--only=part of a contender's name]
//                      [--directory=where the files stand]
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bench } from './harness.mjs';
import { describeMachine, printMachine } from './machine.mjs';
import { missingPeers } from './peers.mjs';
import { printTable, significant } from './table.mjs';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    seconds: { type: 'string' },
    group: { type: 'string' },
    only: { type: 'string' },
    directory: { type: 'string' },
    list: { type: 'boolean', default: false },
    headless: { type: 'boolean', default: false },
  },
});

const known = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.bench.mjs'))
  .map((file) => file.slice(0, -'.bench.mjs'.length))
  .toSorted();
const unknown = positionals.filter((name) => !known.includes(name));
const names = positionals.length === 0 ? known : positionals;

if (flags.list || unknown.length > 0) {
  if (unknown.length > 0) console.error(`There is no benchmark named ${unknown.join(', ')}.`);
  console.log(`Benchmarks: ${known.join(', ')}`);
  process.exitCode = unknown.length > 0 ? 1 : 0;
} else if (names.length === 1) {
  await runHere(names[0]);
} else {
  runEach();
}

function resultFile(name) {
  return new URL(`results/${name}.json`, import.meta.url);
}

async function runHere(name) {
  const machine = describeMachine();
  if (!flags.headless) printMachine(machine);
  const benchmark = await import(`./${name}.bench.mjs`);
  console.log(`${benchmark.name}: ${benchmark.title}\n`);
  const options = {
    quick: flags.quick,
    rounds: Number(flags.rounds ?? (flags.quick ? 3 : 9)),
    roundMs: Number(flags.ms ?? (flags.quick ? 30 : 150)),
    seconds: Number(flags.seconds ?? (flags.quick ? 2 : 10)),
    group: flags.group,
    only: flags.only,
    directory: flags.directory,
  };
  const bench = new Bench(options);
  try {
    await benchmark.run(bench);
  } finally {
    await bench.workshop.close();
  }
  const left = missingPeers();
  if (left !== '') console.log(`  ${left}\n`);
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  const { comparisons, reports, verdicts } = bench;
  const result = { name, title: benchmark.title, machine, options, comparisons, reports, verdicts };
  writeFileSync(resultFile(name), `${JSON.stringify(result, null, 2)}\n`);
  if (flags.strict && verdicts.some(({ holds }) => holds === false)) process.exitCode = 2;
}

function runEach() {
  printMachine(describeMachine());
  const own = fileURLToPath(import.meta.url);
  const passed = process.argv.slice(2).filter((argument) => !positionals.includes(argument));
  const crashed = [];
  const verdicts = [];
  for (const name of names) {
    const { status } = spawnSync(
      process.execPath,
      [
        ...process.execArgv,
        own,
        name,
        '--headless',
        ...passed.filter((flag) => flag !== '--strict'),
      ],
      { stdio: 'inherit' },
    );
    if (status !== 0) {
      crashed.push(name);
      continue;
    }
    const result = JSON.parse(readFileSync(resultFile(name), 'utf8'));
    for (const verdict of result.verdicts) {
      verdicts.push({ ...verdict, what: `${name}, ${verdict.what}` });
    }
  }
  const judged = verdicts.filter(({ holds }) => holds !== undefined);
  const short = judged.filter(({ holds }) => !holds);
  console.log(`Targets: ${judged.length - short.length} of ${judged.length} hold.\n`);
  if (short.length > 0) printTable(['short', 'is', 'target'], short.map(shortRow));
  if (crashed.length > 0) console.error(`Crashed: ${crashed.join(', ')}`);
  if (crashed.length > 0) process.exitCode = 1;
  else if (flags.strict && short.length > 0) process.exitCode = 2;
}

function shortRow({ what, ratio, atLeast, value, unit, atMost }) {
  return ratio === undefined
    ? [
        what,
        `${significant(value)} ${unit}`,
        atMost === undefined ? `>= ${atLeast} ${unit}` : `<= ${atMost} ${unit}`,
      ]
    : [what, `${significant(ratio)}x`, `>= ${atLeast}x`];
}

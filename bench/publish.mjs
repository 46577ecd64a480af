import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { fileURLToPath } from 'node:url';
import { figureOf, rangeOf, speedText, wordOf } from './summary.mjs';
import { significant } from './table.mjs';
import { boundOf } from './targets.mjs';

const ROOT = new URL('../', import.meta.url);
const CHART = 'docs/benchmark.svg';

/**
 * Writes what was measured between the markers of the documents, so that no figure is typed by hand.
 *
 * @param {ReturnType<typeof import('./summary.mjs').summaryOf>} summary
 * @param {string} chart
 */
export async function publish(summary, chart) {
  writeFileSync(new URL(CHART, ROOT), chart);
  await rewrite('README.md', { speeds: speedsOf(summary) });
  await rewrite('docs/performance.md', {
    run: runOf(summary),
    targets: targetsOf(summary),
    figures: figuresOf(summary),
  });
}

async function rewrite(path, sections) {
  const file = fileURLToPath(new URL(path, ROOT));
  let text = readFileSync(file, 'utf8');
  for (const [name, section] of Object.entries(sections)) {
    const begin = `<!-- bench: ${name} -->`;
    const end = '<!-- bench: end -->';
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`${path} has no section between ${begin} and ${end}.`);
    text = `${text.slice(0, from + begin.length)}\n\n${section}\n\n${text.slice(to)}`;
  }
  const config = await resolveConfig(file);
  writeFileSync(file, await format(text, { ...config, filepath: file }));
}

function speedsOf({ machine, options, speeds: { columns, rows } }) {
  return [
    `Operations a second, values of 150 B unless said otherwise, one at a time unless said otherwise: medians of ` +
      `${options.rounds} rounds, all contenders by turns in one run. ${whereOf(machine)}. ` +
      'The peers in memory lose everything at a restart, and share nothing between processes.',
    '',
    tableOf(
      ['', ...columns],
      rows.map(({ label, speeds }) => [label, ...speeds.map(speedText)]),
    ),
    '',
    `![The same as bars](${CHART})`,
  ].join('\n');
}

function runOf({ machine, options }) {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return (
    `${whereOf(machine)}; ${machine.system.split(', ')[1]}; ${versions.join(', ')}. Medians of ${options.rounds} rounds of ${options.roundMs} ms, ` +
    'all contenders by turns.'
  );
}

function targetsOf({ targets }) {
  return tableOf(
    ['what', 'is', 'rounds', 'wanted', 'holds'],
    targets.map((target) => {
      const holds = wordOf(target) === 'PASS' ? 'yes' : wordOf(target).replace('short', '**no**');
      const wanted = boundOf(target, target.unit);
      return [target.row, figureOf(target), rangeOf(target), wanted, holds];
    }),
  );
}

function figuresOf({ reports }) {
  return reports
    .map(({ name, title, reports: tables }) => {
      const rows = tables.flatMap(({ title: of, rows: figures }) =>
        figures.map(({ what, value, unit, atLeast, atMost }) => [
          of,
          what,
          `${significant(value)} ${unit}`.trim(),
          boundOf({ atLeast, atMost }, ` ${unit}`).trim(),
        ]),
      );
      return `### ${name}\n\n${capital(title)}.\n\n${tableOf(['', 'figure', 'is', 'wanted'], rows)}`;
    })
    .join('\n\n');
}

function whereOf({ date, cpu, memory, node }) {
  return `${date.slice(0, 10)}, ${cpu}, ${memory}, Node ${node.slice(1)}`;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function tableOf(head, rows) {
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

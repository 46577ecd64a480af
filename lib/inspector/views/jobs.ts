import type { RunInfo } from '../../index.js';
import { formatCount, formatDuration } from '../format.js';
import { markup, type Html, type Part } from '../markup.js';
import type { InspectorContext } from '../inspector-context.js';
import type { JobRecord } from '../job-log.js';
import { badge, section, table } from './parts.js';
import type { View } from './view.js';

/** How many jobs are shown. A secondary asks the primary for each of them. */
const MAX_SHOWN = 50;

/** The last run of each job, on any node, and the jobs that this process was asked to run. @internal */
export const jobs: View = {
  path: 'jobs',
  title: 'Jobs',
  isLive: false,
  async render(context) {
    const runs = await lastRuns(context);
    return markup`${section(
      'The last run of each, on all nodes',
      table({
        caption: 'Last runs',
        columns: ['Job', 'Outcome', 'Started', { number: 'Took' }, 'Instant', 'Where'],
        rows: runs.map(([name, run]): Part[] => [
          name,
          outcomeOf(run),
          time(run.startedAt),
          run.finishedAt === undefined ? '–' : formatDuration(run.finishedAt - run.startedAt),
          time(run.slot),
          run.node,
        ]),
        empty: 'No job has run yet.',
      }),
    )}
    ${section('What this process was asked to run', asked(context.jobs.records))}`;
  },
};

/** Reads the last runs from this node's file if it has them, or from the primary for the jobs that this process knows. */
async function lastRuns({
  node,
  cache,
  jobs: log,
}: InspectorContext): Promise<[string, RunInfo][]> {
  const { role } = cache.health();
  if (role === 'primary') {
    const runs = node.listing?.runs(MAX_SHOWN) ?? [];
    return runs.map(({ name, slot, startedAt, finishedAt, ok, node: where }) => {
      const info = { slot, startedAt, node: where };
      return [name, finishedAt === null || ok === null ? info : { ...info, finishedAt, ok }];
    });
  }
  const names = log.records.slice(0, MAX_SHOWN).map(({ name }) => name);
  const runs = await Promise.all(names.map((name) => cache.lastRun(name)));
  return names.flatMap((name, at) => {
    const run = runs[at];
    return run === undefined ? [] : [[name, run] satisfies [string, RunInfo]];
  });
}

function asked(records: readonly JobRecord[]): Html {
  return table({
    caption: 'Asked to run',
    columns: [
      'Job',
      'Last outcome',
      'At',
      { number: 'Ran well' },
      { number: 'Failed' },
      { number: 'Left out' },
      { number: 'Ran already' },
      { number: 'Not possible' },
    ],
    rows: records
      .slice(0, MAX_SHOWN)
      .map((job): Part[] => [
        job.name,
        badge(job.lastOutcome, toneOf(job.lastOutcome)),
        time(job.lastAt),
        count(job, 'ok'),
        count(job, 'failed'),
        count(job, 'skipped'),
        count(job, 'running'),
        formatCount((job.counts.skewed ?? 0) + (job.counts.unavailable ?? 0)),
      ]),
    empty: 'Nothing yet.',
  });
}

function count({ counts }: JobRecord, outcome: keyof JobRecord['counts']): string {
  return formatCount(counts[outcome] ?? 0);
}

function outcomeOf({ ok, finishedAt }: RunInfo): Html {
  if (finishedAt === undefined) return badge('runs, or was cut short', 'warn');
  return ok === true ? badge('ended well', 'good') : badge('failed', 'bad');
}

function toneOf(outcome: JobRecord['lastOutcome']): 'good' | 'bad' | 'plain' {
  if (outcome === 'ok') return 'good';
  return outcome === 'skipped' || outcome === 'running' ? 'plain' : 'bad';
}

/** A moment in UTC, with its day. */
function time(at: number): Html {
  const text = new Date(at).toISOString();
  return markup`<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')}</time>`;
}

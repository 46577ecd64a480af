import type { FactoryRecord } from '../factory-log.js';
import { formatCount, formatDuration } from '../format.js';
import { markup, type Html, type Part } from '../markup.js';
import { keyLink } from './entry.js';
import { badge, section, table } from './parts.js';
import type { View, ViewRequest } from './view.js';

/** The factories of `wrap`: the slowest, those that fail, and the numbers of each namespace. @internal */
export const factories: View = {
  path: 'factories',
  title: 'Factories',
  isLive: true,
  async render({ cache, factories: log, options }, request) {
    const { caches } = await cache.stats();
    const used = Object.entries(caches).filter(([, counters]) => counters.factories > 0);
    return markup`${section(
      'By namespace',
      table({
        caption: 'Factories by namespace',
        columns: [
          'Namespace',
          { number: 'Calls' },
          { number: 'In the background' },
          { number: 'Failures' },
          { number: 'Timeouts' },
          { number: 'Throttled' },
          { number: 'Not stored' },
        ],
        rows: used.map(([name, c]): Part[] => [
          name,
          ...[
            c.factories,
            c.refreshes,
            c.factoryErrors,
            c.factoryTimeouts,
            c.throttled,
            c.fillsRefused,
          ].map(formatCount),
        ]),
        empty: 'No factory was called.',
      }),
      'by-namespace',
    )}
    ${section('The slowest', slowest(log.slowest, request), 'slowest')}
    ${section('Those that failed', failing(log.failing, request, options.values), 'failing')}`;
  },
};

function slowest(records: readonly FactoryRecord[], request: ViewRequest): Html {
  return table({
    caption: 'The slowest factories',
    columns: [
      'Key',
      'Namespace',
      { number: 'Slowest' },
      { number: 'Mean' },
      { number: 'Calls' },
      'Last outcome',
    ],
    rows: records.map((record): Part[] => [
      keyLink(request, record.namespace, record.key),
      record.namespace,
      formatDuration(record.slowestMs),
      formatDuration(record.totalMs / record.calls),
      formatCount(record.calls),
      badge(record.lastOutcome, toneOf(record.lastOutcome)),
    ]),
    empty: 'No factory has ended yet.',
  });
}

function failing(records: readonly FactoryRecord[], request: ViewRequest, values: boolean): Html {
  return table({
    caption: 'Factories that failed',
    columns: [
      'Key',
      'Namespace',
      { number: 'Failures' },
      { number: 'Calls' },
      'Last error',
      ...(values ? ['Message'] : []),
    ],
    rows: records.map((record): Part[] => [
      keyLink(request, record.namespace, record.key),
      record.namespace,
      formatCount(record.failures),
      formatCount(record.calls),
      markup`<code>${record.lastError}</code>`,
      ...(values ? [record.lastMessage] : []),
    ]),
    empty: 'None has failed.',
  });
}

function toneOf(outcome: string): 'good' | 'bad' | 'plain' {
  if (outcome === 'stored') return 'good';
  return outcome === 'failed' || outcome === 'timeout' ? 'bad' : 'plain';
}

import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CacheEvents } from '../../lib/common/events.js';
import { FACTORY_DURATION, LOCK_WAIT_DURATION } from '../../lib/otel/durations.js';
import { INSTRUMENTS } from '../../lib/otel/instruments.js';
import { useDirectClusters } from '../support/clusters.js';
import {
  FACTORY_DURATION as PROMETHEUS_FACTORY_DURATION,
  METRICS,
} from '../../lib/prometheus/metrics.js';
import { librarySources, root } from './support/source-files.js';

const document = ['docs/observability.md', 'docs/prometheus.md']
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

/** The rows of the table whose first column has this title, cell by cell. */
function table(title: string): string[][] {
  const lines = document.split('\n').map((line) => line.split(/(?<!\\)\|/).map((c) => c.trim()));
  const from = lines.findIndex((cells) => cells[1] === title);
  const rows = lines.slice(from + 2);
  return rows.slice(
    0,
    rows.findIndex((cells) => cells.length < 3),
  );
}

/** The names of the fields of an interface. */
function fieldsOf(source: string, type: string): string[] {
  const body = source.split(`interface ${type} {`)[1]?.split('\n}')[0] ?? '';
  return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm), ([, field = '']) => field);
}

const names = (cell: string | undefined): string[] => cell?.match(/[a-zA-Z0-9_]+/g) ?? [];

describe('docs/observability.md and docs/prometheus.md', () => {
  const clusters = useDirectClusters();

  it('has a row for each event, and no other', () => {
    const documented = table('event').map(([, event]) => event?.replaceAll('`', ''));

    expect(documented.toSorted()).toEqual(Object.keys(new CacheEvents().topics).toSorted());
  });

  it('has a row for each tracing channel, with what its message has, and no other', () => {
    const documented = table('tracing channel').map(([, channel, fields]) => [
      channel?.replaceAll('`', ''),
      names(fields),
    ]);

    const source = readFileSync(join(root, 'lib/common/traces.ts'), 'utf8');
    const messages = source.matchAll(/new Tracing<(\w+)>\('([^']+)'\)/g);
    const told = Array.from(messages, ([, type = '', name]) => [
      `tracing:${name}:*`,
      fieldsOf(source, type),
    ]);
    expect(told.length).toBeGreaterThan(0);
    expect(documented).toEqual(told);
  });

  it('names every channel that the library opens', () => {
    const opening = /\b(?:tracingChannel|channel|Tracing)(?:<[^>]*>)?\(\s*'([^']+)'/g;
    const opened = librarySources().flatMap(({ text }) =>
      Array.from(text.matchAll(opening), ([whole, name = '']) =>
        /^tracing/i.test(whole) ? `tracing:${name}:*` : name.replace(/^(tracing:.*):\w+$/, '$1:*'),
      ),
    );

    const named = [
      ...table('event').map(([, event = '']) => `hypercache:${event.replaceAll('`', '')}`),
      ...table('tracing channel').map(([, channel = '']) => channel.replaceAll('`', '')),
    ];
    expect([...new Set(opened)].toSorted()).toEqual(named.toSorted());
  });

  it('has a row for each metric, with its type, labels and help, and no other', () => {
    const documented = table('metric').map(([, name, type, labels, help]) => [
      names(name).join(''),
      type,
      names(labels),
      help,
    ]);

    expect(documented).toEqual(
      [...METRICS, PROMETHEUS_FACTORY_DURATION].map(({ name, type, labels, help }) => [
        name,
        type,
        labels,
        help,
      ]),
    );
  });

  it('has a row for each instrument of OpenTelemetry, as it is made, and no other', () => {
    const documented = table('instrument').map(([, name, type, unit, attributes, description]) => [
      name?.replaceAll('`', ''),
      type,
      unit?.replaceAll('`', ''),
      attributes?.match(/[a-z.]+/g) ?? [],
      description,
    ]);

    const made = [
      ...INSTRUMENTS,
      ...[FACTORY_DURATION, LOCK_WAIT_DURATION].map((one) => ({ ...one, type: 'histogram' })),
    ];
    expect(documented).toEqual(
      made.map(({ name, type, unit, attributes, description }) => [
        name,
        type,
        unit,
        attributes,
        description,
      ]),
    );
  });

  it('names every number of stats(), and no other', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary, { asyncRequests: true });
    await cache.set('a', 1);
    const stats = { ...(await primary.stats()), ...(await node.stats()) };
    const rows = table('field');

    const fields = rows.flatMap(([, field]) => names(field)[0] ?? []);
    expect([...new Set(fields)].toSorted()).toEqual(Object.keys(stats).toSorted());
    const textOf = (field: string): string[] =>
      rows.filter((row) => names(row[1])[0] === field).flatMap((row) => names(row.join(' ')));
    const nested = {
      caches: stats.caches['default'],
      ratios: stats.ratios,
      l1: stats.l1,
      l2: stats.l2,
      replica: stats.replica,
      outbox: stats.outbox,
      replicas: stats.replicas?.[0],
    };
    for (const [field, numbers] of Object.entries(nested)) {
      expect(numbers).toBeDefined();
      expect(textOf(field)).toEqual(expect.arrayContaining(Object.keys(numbers ?? {})));
    }
  });
});

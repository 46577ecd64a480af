import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { registerHyperCacheMetrics } from 'nestjs-hypercache/prometheus';
import { Registry } from 'prom-client';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { useDirectClusters } from '../support/clusters.js';
import { labelsByMetric } from '../support/exposition.js';

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../dashboards/${name}`, import.meta.url)), 'utf8');

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboard: {
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; query: unknown }[] };
} = JSON.parse(read('hypercache.json'));

const expressionsOf = ({ targets = [] }: Panel): string[] => targets.map(({ expr }) => expr);

/** Of PromQL: each metric, and the labels by which it is chosen. */
function usesOf(expression: string): (readonly [metric: string, labels: string[]])[] {
  const uses = expression.matchAll(/(hypercache_\w+)(?:\{([^}]*)\})?/g);
  return Array.from(uses, ([, metric = '', selector = '']) => [
    metric,
    Array.from(selector.matchAll(/(\w+)\s*[=!]/g), ([, label = '']) => label),
  ]);
}

/** By which it is summed up. */
const groupsOf = (expression: string): string[] =>
  Array.from(expression.matchAll(/\bby \(([^)]*)\)/g), ([, by = '']) => by.split(/,\s*/)).flat();

/** What a scrape adds to each metric. */
const OF_SCRAPE = ['instance', 'job'];

describe('dashboards/', () => {
  const clusters = useDirectClusters();

  /** What a primary and a secondary show, after some of everything. */
  async function shown(): Promise<Map<string, Set<string>>> {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary, { asyncRequests: true });
    const registries = [primary, node].map((each) => {
      const registry = new Registry();
      registerHyperCacheMetrics(new HyperCache(each, each.cache('default')), { registry });
      return registry;
    });
    await cache.set('a', 1);
    await cache.wrap('b', () => 1);
    await node.flush();
    await primary.cache('default').set('b', 1);
    const texts = await Promise.all(registries.map((registry) => registry.metrics()));
    return labelsByMetric(texts.join('\n'));
  }

  it('name only metrics that the exporter shows, with labels that they have', async () => {
    const metrics = await shown();
    const alerts = Array.from(read('alerts.yml').matchAll(/expr: (.+)/g), ([, expr = '']) => expr);
    const queries = dashboard.templating.list.map(({ query }) => JSON.stringify(query));
    const expressions = [...dashboard.panels.flatMap(expressionsOf), ...alerts];
    expect(expressions.length).toBeGreaterThan(30);

    const wrong: string[] = [];
    for (const expression of [...expressions, ...queries]) {
      for (const [metric, labels] of usesOf(expression)) {
        const known = metrics.get(metric);
        if (known === undefined) wrong.push(`${metric} in ${expression}`);
        for (const label of [...labels, ...groupsOf(expression)]) {
          if (known === undefined || known.has(label) || OF_SCRAPE.includes(label)) continue;
          wrong.push(`${metric} has no ${label}: ${expression}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('show every metric of the exporter', async () => {
    const drawn = new Set(
      dashboard.panels
        .flatMap(expressionsOf)
        .flatMap(usesOf)
        .map(([m]) => m),
    );
    const metrics = [...(await shown()).keys()].filter((name) => !/_(sum|count)$/.test(name));

    expect(metrics.filter((metric) => !drawn.has(metric))).toEqual([]);
  });

  it('choose the data source, the instances and the namespaces by variables', () => {
    const { panels, templating, schemaVersion } = dashboard;

    expect(schemaVersion).toBe(41);
    expect(templating.list.map(({ name }) => name)).toEqual([
      'datasource',
      'instance',
      'namespace',
    ]);
    const charts = panels.filter(({ type }) => type !== 'row');
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const expression of charts.flatMap(expressionsOf)) {
      expect(expression).toContain('instance=~"$instance"');
    }
    expect(read('hypercache.json').match(/"uid": "(?!\$\{datasource\}|hypercache")/)).toBeNull();
    const places = charts.map(({ gridPos: { x, y, w } }) => [x + w <= 24, `${x},${y}`] as const);
    expect(places.every(([fits]) => fits)).toBe(true);
    expect(new Set(places.map(([, place]) => place)).size).toBe(charts.length);
  });

  it('have an alert for each sign that docs/prometheus.md says to watch', () => {
    const document = readFileSync(
      fileURLToPath(new URL('../../docs/prometheus.md', import.meta.url)),
      'utf8',
    );
    const alerts = Array.from(
      read('alerts.yml').matchAll(/- alert: (\w+)[^]*?expr: .*?(hypercache_\w+)/g),
      ([, alert, metric]) => [alert, metric],
    );

    const section = document.split('\n## Alerts\n')[1] ?? '';
    const rows = Array.from(
      section.matchAll(/^\| `(HyperCache\w+)` *\| `(hypercache_\w+)/gm),
      ([, alert, metric]) => [alert, metric],
    );
    expect(alerts).toHaveLength(5);
    expect(rows).toEqual(alerts);
  });
});

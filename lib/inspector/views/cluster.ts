import type { DeadLetterInfo, HyperCacheStats } from '../../index.js';
import { formatBytes, formatCount, formatDuration, formatTime } from '../format.js';
import { markup, type Html, type Part } from '../markup.js';
import { badge, section, table, tiles } from './parts.js';
import type { View } from './view.js';

const MAX_LETTERS = 50;

/** The place of the node in the cluster. @internal */
export const cluster: View = {
  path: 'cluster',
  title: 'Cluster',
  isLive: true,
  async render({ cache }) {
    const stats = await cache.stats();
    const letters = stats.outbox === undefined ? [] : await cache.deadLetters(MAX_LETTERS);
    return markup`${section('This node', node(stats), 'node')}
    ${stats.replica !== undefined && section('The primary', primary(stats.replica, stats.outbox), 'primary')}
    ${stats.outbox !== undefined && section('Writes that the primary has refused', deadLetters(letters), 'letters')}
    ${stats.replicas !== undefined && section('Replicas that follow', replicas(stats.replicas), 'replicas')}`;
  },
};

function node({ role, historyId, epoch, revision }: HyperCacheStats): Html {
  return markup`${tiles([
    { name: 'Role', value: role },
    { name: 'Revision', value: formatCount(revision) },
    { name: 'Epoch', value: String(epoch) },
  ])}
    <p>History <code>${historyId}</code></p>`;
}

function primary(
  replica: NonNullable<HyperCacheStats['replica']>,
  outbox: HyperCacheStats['outbox'],
): Html {
  const { isConnected, isReady, isStale, lag, lagMs, snapshots, connected, lost } = replica;
  return markup`<p>
      ${isConnected ? badge('connected', 'good') : badge('the primary is away', 'bad')}
      ${isReady ? badge('reads are served here', 'good') : badge('reads go to the primary', 'warn')}
      ${isStale && badge('reads find nothing until the primary is back', 'bad')}
    </p>
    ${tiles([
      { name: 'Lag', value: formatDuration(lagMs), note: `${formatCount(lag)} revisions` },
      { name: 'Connections', value: formatCount(connected), note: `${formatCount(lost)} lost` },
      { name: 'Snapshots', value: formatCount(snapshots) },
      ...(outbox === undefined
        ? []
        : [
            {
              name: 'Outbox',
              value: formatCount(outbox.entries),
              note: `${formatBytes(outbox.bytes)} wait for the primary`,
            },
            { name: 'Dead letters', value: formatCount(outbox.deadLetters) },
          ]),
    ])}`;
}

function deadLetters(letters: readonly DeadLetterInfo[]): Html {
  return table({
    caption: 'Dead letters',
    columns: ['Refused', 'Code', 'Write', 'Namespace', 'Key'],
    rows: letters.map(({ at, code, kind, namespace, key }): Part[] => [
      markup`<time datetime="${new Date(at).toISOString()}">${formatTime(at)}</time>`,
      code,
      kind,
      namespace,
      markup`<span class="key">${key}</span>`,
    ]),
    empty: 'None was refused.',
  });
}

function replicas(list: NonNullable<HyperCacheStats['replicas']>): Html {
  return table({
    caption: 'Replicas',
    columns: [
      'Replica',
      { number: 'Revision' },
      { number: 'Behind' },
      'State',
      { number: 'Waits to be sent' },
    ],
    rows: list.map(({ id, revision, lag, snapshot, bufferedBytes }): Part[] => [
      markup`<code>${id}</code>`,
      formatCount(revision),
      formatCount(lag),
      snapshot ? badge('copies everything', 'warn') : badge('follows', 'good'),
      formatBytes(bufferedBytes),
    ]),
    empty: 'No replica follows this node.',
  });
}

import type { CacheStats } from '../../index.js';
import { formatCount, formatRatio } from '../format.js';
import { markup, type Html, type Part } from '../markup.js';
import { actionButton, section, table } from './parts.js';
import type { View, ViewRequest } from './view.js';

const MAX_SHOWN = 200;
const UNUSED = ['–', '–', '–', '–', '–', '–'] as const;

/** What each namespace holds, and how this process has used it. @internal */
export const namespaces: View = {
  path: 'namespaces',
  title: 'Namespaces',
  isLive: true,
  async render({ cache, node, options }, request) {
    const { caches } = await cache.stats();
    const { listing } = node;
    const names = new Set([...(listing?.names() ?? []), ...Object.keys(caches)]);
    const shown = Array.from(names).toSorted().slice(0, MAX_SHOWN);
    const rows = shown.map((name): Part[] => [
      keysLink(name, request),
      listing === undefined ? '–' : formatCount(listing.count(name)),
      ...usageOf(caches[name]),
      options.actions && clearButton(name),
    ]);
    const hidden = names.size - shown.length;
    return section(
      'Entries and use since the start of this process',
      [
        table({
          caption: 'Namespaces',
          columns: [
            'Namespace',
            { number: 'Entries' },
            { number: 'Hit ratio' },
            { number: 'Hits' },
            { number: 'Misses' },
            { number: 'Sets' },
            { number: 'Deletes' },
            { number: 'Factories' },
            ...(options.actions ? ['Action'] : []),
          ],
          rows: options.actions ? rows : rows.map((row) => row.slice(0, -1)),
          empty: 'Nothing was stored yet.',
        }),
        hidden > 0 && markup`<p class="hint">${formatCount(hidden)} more are not shown.</p>`,
      ],
      'namespaces',
    );
  },
};

function keysLink(namespace: string, { links }: ViewRequest): Html {
  return markup`<a href="${links.to('keys', { namespace })}">${namespace}</a>`;
}

function usageOf(stats: CacheStats | undefined): readonly string[] {
  if (stats === undefined) return UNUSED;
  const { l1Hits, l2Hits, primaryHits, staleHits, misses, sets, deletes, factories } = stats;
  const hits = l1Hits + l2Hits + primaryHits;
  const { ratios } = stats;
  return [
    hits + staleHits + misses === 0 ? '–' : formatRatio(ratios.total + ratios.stale),
    ...[hits, misses, sets, deletes, factories].map(formatCount),
  ];
}

function clearButton(namespace: string): Html {
  const question = `Delete all entries of the namespace ${namespace}?`;
  return actionButton('Clear', 'clear', question, { namespace });
}

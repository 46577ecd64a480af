import { markup } from '../markup.js';
import { listingOf } from '../listing.js';
import { entryDetails } from './entry.js';
import { entryTable, pager, searchForm } from './listing-parts.js';
import { section } from './parts.js';
import type { View } from './view.js';

const PAGE_ROWS = 100;

/** The entries of a namespace, page by page; with a key in the query, one entry. @internal */
export const keys: View = {
  path: 'keys',
  title: 'Keys',
  isLive: false,
  render(context, request) {
    const listing = listingOf(context.node);
    const namespace = request.query.get('namespace') ?? context.cache.namespace;
    const key = request.query.get('key');
    if (key !== null) return entryDetails(context, request, { namespace, key });
    const prefix = request.query.get('prefix') ?? '';
    const after = request.query.get('after') ?? '';
    const page = listing.page({ namespace, prefix, after, limit: PAGE_ROWS, values: false });
    const form = { view: 'keys', label: 'Keys that begin with', namespace, prefix };
    return markup`${searchForm(listing.names(), form, request)}
      ${section(`Keys of ${namespace}`, [
        entryTable(context, request, namespace, page.entries),
        pager(request, 'keys', { namespace, prefix }, page.next),
      ])}`;
  },
};

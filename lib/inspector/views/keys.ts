import { formatBytes, formatDuration } from '../format.js';
import { markup, type Html, type Part } from '../html.js';
import type { InspectorContext } from '../inspector-context.js';
import { listingOf, type ListedEntry } from '../listing.js';
import { deleteButton, entryDetails, keyLink, tagLinks } from './entry.js';
import { section, table } from './parts.js';
import type { View, ViewRequest } from './view.js';

const PAGE_ROWS = 100;
/** Namespaces that the form offers. */
const MAX_OFFERED = 200;

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
    return markup`${searchForm(listing.names(), namespace, prefix, request)}
    ${section(`Keys of ${namespace}`, [
      entryTable(context, request, namespace, page.entries),
      pager(request, { namespace, prefix }, after, page.next),
    ])}`;
  },
};

function searchForm(
  names: readonly string[],
  namespace: string,
  prefix: string,
  { links }: ViewRequest,
): Html {
  const offered = Array.from(new Set([namespace, ...names.slice(0, MAX_OFFERED)])).toSorted();
  const optionOf = (name: string): Html =>
    markup`<option value="${name}" ${name === namespace && markup`selected`}>${name}</option>`;
  return markup`<form class="search" method="get" action="${links.to('keys')}">
    <label>Namespace <select name="namespace">${offered.map(optionOf)}</select></label>
    <label class="wide">
      Keys that begin with
      <input name="prefix" value="${prefix}" autocomplete="off" spellcheck="false" />
    </label>
    <button type="submit">Show</button>
  </form>`;
}

function entryTable(
  { options }: InspectorContext,
  request: ViewRequest,
  namespace: string,
  entries: readonly ListedEntry[],
): Html {
  return table({
    caption: `Keys of ${namespace}`,
    columns: [
      'Key',
      { number: 'Fresh for' },
      { number: 'Size' },
      { number: 'Revision' },
      'Tags',
      ...(options.actions ? ['Action'] : []),
    ],
    rows: entries.map(({ key, ttl, bytes, revision, tags }): Part[] => [
      keyLink(request, namespace, key),
      ttl === null ? 'ever' : formatDuration(ttl),
      formatBytes(bytes),
      revision,
      tagLinks(request, namespace, tags),
      ...(options.actions ? [deleteButton(namespace, key)] : []),
    ]),
    empty: 'No fresh entry on this page.',
  });
}

function pager(
  { links }: ViewRequest,
  query: { namespace: string; prefix: string },
  after: string,
  next: string | undefined,
): Html {
  return markup`<nav class="pager" aria-label="Pages">
    ${after !== '' && markup`<a href="${links.to('keys', query)}">First page</a>`}
    ${next !== undefined && markup`<a href="${links.to('keys', { ...query, after: next })}">Next page</a>`}
  </nav>`;
}

import { formatCount } from '../format.js';
import { markup, type Html, type Part } from '../markup.js';
import type { InspectorContext } from '../inspector-context.js';
import { listingOf } from '../listing.js';
import { entryTable, pager, searchForm } from './listing-parts.js';
import { actionButton, section, table } from './parts.js';
import type { View, ViewRequest } from './view.js';

const PAGE_TAGS = 50;
const PAGE_ENTRIES = 100;
/** How many entries of a tag are counted at most. */
const MAX_COUNT = 100;

/** The tags of a namespace, page by page; with a tag in the query, its entries. @internal */
export const tags: View = {
  path: 'tags',
  title: 'Tags',
  isLive: false,
  render(context, request) {
    const listing = listingOf(context.node);
    const namespace = request.query.get('namespace') ?? context.cache.namespace;
    const tag = request.query.get('tag');
    if (tag !== null) return entriesOf(context, request, namespace, tag);
    const prefix = request.query.get('prefix') ?? '';
    const after = request.query.get('after') ?? '';
    const page = listing.tags({ namespace, prefix, after, limit: PAGE_TAGS });
    const form = { view: 'tags', label: 'Tags that begin with', namespace, prefix };
    return markup`${searchForm(listing.names(), form, request)}
      ${section(`Tags of ${namespace}`, [
        table({
          caption: `Tags of ${namespace}`,
          columns: ['Tag', { number: 'Entries' }],
          rows: page.tags.map(({ tag: name, entries }): Part[] => [
            tagLink(request, namespace, name),
            entries < MAX_COUNT ? formatCount(entries) : `${MAX_COUNT} or more`,
          ]),
          empty: 'No tag on this page.',
        }),
        pager(request, 'tags', { namespace, prefix }, page.next),
      ])}`;
  },
};

function tagLink({ links }: ViewRequest, namespace: string, tag: string): Html {
  return markup`<a class="key" href="${links.to('tags', { namespace, tag })}">${tag}</a>`;
}

function entriesOf(
  context: InspectorContext,
  request: ViewRequest,
  namespace: string,
  tag: string,
): Html {
  const after = request.query.get('after') ?? '';
  const page = listingOf(context.node).tagged({ namespace, tag, after, limit: PAGE_ENTRIES });
  const url = request.links.to('tags', { namespace });
  return markup`<p><a href="${url}">Tags of ${namespace}</a></p>
    ${section(`Entries with the tag ${tag}`, [
      context.options.actions && tagButtons(namespace, tag),
      entryTable(context, request, namespace, page.entries),
      pager(request, 'tags', { namespace, tag }, page.next),
    ])}`;
}

function tagButtons(namespace: string, tag: string): Html {
  const which = `all entries of ${namespace} with the tag ${tag}`;
  const query = { namespace, tag };
  return markup`<p class="buttons">
    ${actionButton('Expire all', 'expire-tag', `Expire ${which}?`, query)}
    ${actionButton('Delete all', 'delete-tag', `Delete ${which}?`, query)}
  </p>`;
}

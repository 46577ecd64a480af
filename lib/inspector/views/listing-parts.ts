import { formatBytes, formatDuration } from '../format.js';
import { markup, type Html, type Part } from '../markup.js';
import type { InspectorContext } from '../inspector-context.js';
import type { LinkQuery } from '../links.js';
import type { ListedEntry } from '../listing.js';
import { deleteButton, keyLink, tagLinks } from './entry.js';
import { table } from './parts.js';
import type { ViewRequest } from './view.js';

/** How many namespaces a form offers. */
const MAX_OFFERED = 200;

/** The search of a form. @internal */
export interface Search {
  /** The path of the view that shows the results. */
  readonly view: string;
  /** The label of the field of the prefix. */
  readonly label: string;
  readonly namespace: string;
  readonly prefix: string;
}

/** A form for a namespace and a prefix. @internal */
export function searchForm(
  names: readonly string[],
  { view, label, namespace, prefix }: Search,
  { links }: ViewRequest,
): Html {
  const offered = Array.from(new Set([namespace, ...names.slice(0, MAX_OFFERED)])).toSorted();
  const optionOf = (name: string): Html =>
    markup`<option value="${name}" ${name === namespace && markup`selected`}>${name}</option>`;
  return markup`<form class="search" method="get" action="${links.to(view)}">
    <label>Namespace <select name="namespace">${offered.map(optionOf)}</select></label>
    <label class="wide">
      ${label}
      <input name="prefix" value="${prefix}" autocomplete="off" spellcheck="false" />
    </label>
    <button type="submit">Show</button>
  </form>`;
}

/** @internal */
export function entryTable(
  { options }: InspectorContext,
  request: ViewRequest,
  namespace: string,
  entries: readonly ListedEntry[],
): Html {
  return table({
    caption: `Entries of ${namespace}`,
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

/**
 * Links to the first page and to the next.
 *
 * @param query of the first page
 * @param next the position behind which the next page begins; undefined on the last page
 * @internal
 */
export function pager(
  { links, query: asked }: ViewRequest,
  view: string,
  query: LinkQuery,
  next: string | undefined,
): Html {
  return markup`<nav class="pager" aria-label="Pages">
    ${asked.has('after') && markup`<a href="${links.to(view, query)}">First page</a>`}
    ${next !== undefined && markup`<a href="${links.to(view, { ...query, after: next })}">Next page</a>`}
  </nav>`;
}

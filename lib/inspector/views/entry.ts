import { inspect } from 'node:util';
import { fromPortable } from '../../index.js';
import { formatBytes, formatCount, formatDuration } from '../format.js';
import { markup, type Html } from '../markup.js';
import type { InspectorContext } from '../inspector-context.js';
import type { InspectedEntry } from '../inspector-options.js';
import { listingOf, type ListedEntry } from '../listing.js';
import { actionButton, section, tiles } from './parts.js';
import type { ViewRequest } from './view.js';

const MAX_VALUE_CHARACTERS = 20_000;

/** One entry, with its value where that is allowed. @internal */
export function entryDetails(
  context: InspectorContext,
  request: ViewRequest,
  entry: InspectedEntry,
): Html {
  const { namespace, key } = entry;
  const found = listingOf(context.node).find(namespace, key);
  const url = request.links.to('keys', { namespace });
  const back = markup`<p><a href="${url}">Keys of ${namespace}</a></p>`;
  if (found === undefined) {
    return markup`${back}${section(key, markup`<p class="empty">There is no fresh entry with this key.</p>`)}`;
  }
  const { ttl, bytes, revision, tags } = found;
  return markup`${back}${section(key, [
    tiles([
      { name: 'Fresh for', value: ttl === null ? 'ever' : formatDuration(ttl) },
      { name: 'Size', value: formatBytes(bytes) },
      { name: 'Revision', value: formatCount(revision) },
    ]),
    markup`<p>
      ${tags.length === 0 ? 'It has no tags.' : ['Tags: ', tagLinks(request, namespace, tags)]}
    </p>`,
    context.options.actions && markup`<p>${deleteButton(namespace, key)}</p>`,
  ])}
  ${section('Value', markup`<pre tabindex="0" aria-label="Value">${shownValue(context, entry, found)}</pre>`)}`;
}

/** A link to the page of an entry. @internal */
export function keyLink({ links }: ViewRequest, namespace: string, key: string): Html {
  // A key may be empty or only spaces. A link needs visible text.
  const text = key.trim() === '' ? markup`<i>${JSON.stringify(key)}</i>` : key;
  return markup`<a class="key" href="${links.to('keys', { namespace, key })}">${text}</a>`;
}

/** Links to the pages of tags. @internal */
export function tagLinks({ links }: ViewRequest, namespace: string, tags: readonly string[]): Html {
  const link = (tag: string): Html =>
    markup`<a class="badge plain" href="${links.to('tags', { namespace, tag })}">${tag}</a>`;
  return markup`<span class="tags">${tags.map(link)}</span>`;
}

/** A button that deletes an entry. @internal */
export function deleteButton(namespace: string, key: string): Html {
  return actionButton('Delete', 'delete', `Delete the entry ${key}?`, { namespace, key });
}

function shownValue(
  { options }: InspectorContext,
  entry: InspectedEntry,
  { content }: ListedEntry,
): string {
  if (!options.values) return 'Values are not shown here: the option values is off.';
  if (content === undefined || 'unreadable' in content) return 'The value cannot be read.';
  const text = inspect(options.redact(fromPortable(content), entry), {
    depth: 8,
    maxArrayLength: 200,
    maxStringLength: MAX_VALUE_CHARACTERS,
    breakLength: 80,
  });
  const cut = text.length - MAX_VALUE_CHARACTERS;
  return cut > 0
    ? `${text.slice(0, MAX_VALUE_CHARACTERS)}\n… and ${formatCount(cut)} characters more`
    : text;
}

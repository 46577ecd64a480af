import { formatCount, formatTime } from '../format.js';
import { markup, type Part } from '../markup.js';
import type { LoggedEvent } from '../event-log.js';
import { badge, section, table } from './parts.js';
import type { View } from './view.js';

const BAD: readonly string[] = [
  'error',
  'replica:lost',
  'engine:failover',
  'outbox:refused',
  'recovered',
];
const GOOD: readonly string[] = ['hit', 'set', 'replica:connected'];

/** The current events. @internal */
export const events: View = {
  path: 'events',
  title: 'Events',
  isLive: true,
  render({ events: log }) {
    return section(
      'The newest first, in UTC',
      [
        markup`<p class="hint">
          Reads and writes are sampled while this page is open: 20 a second at most,
          ${formatCount(log.passedOver)} more were passed over. All other events are kept, the last
          100.
        </p>`,
        table({
          caption: 'Events',
          columns: ['Time', 'Event', 'Namespace', 'Key', 'Details'],
          rows: log.events.map(rowOf),
          empty: 'Nothing has happened since this page was opened.',
        }),
      ],
      'events',
    );
  },
  onWatched: ({ events: log }, isWatched) => log.watch(isWatched),
};

function rowOf({ at, event, namespace, key, detail }: LoggedEvent): Part[] {
  return [
    markup`<time datetime="${new Date(at).toISOString()}">${formatTime(at)}</time>`,
    badge(event, BAD.includes(event) ? 'bad' : GOOD.includes(event) ? 'good' : 'plain'),
    namespace,
    markup`<span class="key">${key}</span>`,
    detail,
  ];
}

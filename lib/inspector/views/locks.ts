import type { LockInfo } from '../../index.js';
import { formatCount, formatDuration } from '../format.js';
import { markup, type Html, type Part } from '../markup.js';
import { actionButton, section, table } from './parts.js';
import type { View } from './view.js';

const MAX_SHOWN = 200;

/** The held locks and slots of semaphores. @internal */
export const locks: View = {
  path: 'locks',
  title: 'Locks',
  isLive: true,
  async render({ cache, options }) {
    const [held, { lockWaiters }] = await Promise.all([cache.locks(), cache.stats()]);
    const rows = held
      .slice(0, MAX_SHOWN)
      .map((lock): Part[] => [
        lock.name,
        lock.kind,
        markup`<code>${lock.owner}</code>`,
        lock.token,
        formatDuration(lock.remaining),
        ...(options.actions ? [releaseButton(lock)] : []),
      ]);
    return section(
      'Held now',
      [
        markup`<p class="hint">
          ${formatCount(held.length)} held, ${formatCount(lockWaiters)} callers wait on this node.
          ${held.length > MAX_SHOWN && `The first ${MAX_SHOWN} are shown.`}
        </p>`,
        table({
          caption: 'Locks',
          columns: [
            'Name',
            'Kind',
            'Owner',
            { number: 'Token' },
            { number: 'Left' },
            ...(options.actions ? ['Action'] : []),
          ],
          rows,
          empty: 'No lock is held.',
        }),
      ],
      'locks',
    );
  },
};

function releaseButton({ name, kind }: LockInfo): Html {
  const question = `Take the ${kind} ${name} from its holder? What the holder does may then be done twice.`;
  return actionButton('Release', 'release', question, { name, kind });
}

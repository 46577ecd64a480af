import { ANCESTORS_META_KEY, parseAncestors, type Ancestor } from '../cluster/failover/ancestry.js';
import type { Position } from '../cluster/wire/position.js';
import {
  INCOMPLETE_META_KEY,
  PRIMARY_META_KEY,
  SOURCE_META_KEY,
} from '../cluster/replica/replica-meta.js';
import { FORMER_META_KEY, SUPERSEDED_META_KEY } from '../cluster/failover/takeover.js';
import { withFileOf } from './stopped-node.js';

/** The facts that the file of a node records about itself. @internal */
export interface Inspection {
  readonly role: 'primary' | 'secondary';
  /** The position in its own history, or in the one that it follows. */
  readonly position: Position;
  /** The oldest revision of its log. A replica that is further behind takes a snapshot. */
  readonly oldestChange: number;
  readonly ancestors: readonly Ancestor[];
  /** On a secondary: the address at which it reached its primary, without credentials. */
  readonly primaryUrl: string | undefined;
  /** On a secondary: whether it holds everything up to its position. */
  readonly isComplete: boolean;
  /** The history that has replaced this one. */
  readonly supersededBy: string | undefined;
  /** The address of a former primary that does not know yet that it is superseded, without credentials. */
  readonly untold: string | undefined;
}

/**
 * Reads the file of a running or stopped node, and changes nothing.
 *
 * @param directory its `sqlitePath`
 * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER}
 * @internal
 */
export function inspect(directory: string): Inspection {
  return withFileOf(directory, (storage) => {
    const source = storage.readMeta(SOURCE_META_KEY);
    const superseded = storage.readMeta(SUPERSEDED_META_KEY);
    const { historyId, epoch } =
      source === undefined ? storage : (JSON.parse(source) as Omit<Position, 'revision'>);
    return {
      role: source === undefined ? 'primary' : 'secondary',
      position: { historyId, epoch, revision: storage.revision },
      oldestChange: storage.changes.oldest(),
      ancestors: parseAncestors(storage.readMeta(ANCESTORS_META_KEY)),
      primaryUrl: urlIn(storage.readMeta(PRIMARY_META_KEY)),
      isComplete: storage.readMeta(INCOMPLETE_META_KEY) === undefined,
      supersededBy:
        superseded === undefined
          ? undefined
          : (JSON.parse(superseded) as { historyId: string }).historyId,
      untold: urlIn(storage.readMeta(FORMER_META_KEY)),
    };
  });
}

function urlIn(note: string | undefined): string | undefined {
  return note === undefined ? undefined : withoutCredentials(JSON.parse(note) as { url: string });
}

/** Removes credentials before a person sees the address: it may hold the password of a proxy. @internal */
export function withoutCredentials({ url }: { readonly url: string }): string {
  const address = new URL(url);
  address.username = '';
  address.password = '';
  return address.toString();
}

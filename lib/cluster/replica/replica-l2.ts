import type { Awaitable } from '../../common/awaitable.js';
import type {
  EntriesPage,
  KeysPage,
  L2,
  L2Entry,
  Observation,
  Seen,
  VersionedEntry,
} from '../../engine/l2.js';

/**
 * The entries of one namespace on a secondary: those of its replica while that can be relied on, else the primary's.
 *
 * @internal
 */
export class ReplicaL2 implements L2 {
  constructor(
    private readonly local: L2,
    private readonly remote: L2,
    private readonly isReady: () => boolean,
  ) {}

  get layer(): L2['layer'] {
    return this.#l2.layer;
  }

  readValue(key: string): unknown {
    return this.#l2.readValue(key);
  }

  read(key: string): Awaitable<L2Entry | undefined> {
    return this.#l2.read(key);
  }

  expiresAt(key: string): Awaitable<number | undefined> {
    return this.#l2.expiresAt(key);
  }

  readVersioned(key: string): Awaitable<VersionedEntry> {
    return this.#l2.readVersioned(key);
  }

  observe(key: string, tags: readonly string[]): Awaitable<Observation> {
    return this.#l2.observe(key, tags);
  }

  isCurrent(seen: Seen, tags: readonly string[]): Awaitable<boolean> {
    return this.#l2.isCurrent(seen, tags);
  }

  keysPage(prefix: string, from: string): Awaitable<KeysPage> {
    return this.#l2.keysPage(prefix, from);
  }

  entriesPage(from: string): Awaitable<EntriesPage> {
    return this.#l2.entriesPage(from);
  }

  get #l2(): L2 {
    return this.isReady() ? this.local : this.remote;
  }
}

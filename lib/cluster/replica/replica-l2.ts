import type { Awaitable } from '../../common/awaitable.js';
import type {
  L2,
  L2Entry,
  ListedEntry,
  Observation,
  Page,
  Seen,
  VersionedEntry,
} from '../../engine/l2.js';

/**
 * The entries of one namespace on a secondary: from its replica while that is reliable, otherwise from the primary.
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

  freshUntil(key: string): Awaitable<number | undefined> {
    return this.#l2.freshUntil(key);
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

  keysPage(prefix: string, after: string): Awaitable<Page<string>> {
    return this.#l2.keysPage(prefix, after);
  }

  entriesPage(after: string): Awaitable<Page<ListedEntry>> {
    return this.#l2.entriesPage(after);
  }

  get #l2(): L2 {
    return this.isReady() ? this.local : this.remote;
  }
}

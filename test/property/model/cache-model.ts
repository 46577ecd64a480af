import { isDeepStrictEqual } from 'node:util';

/** What the model knows of an entry, live or expired. */
export interface ModelEntry {
  readonly value: unknown;
  /** Unix ms; Infinity when it never expires. */
  readonly expiresAt: number;
  readonly tags: readonly string[];
  /** Which write made it so; another one for every write, also of an equal value. */
  readonly version: number;
}

/** Milliseconds; 0 means no expiry; undefined means the cache's default, which is no expiry. */
type Ttl = number | undefined;

/**
 * What a cache with room for everything does, as a Map: the specification that the real one is held against.
 */
export class CacheModel {
  #entries = new Map<string, ModelEntry>();
  #versions = 0;

  constructor(readonly now: () => number) {}

  /** Keys of live entries, in order of their UTF-8 bytes. */
  liveKeys(prefix = ''): string[] {
    return Array.from(this.#entries.keys())
      .filter((key) => key.startsWith(prefix) && this.live(key) !== undefined)
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  live(key: string): ModelEntry | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined || entry.expiresAt <= this.now() ? undefined : entry;
  }

  /** A copy that goes its own way. */
  fork(): CacheModel {
    const copy = new CacheModel(this.now);
    copy.adopt(this);
    return copy;
  }

  /** Takes over the state of a fork. */
  adopt(other: CacheModel): void {
    this.#entries = new Map(other.#entries);
    this.#versions = other.#versions;
  }

  /** The entry has made room for others, without a trace. */
  evict(key: string): void {
    this.#entries.delete(key);
  }

  get(key: string): unknown {
    return this.live(key)?.value;
  }

  set(key: string, value: unknown, ttl: Ttl, tags: readonly string[] = []): void {
    this.#put(key, value, this.#deadline(ttl), tags);
  }

  delete(key: string): boolean {
    const isLive = this.live(key) !== undefined;
    this.#entries.delete(key);
    return isLive;
  }

  pull(key: string): unknown {
    const value = this.get(key);
    this.#entries.delete(key);
    return value;
  }

  add(key: string, value: unknown, ttl: Ttl, tags: readonly string[] = []): boolean {
    if (this.live(key) !== undefined) return false;
    this.set(key, value, ttl, tags);
    return true;
  }

  /** @param version of the entry that must still be there; 0 when there must be none */
  setIf(key: string, value: unknown, version: number, ttl: Ttl): boolean {
    if ((this.live(key)?.version ?? 0) !== version) return false;
    this.set(key, value, ttl);
    return true;
  }

  touch(key: string, ttl: Ttl): boolean {
    const entry = this.live(key);
    if (entry === undefined) return false;
    this.#put(key, entry.value, this.#deadline(ttl), entry.tags);
    return true;
  }

  /** The new count, or 'refused' when the entry is no counter. */
  increment(key: string, by: number, initial: number, ttl: Ttl): number | 'refused' {
    const entry = this.live(key);
    if (entry === undefined) {
      this.set(key, initial + by, ttl);
      return initial + by;
    }
    if (!Number.isSafeInteger(entry.value)) return 'refused';
    const value = Number(entry.value) + by;
    this.#put(key, value, entry.expiresAt, entry.tags);
    return value;
  }

  /** The value, made and stored when it is missing. */
  wrap(key: string, made: unknown, ttl: Ttl, tags: readonly string[]): unknown {
    const entry = this.live(key);
    if (entry !== undefined) return entry.value;
    this.set(key, made, ttl, tags);
    return made;
  }

  /** How many live entries went. */
  deletePrefix(prefix: string): number {
    return this.#deleteWhere((key) => key.startsWith(prefix));
  }

  /** How many live entries went. */
  deleteTag(tag: string): number {
    return this.#deleteWhere((_key, { tags }) => tags.includes(tag));
  }

  /** How many live entries went. */
  clear(): number {
    return this.#deleteWhere(() => true);
  }

  /** Whether both hold the same live entries with the same values. */
  equals(other: CacheModel): boolean {
    return isDeepStrictEqual(this.#contents(), other.#contents());
  }

  #contents(): unknown[] {
    return this.liveKeys().map((key) => {
      const entry = this.live(key);
      return [key, entry?.value, entry?.expiresAt, entry?.tags];
    });
  }

  #deleteWhere(isMeant: (key: string, entry: ModelEntry) => boolean): number {
    let live = 0;
    for (const [key, entry] of this.#entries) {
      if (!isMeant(key, entry)) continue;
      if (entry.expiresAt > this.now()) live++;
      this.#entries.delete(key);
    }
    return live;
  }

  #put(key: string, value: unknown, expiresAt: number, tags: readonly string[]): void {
    this.#entries.set(key, { value, expiresAt, tags, version: ++this.#versions });
  }

  #deadline(ttl: Ttl): number {
    return ttl === undefined || ttl === 0 ? Infinity : this.now() + ttl;
  }
}

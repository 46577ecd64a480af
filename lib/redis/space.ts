import type { Awaitable } from '../common/awaitable.js';
import type { MemoryListener } from '../engine/memory-coherence.js';
import type { EntryHead, TagVersion } from './entry-format.js';
import { GenerationReadings } from './generation-reading.js';
import type { NumberFloor } from './numbers.js';
import type { SpaceKeys } from './redis-keys.js';
import type { Commands } from './redis-link.js';
import { BEGIN } from './scripts/bump.js';

/** How many versions of tags are remembered, and how many keys by their tags. */
const MAX_REMEMBERED = 100_000;

/** Above this number of keys, memory drops the whole namespace instead. */
const MAX_DROPPED = 1000;

/**
 * The data by which this node decides whether entries of one namespace are valid. The server reports each change of this data.
 *
 * @internal
 */
export class Space {
  /** Calls of `clear` by this node. */
  clears = 0;
  #generation: string | undefined;
  readonly #versions = new Map<string, string>();
  /** Keys that memory may hold, by their tags. */
  readonly #keys = new Map<string, Set<string>>();
  #remembered = 0;
  /** Grows with each message of the server. A reply that was requested earlier may be out of date. */
  #changes = 0;
  #isWarming = false;
  readonly #readings: GenerationReadings;

  constructor(
    readonly namespace: string,
    readonly keys: SpaceKeys,
    private readonly commands: Commands,
    private readonly floor: NumberFloor,
    private readonly memory: MemoryListener,
  ) {
    this.#readings = new GenerationReadings(commands, keys.generation);
  }

  /** Undefined until it is read. */
  get generation(): string | undefined {
    return this.#generation;
  }

  /** @see GenerationReadings.after */
  generationAfter(bytes: number): Promise<string> {
    return this.#readings.after(bytes);
  }

  /** Reads the generation in the background, when it is unknown. */
  warm(): void {
    if (this.#isWarming || this.#generation !== undefined) return;
    this.#isWarming = true;
    this.prepare()
      // The next call tries again.
      .catch(() => undefined)
      .finally(() => {
        this.#isWarming = false;
      });
  }

  async prepare(): Promise<string> {
    const changes = this.#changes;
    const generation = await this.#begin(this.keys.generation);
    if (changes === this.#changes) this.#generation = generation;
    return generation;
  }

  /** Whether an entry that was just read is of this generation and each of its tags has its version. */
  isValid(head: EntryHead): Awaitable<boolean> {
    const generation = this.#generation;
    if (generation === undefined) {
      return this.prepare().then((known) => known === head.generation && this.#hasVersions(head));
    }
    return generation === head.generation && this.#hasVersions(head);
  }

  /** Notes that memory may keep an entry with these tags. */
  remember(key: string, tags: readonly TagVersion[]): void {
    for (const { tag } of tags) {
      if (++this.#remembered > MAX_REMEMBERED) this.drop();
      const keys = this.#keys.get(tag) ?? new Set();
      this.#keys.set(tag, keys.add(key));
    }
  }

  /** Drops everything of this namespace that memory read before. */
  drop(): void {
    this.#changes++;
    this.#generation = undefined;
    this.#versions.clear();
    this.#keys.clear();
    this.#remembered = 0;
    this.memory.cleared(this.namespace);
  }

  /** Called when the server holds another version of a tag than before, or none. */
  dropTag(tag: string): void {
    this.#changes++;
    this.#versions.delete(tag);
    const keys = this.#keys.get(tag);
    if (keys === undefined) return;
    if (keys.size > MAX_DROPPED) {
      this.drop();
      return;
    }
    this.#keys.delete(tag);
    this.#remembered -= keys.size;
    for (const key of keys) this.memory.changed(this.namespace, key);
  }

  dropKey(key: string): void {
    this.memory.changed(this.namespace, key);
  }

  #hasVersions({ tags }: EntryHead): Awaitable<boolean> {
    if (tags.length === 0) return true;
    if (tags.every(({ tag }) => this.#versions.has(tag))) {
      return tags.every(({ tag, version }) => this.#versions.get(tag) === version);
    }
    return this.#readVersions(tags);
  }

  async #readVersions(tags: readonly TagVersion[]): Promise<boolean> {
    const changes = this.#changes;
    const replies = await this.commands.call([
      'MGET',
      ...tags.map(({ tag }) => this.keys.tag(tag)),
    ]);
    const versions = Array.isArray(replies) ? replies.map((reply) => reply?.toString()) : [];
    // A tag without a version is not remembered, because the server may not report when it gets one.
    if (changes === this.#changes) {
      if (this.#versions.size > MAX_REMEMBERED) this.drop();
      for (const [i, { tag }] of tags.entries()) {
        const version = versions[i];
        if (version !== undefined) this.#versions.set(tag, version);
      }
    }
    return tags.every(({ version }, i) => versions[i] === version);
  }

  async #begin(key: string): Promise<string> {
    const known = await this.commands.call(['GET', key]);
    if (known !== null) return known.toString();
    const version = await this.commands.run(
      BEGIN,
      [key, this.keys.counter],
      [String(this.floor.value)],
    );
    this.floor.see(Number(version));
    return String(version);
  }
}

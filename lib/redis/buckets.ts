import { crc16 } from './key-slot.js';
import { globEscaped } from './glob.js';
import type { RedisKeys } from './redis-keys.js';
import type { Space } from './space.js';

/** An entry, and where it is. @internal */
export interface Place {
  readonly space: Space;
  readonly key: string;
}

/**
 * The parts into which the keys of one namespace are divided. In a cluster, each part has its own slot.
 *
 * @internal
 */
export class Buckets {
  readonly all: readonly Space[];
  readonly #first: Space;
  readonly #byPrefix: ReadonlyMap<string, Space>;

  /** @param count a power of two */
  constructor(
    readonly namespace: string,
    count: number,
    private readonly keys: RedisKeys,
    spaceOf: (number: number) => Space,
  ) {
    this.#first = spaceOf(0);
    this.all = Array.from({ length: count }, (_, i) => (i === 0 ? this.#first : spaceOf(i)));
    this.#byPrefix = new Map(this.all.map((space) => [space.keys.prefix, space]));
  }

  of(key: string): Space {
    const { length } = this.all;
    return length === 1 ? this.#first : (this.all[crc16(key) % length] ?? this.#first);
  }

  /** A pattern of the server that finds the entries whose keys have a prefix. It may find others too: see {@link placeOf}. */
  pattern(prefix: string): string {
    const bucket = this.all.length === 1 ? '00' : '*';
    return `${globEscaped(this.keys.namespacePrefix(this.namespace))}${bucket}}:e:${globEscaped(prefix)}*`;
  }

  /** The entry under a key of the server; undefined when the key holds no entry of this namespace with the prefix. */
  placeOf(name: string, prefix: string): Place | undefined {
    const space = this.#byPrefix.get(name.slice(0, name.indexOf('}:') + 2));
    if (space === undefined || !name.startsWith(space.keys.entry(prefix))) return undefined;
    return { space, key: name.slice(space.keys.entryPrefix.length) };
  }
}

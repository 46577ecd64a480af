import { SLOTS } from './key-slot.js';
import { hostOf } from './redirect.js';
import type { Reply } from './redis-link.js';
import { nameOf, type Address } from './sentinel-options.js';

/** Which master serves each slot of a cluster. A master is named as `'10.0.0.7:6379'`. @internal */
export class SlotMap {
  #owners: (string | undefined)[];

  constructor(owners: readonly (string | undefined)[] = []) {
    this.#owners = Array.from({ length: SLOTS }, (_, slot) => owners[slot]);
  }

  ownerOf(slot: number): string | undefined {
    return this.#owners[slot];
  }

  /** The masters that serve at least one slot, in the order of their names. */
  get masters(): string[] {
    const named = this.#owners.filter((name) => name !== undefined);
    return Array.from(new Set(named)).toSorted();
  }

  /** Whether the slot had another master before. */
  move(slot: number, name: string): boolean {
    if (this.#owners[slot] === name) return false;
    this.#owners[slot] = name;
    return true;
  }

  /** Takes over another map; returns the slots whose master is not the same, with their former masters. */
  replace(other: SlotMap): Map<number, string | undefined> {
    const moved = new Map<number, string | undefined>();
    for (const [slot, name] of other.#owners.entries()) {
      const before = this.#owners[slot];
      if (name !== before) moved.set(slot, before);
    }
    this.#owners = other.#owners.slice();
    return moved;
  }
}

/** The reply of `CLUSTER SLOTS`. @param from the server that has answered @internal */
export function slotMapOf(reply: Reply, from: Address): SlotMap {
  const owners: string[] = [];
  for (const range of Array.isArray(reply) ? reply : []) {
    const [first, last, master] = Array.isArray(range) ? range : [];
    const [host, port] = Array.isArray(master) ? master : [];
    const name = nameOf({ host: hostOf(host?.toString(), from), port: Number(port) });
    for (let slot = Number(first); slot <= Number(last); slot++) owners[slot] = name;
  }
  return new SlotMap(owners);
}

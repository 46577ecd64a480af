/** The place of a fault. @publicApi */
export type FaultPlace = 'commit' | 'read' | 'forward';

interface Planned {
  readonly error: unknown;
  left: number;
}

/**
 * The planned failures, in order.
 *
 * @internal
 */
export class FaultPlan {
  readonly #planned: Record<FaultPlace, Planned[]> = { commit: [], read: [], forward: [] };

  add(place: FaultPlace, error: unknown, times: number): void {
    this.#planned[place].push({ error, left: times });
  }

  clear(): void {
    for (const planned of Object.values(this.#planned)) planned.length = 0;
  }

  /** The failure for this call; undefined when there is none. */
  next(place: FaultPlace): { readonly error: unknown } | undefined {
    const planned = this.#planned[place];
    const [first] = planned;
    if (first !== undefined && --first.left <= 0) planned.shift();
    return first;
  }

  /** @throws the planned error */
  check(place: FaultPlace): void {
    const fault = this.next(place);
    if (fault !== undefined) throw fault.error;
  }
}

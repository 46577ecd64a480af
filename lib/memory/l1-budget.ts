/** What the budget needs from a memory layer. @internal */
export interface BudgetMember {
  readonly bytes: number;
  readonly size: number;
  evictOne(): void;
}

/**
 * The bound that the memory layers of all namespaces of a node share.
 *
 * @internal
 */
export class L1Budget {
  readonly #members: BudgetMember[] = [];
  #entries = 0;
  #bytes = 0;
  #evictions = 0;

  constructor(
    readonly maxEntries: number,
    private readonly maxBytes: number,
  ) {}

  get entries(): number {
    return this.#entries;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  join(member: BudgetMember): void {
    this.#members.push(member);
  }

  /** Whether an entry of this size can be held at all: one that takes more than an eighth of the memory cannot. */
  fits(bytes: number): boolean {
    return this.maxEntries > 0 && bytes <= this.maxBytes / 8;
  }

  count(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
  }

  /** Evicts from the largest member until the bound holds. */
  settle(): void {
    while (this.#entries > this.maxEntries || this.#bytes > this.maxBytes) {
      let largest = this.#members[0];
      for (const member of this.#members) {
        if (largest === undefined || member.bytes > largest.bytes) largest = member;
      }
      if (largest === undefined || largest.size === 0) return;
      largest.evictOne();
      this.#evictions++;
    }
  }
}

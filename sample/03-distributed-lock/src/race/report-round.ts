/** What the workers reported about the report of one second. */
export class ReportRound {
  readonly woken = new Set<number>();
  readonly makers: number[] = [];
  #made = 0;

  constructor(
    private readonly second: number,
    /** The report before was still being made: then all workers rightly skip this one. */
    private readonly isHeldUp: boolean,
  ) {}

  get isUnderWay(): boolean {
    return this.#made < this.makers.length;
  }

  note(worker: number, what: 'woke' | 'making' | 'made'): void {
    if (what === 'woke') this.woken.add(worker);
    else if (what === 'making') this.makers.push(worker);
    else this.#made++;
  }

  describe(workers: number): string {
    const time = new Date(this.second * 1000).toISOString().slice(11, 19);
    const skipped = Array.from(this.woken)
      .filter((worker) => !this.makers.includes(worker))
      .toSorted((a, b) => a - b);
    const asleep = workers - this.woken.size;
    const made =
      this.makers.length === 0
        ? `no worker made the report${this.isHeldUp ? ': the one before took too long' : ''}`
        : `worker ${this.makers.join(' and worker ')} made the report`;
    return [
      `${time}  ${made}`,
      ...(skipped.length > 0 ? [`skipped by ${skipped.join(', ')}`] : []),
      ...(asleep > 0 ? [`${asleep} did not wake`] : []),
    ].join('; ');
  }

  /** What must not happen; undefined when it has not. */
  violation(): string | undefined {
    if (this.makers.length === 1 || (this.makers.length === 0 && this.isHeldUp)) return undefined;
    return `The report of second ${this.second} was made ${this.makers.length} times.`;
  }
}

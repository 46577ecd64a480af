/** How long a claim outlives the process that holds it, in ms. @internal */
export const CLAIM_MS = 2000;

/** A factory that runs longer than this, in ms, no longer keeps other processes from calling theirs. @internal */
export const MAX_HOLD_MS = 300_000;

/** A claim that an engine has granted. @internal */
export interface GrantedClaim {
  /** Gives it this many ms more. */
  renew(ms: number): Promise<unknown>;
  /** Gives it back, and no process gets it for this long. */
  keepFor(ms: number): Promise<unknown>;
  /** Gives it back. */
  release(): Promise<unknown>;
}

/**
 * Renews a claim at a third of its time until it is given back, for a bounded time.
 *
 * @internal
 */
export class ClaimKeeper {
  readonly #timer: NodeJS.Timeout;
  #renewals = 0;
  #isOver = false;

  constructor(private readonly claim: GrantedClaim) {
    this.#timer = setInterval(() => this.#renew(), CLAIM_MS / 3).unref();
  }

  /** No process gets the claim for this long, in ms. */
  keepFor(ms: number): void {
    this.#finish(() => this.claim.keepFor(ms));
  }

  end(): void {
    this.#finish(() => this.claim.release());
  }

  #renew(): void {
    if (++this.#renewals * (CLAIM_MS / 3) > MAX_HOLD_MS) clearInterval(this.#timer);
    // The next renewal makes up for one that fails. A lost claim costs one more call of a factory, and breaks no promise.
    else this.claim.renew(CLAIM_MS).catch(() => undefined);
  }

  #finish(how: () => Promise<unknown>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#timer);
    // A claim that is not given back ends with its time.
    how().catch(() => undefined);
  }
}

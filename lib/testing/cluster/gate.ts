import { Transform, type TransformCallback } from 'node:stream';

/**
 * A stream that can be held up. The writes pass one after the other, each when it may pass, and after the delay.
 *
 * @internal
 */
export class Gate extends Transform {
  /** The last write under way. */
  #underway: Promise<void> | undefined;

  constructor(
    /** Returns undefined when nothing holds it up. */
    private readonly mayPass: () => Promise<void> | undefined,
    /** The delay in milliseconds. */
    private readonly delay: () => number,
  ) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    void this.#pass(chunk, done);
  }

  override _flush(done: TransformCallback): void {
    void this.#arrive(done);
  }

  async #arrive(done: TransformCallback): Promise<void> {
    await this.#underway;
    done();
  }

  async #pass(chunk: Buffer, done: TransformCallback): Promise<void> {
    const passing = this.mayPass();
    if (passing !== undefined) await passing;
    const ms = this.delay();
    if (ms === 0 && this.#underway === undefined) {
      done(null, chunk);
      return;
    }
    // Writes that arrive meanwhile do not delay one another, and keep their order.
    const arriving = this.#pushLater(chunk, ms, this.#underway);
    this.#underway = arriving;
    done();
    await arriving;
    if (this.#underway === arriving) this.#underway = undefined;
  }

  async #pushLater(chunk: Buffer, ms: number, before: Promise<void> | undefined): Promise<void> {
    await Promise.all([before, sleep(ms)]);
    if (!this.destroyed) this.push(chunk);
  }
}

/** A pause that keeps no process alive. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

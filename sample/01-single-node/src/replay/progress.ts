import type { WriteStream } from 'node:tty';

const REDRAW_MS = 100;
const WIDTH = 30;

/** A bar that redraws itself on a terminal; elsewhere, such as in CI, a line for each tenth. */
export class Progress {
  readonly #startedAt = performance.now();
  #drawnAt = 0;
  #tenths = 0;

  constructor(
    private readonly total: number,
    private readonly out: Pick<WriteStream, 'isTTY' | 'write'>,
  ) {}

  readonly update = (done: number): void => {
    const isEnd = done === this.total;
    if (this.out.isTTY) {
      const now = performance.now();
      if (!isEnd && now - this.#drawnAt < REDRAW_MS) return;
      this.#drawnAt = now;
      const filled = Math.round((WIDTH * done) / this.total);
      const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
      this.out.write(`\r${bar} ${this.#text(done)}${isEnd ? '\n' : ' '}`);
    } else if (done * 10 >= this.total * (this.#tenths + 1)) {
      this.#tenths = Math.floor((done * 10) / this.total);
      this.out.write(`${this.#text(done)}\n`);
    }
  };

  #text(done: number): string {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const percent = Math.floor((100 * done) / this.total);
    const [count, total, rate] = [done, this.total, Math.round(done / seconds)].map((n) =>
      n.toLocaleString('en-US'),
    );
    return `${String(percent).padStart(3)} %  ${count} of ${total}, ${rate} a second`;
  }
}

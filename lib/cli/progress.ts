import { systemClock } from '../common/clock.js';
import type { Terminal } from './terminal.js';

/** Shorter work has no bar, in ms. */
const PATIENCE_MS = 1000;

/** The bar of a running command. @internal */
export interface Progress {
  /** Shows how much of the total is done. */
  update(done: number): void;
  /** Removes the bar. */
  end(): void;
}

const SILENT: Progress = { update: () => undefined, end: () => undefined };

/**
 * Shows a bar on a terminal for work that takes more than a second, and nothing elsewhere.
 *
 * @param total 0 when it is not known
 * @internal
 */
export async function progressOf(
  terminal: Pick<Terminal, 'isWatched'>,
  what: string,
  total: number,
): Promise<Progress> {
  if (!terminal.isWatched || total === 0) return SILENT;
  const { default: ProgressBar } = await import('progress');
  const since = systemClock.monotonic();
  const bar = new ProgressBar(`${what} [:bar] :percent :etas`, {
    total,
    width: 30,
    clear: true,
    stream: process.stderr,
  });
  return {
    update: (done) => {
      // Complete only at the end: there may be more than was counted.
      if (systemClock.monotonic() - since >= PATIENCE_MS) bar.update(Math.min(done / total, 0.999));
    },
    end: () => {
      bar.terminate();
    },
  };
}

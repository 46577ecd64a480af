import { systemClock } from '../common/clock.js';
import type { Terminal } from './terminal.js';

/** What takes less has no bar. */
const PATIENCE_MS = 1000;

/** What a bar shows. @internal */
export interface Progress {
  /** Of the total. */
  update(done: number): void;
  /** Takes the bar away. */
  end(): void;
}

const SILENT: Progress = { update: () => undefined, end: () => undefined };

/**
 * A bar on a terminal for what takes more than a second; nothing anywhere else.
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

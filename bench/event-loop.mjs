import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * How long the event loop was held while `work` ran: milliseconds between two ticks of a timer of 1 ms, so an
 * idle loop has 1.1, not 0.
 *
 * @template T
 * @param {() => Promise<T>} work
 */
export async function watchLoop(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const start = performance.now();
  const result = await work();
  const ms = performance.now() - start;
  histogram.disable();
  return {
    result,
    ms,
    p50: histogram.percentile(50) / 1e6,
    p99: histogram.percentile(99) / 1e6,
    max: histogram.max / 1e6,
  };
}

/** DESIGN's bound for a single piece of work on the event loop, in ms at p99. */
export const HELD_MS = 10;

import type { RaceOptions } from './options.js';
import { ReportRound } from './report-round.js';
import type { RaceResult } from './result.js';
import type { Worker } from './worker.js';

/** Counts from the first worker that wakes: by then all have woken, and a worker makes the report. */
const ROUND_MS = 1500;

/** If no worker wakes for this time, something is wrong; a minute when reports are made once a minute. */
const SILENCE_MS = 10_000;
const MINUTE_MS = 60_000;

/** Waits until this many reports have come due, and says which worker has made each. */
export async function raceForReports(
  workers: readonly Worker[],
  { rounds: wanted, second }: RaceOptions,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<RaceResult> {
  const rounds = new Map<number, ReportRound>();
  const closed: ReportRound[] = [];
  // A second that has begun already may have been missed by workers that were just starting.
  const first = Math.floor(Date.now() / 1000) + 1;
  const silenceMs = SILENCE_MS + (second === undefined ? 0 : MINUTE_MS);

  await new Promise<void>((resolve, reject) => {
    const timers = new Set<NodeJS.Timeout>();
    const end = (finish: () => void): void => {
      for (const timer of timers) clearTimeout(timer);
      finish();
    };
    const later = (ms: number, action: () => void): NodeJS.Timeout => {
      const timer = setTimeout(action, ms);
      timers.add(timer);
      return timer;
    };
    const silence = later(silenceMs, () =>
      end(() => reject(new Error(`No worker has woken for ${silenceMs / 1000} s.`))),
    );
    const close = (round: ReportRound): void => {
      if (closed.length === wanted) return;
      closed.push(round);
      say(round.describe(workers.length));
      if (closed.length === wanted) end(resolve);
    };
    for (const worker of workers) {
      worker.onCrash((reason) => end(() => reject(new Error(reason))));
      worker.onMessage((message) => {
        if (message.kind === 'listening' || message.second < first) return;
        let round = rounds.get(message.second);
        if (round === undefined) {
          const opened = new ReportRound(message.second, underWay(rounds));
          rounds.set(message.second, opened);
          later(ROUND_MS, () => close(opened));
          round = opened;
        }
        if (message.kind === 'woke') silence.refresh();
        round.note(worker.id, message.kind);
      });
    }
    if (signal.aborted) end(resolve);
    signal.addEventListener('abort', () => end(resolve), { once: true });
  });

  const made = closed.filter((round) => round.makers.length === 1).length;
  return {
    summary: `${made} of ${closed.length} reports were made by exactly one of ${workers.length} workers`,
    violations: closed.flatMap((round) => round.violation() ?? []),
  };
}

/** Whether a report is being made now. */
function underWay(rounds: ReadonlyMap<number, ReportRound>): boolean {
  return Array.from(rounds.values()).some((round) => round.isUnderWay);
}

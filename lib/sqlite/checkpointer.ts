import { AsyncResource } from 'node:async_hooks';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { checkpointLoop, Phase, Slot, Wish, type CheckpointLoopData } from './checkpoint-loop.js';
import { CheckpointsInlineError, type HyperCacheError } from '../common/errors.js';
import type { Connection, Statement } from './native.js';
import { packageRequire } from './package-require.js';
import { checkpointSql, pragmaSql } from './sql/pragmas.js';

/** Commits of a file before a thread is worthwhile. */
const FIRST_COMMITS = 250;

/** Passes are short: the disk takes a few milliseconds for each, and a pause waits for the last one. */
const REST_MS = 5;
const MIN_FRAMES = 64;
const PAUSE_FRAMES = 300;
/** 13 and 14.5 MiB of frames. A pause delays sets by some milliseconds. */
const RESET_FRAMES = 13_000;
const MAX_FRAMES = 14_500;
const HOLD_MS = 5;
const FINISH_MS = 50;

/** How long a stop waits for a pass that is under way, in ms. */
const STOP_MS = 2000;

/** Runs a program in a thread; tests pass a version that cannot. @internal */
export type StartThread = (program: string, workerData: CheckpointLoopData) => Worker;

/** @internal */
export interface CheckpointerParts {
  readonly path: string;
  /** The connection that writes. */
  readonly connection: Connection;
  /** The thread could not start, or has ended: from here on the writer checkpoints by itself. */
  readonly onInline: (cause: unknown) => void;
  readonly startThread?: StartThread;
}

/** Creates what the option `checkpoints` asks for; reports a thread that cannot run. @internal */
export function checkpointerOf(
  { checkpoints }: { readonly checkpoints: 'worker' | 'inline' },
  report: (error: HyperCacheError) => void,
): { readonly checkpointer?: Pick<CheckpointerParts, 'onInline'> } {
  if (checkpoints === 'inline') return {};
  return { checkpointer: { onInline: (cause) => report(new CheckpointsInlineError(cause)) } };
}

/**
 * Copies what was committed from the write-ahead log into the database file. A thread of its own waits for the disk, so
 * the event loop need not. Until there is enough to do, and when the thread cannot run, SQLite checkpoints within a
 * commit.
 *
 * @internal
 */
export class Checkpointer {
  readonly #shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * Object.keys(Slot).length);
  readonly #state = new Int32Array(this.#shared);
  readonly #finish: Statement;
  readonly #start: () => void;
  #isWorking = false;
  #isOver = false;

  constructor(private readonly parts: CheckpointerParts) {
    this.#finish = parts.connection.prepare(checkpointSql.passive);
    // The first commits may belong to a request, whose context the thread would otherwise keep.
    this.#start = AsyncResource.bind(() => this.#startThread());
  }

  /** Whether the thread does the work. */
  get isWorking(): boolean {
    return this.#isWorking;
  }

  /**
   * Whether the writer should wait a moment, so that the log can restart. The call promises that the caller writes
   * nothing at the moment.
   */
  mustPause(): boolean {
    if (this.#state[Slot.Wish] !== Wish.Pause) return false;
    if (Atomics.exchange(this.#state, Slot.IsHeld, 1) === 0) {
      Atomics.notify(this.#state, Slot.IsHeld);
    }
    return true;
  }

  /** Called after each commit. */
  committed(): void {
    const commits = Atomics.add(this.#state, Slot.Commits, 1);
    if (commits === FIRST_COMMITS && !this.#isOver) this.#start();
    if (Atomics.load(this.#state, Slot.IsAsleep) === 1) Atomics.notify(this.#state, Slot.Commits);
    if (this.#state[Slot.Wish] === Wish.Finish) this.#finishPass();
  }

  /** Ends the thread and its connection immediately. Idempotent. */
  stop(): void {
    this.#isOver = true;
    this.#isWorking = false;
    const state = this.#state;
    if (Atomics.compareExchange(state, Slot.Phase, Phase.Starting, Phase.Ended) !== Phase.Open)
      return;
    Atomics.store(state, Slot.IsStopped, 1);
    Atomics.notify(state, Slot.IsStopped);
    Atomics.add(state, Slot.Commits, 1);
    Atomics.notify(state, Slot.Commits);
    Atomics.wait(state, Slot.Phase, Phase.Open, STOP_MS);
  }

  #startThread(): void {
    const { path, startThread = startWorker } = this.parts;
    try {
      // Bundlers that keep names (esbuild) insert calls of a helper, which does not exist in the thread.
      const program = `var __name = (named) => named; (${checkpointLoop.toString()})(workerData, require)`;
      const thread = startThread(program, {
        shared: this.#shared,
        slots: Slot,
        wishes: Wish,
        phases: Phase,
        driver: packageRequire.resolve('better-sqlite3'),
        path,
        sql: checkpointSql,
        restMs: REST_MS,
        minFrames: MIN_FRAMES,
        resetFrames: RESET_FRAMES,
        pauseFrames: PAUSE_FRAMES,
        maxFrames: MAX_FRAMES,
        holdMs: HOLD_MS,
        finishMs: FINISH_MS,
      });
      thread.once('online', () => this.#handOver());
      thread.on('error', (error) => this.#takeBack(error));
      thread.once('exit', (code) => this.#takeBack(code));
      thread.unref();
    } catch (error) {
      this.#takeBack(error);
    }
  }

  #handOver(): void {
    if (this.#isOver) return;
    this.#isWorking = true;
    this.parts.connection.exec(checkpointSql.byThread);
  }

  #takeBack(cause: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isWorking = false;
    Atomics.store(this.#state, Slot.Phase, Phase.Ended);
    Atomics.store(this.#state, Slot.Wish, Wish.Nothing);
    this.parts.connection.exec(pragmaSql.autoCheckpoint);
    this.parts.onInline(cause);
  }

  /** Checkpoints the few frames that the thread has left. Meanwhile nothing in this process writes. */
  #finishPass(): void {
    try {
      this.#finish.get();
    } catch {
      // Committed writes stay committed. The thread meets the same failure, and ends with it.
    }
    Atomics.store(this.#state, Slot.Wish, Wish.Nothing);
    Atomics.notify(this.#state, Slot.Wish);
  }
}

function startWorker(program: string, workerData: CheckpointLoopData): Worker {
  return new Worker(`const { workerData } = require('node:worker_threads'); ${program}`, {
    eval: true,
    workerData,
    execArgv: [],
    env: SHARE_ENV,
  });
}

/** What is used of better-sqlite3 within the thread. */
interface Driver {
  new (
    path: string,
    options: { fileMustExist: boolean; timeout: number },
  ): {
    exec(sql: string): unknown;
    prepare(sql: string): { get(): unknown };
    close(): unknown;
  };
}

/** Slots of the memory that the thread and its owner share. @internal */
export const Slot = {
  /** Counts the owner's commits; the thread sleeps on it. */
  Commits: 0,
  /** 1 while the thread sleeps until the next commit. */
  IsAsleep: 1,
  /** A {@link Wish}. */
  Wish: 2,
  /** 1 when the thread is to end. */
  IsStopped: 3,
  /** A {@link Phase}. */
  Phase: 4,
  /** 1 once the owner keeps what waits, as it was asked to: it writes nothing at the moment. */
  IsHeld: 5,
} as const;

/** What the thread would have its owner do. @internal */
export const Wish = {
  Nothing: 0,
  /** Keep what waits to be written for a few milliseconds. */
  Pause: 1,
  /** Carry over what is left, between two writes. */
  Finish: 2,
} as const;

/** @internal */
export const Phase = { Starting: 0, Open: 1, Ended: 2 } as const;

/** @internal */
export interface CheckpointLoopData {
  readonly shared: SharedArrayBuffer;
  readonly slots: typeof Slot;
  readonly wishes: typeof Wish;
  readonly phases: typeof Phase;
  /** Where better-sqlite3 is found. */
  readonly driver: string;
  readonly path: string;
  readonly sql: {
    readonly pragmas: string;
    readonly passive: string;
    readonly restart: string;
    readonly look: string;
  };
  /** Between two passes, in ms. */
  readonly restMs: number;
  /** Frames that are worth a pass. */
  readonly minFrames: number;
  /** Frames from which on the log is to begin anew. */
  readonly resetFrames: number;
  /** While writes wait, a pass has no more than so many frames to carry over... */
  readonly pauseFrames: number;
  /** ...unless so many stand in the log. */
  readonly maxFrames: number;
  /** How long an owner who has nothing to write is waited for, in ms. */
  readonly holdMs: number;
  /** How long the owner has for what it is asked to do, in ms. */
  readonly finishMs: number;
}

interface Checkpoint {
  readonly busy: number;
  /** Frames in the log. */
  readonly log: number;
  /** Frames that were carried over. */
  readonly checkpointed: number;
}

/**
 * The program of the thread. It is started from its source text, which works from source, built and bundled alike;
 * so it uses nothing but its arguments, and declares no function within itself.
 *
 * @internal
 */
export function checkpointLoop(
  options: CheckpointLoopData,
  require: (name: string) => unknown,
): void {
  const { slots, wishes, phases, sql, minFrames, resetFrames, maxFrames } = options;
  const state = new Int32Array(options.shared);
  const { Starting, Open, Ended } = phases;
  if (Atomics.compareExchange(state, slots.Phase, Starting, Open) !== Starting) return;
  let connection: InstanceType<Driver> | undefined;
  try {
    const Database = require(options.driver) as Driver;
    connection = new Database(options.path, { fileMustExist: true, timeout: 1000 });
    connection.exec(sql.pragmas);
    const look = connection.prepare(sql.look);
    const pass = connection.prepare(sql.passive);
    const restart = connection.prepare(sql.restart);
    let seen = 0;
    for (;;) {
      if (Atomics.load(state, slots.Commits) === seen) {
        Atomics.store(state, slots.IsAsleep, 1);
        Atomics.wait(state, slots.Commits, seen);
        Atomics.store(state, slots.IsAsleep, 0);
      }
      seen = Atomics.load(state, slots.Commits);
      Atomics.wait(state, slots.IsStopped, 0, options.restMs);
      if (Atomics.load(state, slots.IsStopped) === 1) break;

      const before = look.get() as Checkpoint;
      if (before.log - before.checkpointed < minFrames) continue;
      const passed = pass.get() as Checkpoint;
      // Another process is at it, or somebody reads what is older: there is nothing to be done now.
      if (passed.busy !== 0 || passed.checkpointed < before.log) continue;

      let left = look.get() as Checkpoint;
      let rest = left.log - left.checkpointed;
      // When nothing is left, the next write begins the log anew.
      if (left.log < resetFrames || rest === 0) continue;
      if (rest > options.pauseFrames && left.log < maxFrames) continue;
      Atomics.store(state, slots.IsHeld, 0);
      Atomics.store(state, slots.Wish, wishes.Pause);
      // A pass that met a write which is under way would be one too many.
      Atomics.wait(state, slots.IsHeld, 0, options.holdMs);
      for (let attempt = 0; attempt < 3 && rest > 0; attempt++) {
        pass.get();
        left = look.get() as Checkpoint;
        rest = left.log - left.checkpointed;
      }
      Atomics.store(state, slots.Wish, wishes.Nothing);
      if (rest === 0 || left.log < maxFrames) continue;
      // Others write, or who does not pause: those in this process cannot while it is done here.
      Atomics.store(state, slots.Wish, wishes.Finish);
      Atomics.wait(state, slots.Wish, wishes.Finish, options.finishMs);
      left = look.get() as Checkpoint;
      if (left.log < 2 * maxFrames || left.log === left.checkpointed) continue;
      // Other processes: they meet a locked file, and try again.
      restart.get();
    }
  } finally {
    connection?.close();
    Atomics.store(state, slots.Wish, wishes.Nothing);
    Atomics.store(state, slots.Phase, Ended);
    Atomics.notify(state, slots.Phase);
  }
}

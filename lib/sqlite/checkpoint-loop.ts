/** The part of better-sqlite3 that the thread uses. */
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
  /** Counts the owner's commits; the thread sleeps on this slot. */
  Commits: 0,
  /** 1 while the thread sleeps until the next commit. */
  IsAsleep: 1,
  /** A {@link Wish}. */
  Wish: 2,
  /** 1 when the thread must end. */
  IsStopped: 3,
  /** A {@link Phase}. */
  Phase: 4,
  /** 1 once the owner holds back its writes, as requested: it writes nothing at the moment. */
  IsHeld: 5,
} as const;

/** What the thread asks of its owner. @internal */
export const Wish = {
  Nothing: 0,
  /** Hold back waiting writes for a few milliseconds. */
  Pause: 1,
  /** Run the rest of the checkpoint between two writes. */
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
  /** Path of better-sqlite3. */
  readonly driver: string;
  readonly path: string;
  readonly sql: {
    readonly pragmas: string;
    readonly passive: string;
    readonly restart: string;
    readonly look: string;
  };
  /** Pause between two passes, in ms. */
  readonly restMs: number;
  /** Fewest frames that are worth a pass. */
  readonly minFrames: number;
  /** The log should restart once it has this many frames. */
  readonly resetFrames: number;
  /** While writes wait, a pass has at most this many frames left to checkpoint... */
  readonly pauseFrames: number;
  /** ...unless the log contains this many. */
  readonly maxFrames: number;
  /** How long the thread waits for an owner that has nothing to write, in ms. */
  readonly holdMs: number;
  /** How long the owner has to fulfill a request, in ms. */
  readonly finishMs: number;
}

interface Checkpoint {
  readonly busy: number;
  /** Frames in the log. */
  readonly log: number;
  /** Frames that were checkpointed. */
  readonly checkpointed: number;
}

/**
 * The program of the thread. It starts from its source text, which works from source, built and bundled alike. So it
 * uses nothing but its arguments, and declares no function within itself.
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
      // Another process checkpoints, or a reader still needs older frames: nothing can be done now.
      if (passed.busy !== 0 || passed.checkpointed < before.log) continue;

      let left = look.get() as Checkpoint;
      let rest = left.log - left.checkpointed;
      // When every frame is checkpointed, the next write restarts the log.
      if (left.log < resetFrames || rest === 0) continue;
      if (rest > options.pauseFrames && left.log < maxFrames) continue;
      Atomics.store(state, slots.IsHeld, 0);
      Atomics.store(state, slots.Wish, wishes.Pause);
      // Wait for the owner first: a pass that meets a running write is wasted.
      Atomics.wait(state, slots.IsHeld, 0, options.holdMs);
      for (let attempt = 0; attempt < 3 && rest > 0; attempt++) {
        pass.get();
        left = look.get() as Checkpoint;
        rest = left.log - left.checkpointed;
      }
      Atomics.store(state, slots.Wish, wishes.Nothing);
      if (rest === 0 || left.log < maxFrames) continue;
      // Another process writes, or the owner does not pause. While the owner runs the checkpoint, nothing else in this
      // process can write.
      Atomics.store(state, slots.Wish, wishes.Finish);
      Atomics.wait(state, slots.Wish, wishes.Finish, options.finishMs);
      left = look.get() as Checkpoint;
      if (left.log < 2 * maxFrames || left.log === left.checkpointed) continue;
      // Other processes write too: they find the file locked, and try again.
      restart.get();
    }
  } finally {
    connection?.close();
    Atomics.store(state, slots.Wish, wishes.Nothing);
    Atomics.store(state, slots.Phase, Ended);
    Atomics.notify(state, slots.Phase);
  }
}

import type { Storage } from '../../sqlite/storage.js';

const STATE_META_KEY = 'feed_state';

/** The offset of the primary's clock is recorded again when it has moved by more than this, in ms. */
const OFFSET_STEP_MS = 20;

interface State {
  readonly isConnected: boolean;
  /** Offset of the primary's clock from this machine's monotonic clock, in ms. */
  readonly offset?: number | undefined;
  /** Id of the process that follows the primary. */
  readonly pid?: number;
}

/**
 * The state that the leader shares with the other processes of its directory, in the file that all of them read.
 *
 * @internal
 */
export class FeedState {
  #state: State = { isConnected: false };
  #isNoted = false;

  constructor(private readonly storage: Storage) {}

  get isConnected(): boolean {
    return this.#state.isConnected;
  }

  get offset(): number | undefined {
    return this.#state.offset;
  }

  get pid(): number | undefined {
    return this.#state.pid;
  }

  /** Called by the leader. */
  note(isConnected: boolean, offset: number | undefined): void {
    const { storage } = this;
    const moved = Math.abs((offset ?? 0) - (this.#state.offset ?? 0));
    if (this.#isNoted && isConnected === this.#state.isConnected && moved <= OFFSET_STEP_MS) return;
    const state = { isConnected, offset, pid: process.pid };
    storage.transaction(() => storage.writeMeta(STATE_META_KEY, JSON.stringify(state)));
    this.#state = state;
    this.#isNoted = true;
  }

  /** The file was replaced, so the state must be recorded again. */
  forget(): void {
    this.#isNoted = false;
  }

  /** Called by the other processes. */
  read(): void {
    const note = this.storage.readMeta(STATE_META_KEY);
    this.#state = note === undefined ? { isConnected: false } : (JSON.parse(note) as State);
  }
}

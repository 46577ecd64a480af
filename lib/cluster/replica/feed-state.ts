import type { Storage } from '../../sqlite/storage.js';

const STATE_META_KEY = 'feed_state';

/** The offset of the primary's clock is noted anew when it has moved by more than this, in ms. */
const OFFSET_STEP_MS = 20;

interface State {
  readonly isConnected: boolean;
  /** Of the primary's clock to this machine's monotonic one, in ms. */
  readonly offset?: number | undefined;
  /** Of the process that follows. */
  readonly pid?: number;
}

/**
 * What the process that follows the primary lets the others in its directory know, in the file that they all read.
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

  /** By the process that follows. */
  note(isConnected: boolean, offset: number | undefined): void {
    const { storage } = this;
    const moved = Math.abs((offset ?? 0) - (this.#state.offset ?? 0));
    if (this.#isNoted && isConnected === this.#state.isConnected && moved <= OFFSET_STEP_MS) return;
    const state = { isConnected, offset, pid: process.pid };
    storage.transaction(() => storage.writeMeta(STATE_META_KEY, JSON.stringify(state)));
    this.#state = state;
    this.#isNoted = true;
  }

  /** The file is another one. */
  forget(): void {
    this.#isNoted = false;
  }

  /** By the others. */
  read(): void {
    const note = this.storage.readMeta(STATE_META_KEY);
    this.#state = note === undefined ? { isConnected: false } : (JSON.parse(note) as State);
  }
}

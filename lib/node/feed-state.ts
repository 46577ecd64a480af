import type { Storage } from '../storage/storage.js';

const STATE_NOTE = 'feed_state';

/** The offset of the primary's clock is noted anew when it has moved by more than this, in ms. */
const OFFSET_STEP_MS = 20;

interface State {
  readonly isConnected: boolean;
  /** Of the primary's clock to this machine's, in ms. */
  readonly offset: number;
}

/**
 * What the process that follows the primary lets the others in its directory know, in the file that they all read.
 *
 * @internal
 */
export class FeedState {
  #state: State = { isConnected: false, offset: 0 };

  constructor(private readonly storage: Storage) {}

  get isConnected(): boolean {
    return this.#state.isConnected;
  }

  get offset(): number {
    return this.#state.offset;
  }

  /** By the process that follows. */
  note(isConnected: boolean, offset: number): void {
    const { storage } = this;
    const noted = storage.readNote(STATE_NOTE);
    const isKnown = noted !== undefined && isConnected === this.#state.isConnected;
    if (isKnown && Math.abs(offset - this.#state.offset) <= OFFSET_STEP_MS) return;
    this.#state = { isConnected, offset };
    storage.transaction(() => storage.writeNote(STATE_NOTE, JSON.stringify(this.#state)));
  }

  /** By the others. */
  read(): void {
    const note = this.storage.readNote(STATE_NOTE);
    this.#state =
      note === undefined ? { isConnected: false, offset: 0 } : (JSON.parse(note) as State);
  }
}

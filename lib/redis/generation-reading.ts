import type { Commands } from './redis-link.js';

/** Up to this size, the commands of one turn reach the server in one piece, without commands of other clients between them. */
const MAX_PACKET_BYTES = 8 * 1024;

/** One read of a generation, sent after the writes of a turn that need it. */
interface Reading {
  readonly generation: Promise<string>;
  /** The size of the writes before it. */
  bytes: number;
  readonly send: () => void;
}

/**
 * Reads the generation of a space after the writes of a turn, in the same packet. One read serves all writes that fit into the
 * packet.
 *
 * @internal
 */
export class GenerationReadings {
  #reading: Reading | undefined;

  constructor(
    private readonly commands: Commands,
    private readonly key: string,
  ) {}

  /**
   * Call this before the write is sent.
   *
   * @param bytes the size of the write
   * @returns the generation after the write
   */
  after(bytes: number): Promise<string> {
    if (this.#reading !== undefined && this.#reading.bytes + bytes > MAX_PACKET_BYTES) {
      this.#reading.send();
    }
    const reading = (this.#reading ??= this.#begin());
    reading.bytes += bytes;
    return reading.generation;
  }

  #begin(): Reading {
    let isSent = false;
    let settle: ((generation: Promise<string>) => void) | undefined;
    const generation = new Promise<string>((resolve) => {
      settle = resolve;
    });
    const reading: Reading = {
      generation,
      bytes: 0,
      send: () => {
        if (isSent) return;
        isSent = true;
        if (this.#reading === reading) this.#reading = undefined;
        settle?.(this.commands.call(['GET', this.key]).then(String));
      },
    };
    // Runs after the microtasks of this turn, and before the client writes what it has collected.
    process.nextTick(reading.send);
    // The callers that wait for it receive the failure.
    generation.catch(() => undefined);
    return reading;
  }
}

import type { Commands } from './redis-link.js';

/** What leaves in one turn up to this size reaches the server in one piece, so no command of another client is between it. */
const MAX_PACKET_BYTES = 8 * 1024;

/** One reading of a generation, behind the writes of a turn that need it. */
interface Reading {
  readonly generation: Promise<string>;
  /** Of the writes before it. */
  bytes: number;
  readonly send: () => void;
}

/**
 * Reads the generation of a space behind the writes of a turn, in the packet in which they leave: one reading for as many of
 * them as fit in a packet.
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
   * To be called before the write is sent.
   *
   * @param bytes of the write
   * @returns the generation as it is after the write
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
    // After the microtasks of this turn, and before the client writes what it has collected.
    process.nextTick(reading.send);
    // Those who wait for it learn of a failure.
    generation.catch(() => undefined);
    return reading;
  }
}

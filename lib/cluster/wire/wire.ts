import { Packr } from 'msgpackr';
import { PrimaryMismatchError } from '../../common/errors.js';

/** Plain MessagePack: input consists of arrays, strings, numbers, booleans and bytes, and is checked as such. */
const packr = new Packr({
  useRecords: false,
  useToJSON: false,
  structuredClone: false,
  variableMapSize: true,
});

/** The header: a length of 4 bytes, big-endian; the packed frame follows. */
const HEADER_BYTES = 4;

/** @internal */
export function pack(message: unknown): Buffer {
  return packr.pack(message);
}

/** @throws when the bytes are not MessagePack @internal */
export function unpack(bytes: Buffer): unknown {
  return packr.unpack(bytes);
}

/** The first field of a frame. @internal */
export const FrameType = {
  Hello: 0,
  SnapshotBegin: 1,
  Page: 2,
  SnapshotEnd: 3,
  Changes: 4,
  Heartbeat: 5,
  /** The stream ends here; the frame contains the reason. */
  End: 6,
  /** The answer to a request that waited for a lock. */
  Answer: 7,
} as const;

/** A message of a stream: its type and its fields. @internal */
export type Frame = readonly [type: number, ...fields: unknown[]];

/** @internal */
export function encodeFrame(frame: Frame): Buffer {
  const packed = packr.pack(frame);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + packed.length);
  bytes.writeUInt32BE(packed.length, 0);
  bytes.set(packed, HEADER_BYTES);
  return bytes;
}

/**
 * Cuts a stream of bytes into frames.
 *
 * @internal
 */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param maxFrameBytes of one frame; a larger frame is an error, whatever follows */
  constructor(private readonly maxFrameBytes: number) {}

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * The next complete frame.
   *
   * @throws {HC_PRIMARY_MISMATCH}
   */
  next(): Frame | undefined {
    if (this.#bytes < HEADER_BYTES) return undefined;
    const length = this.#joined(HEADER_BYTES).readUInt32BE(0);
    if (length > this.maxFrameBytes) throw notOurs(`a frame of ${length} bytes`);
    if (this.#bytes < HEADER_BYTES + length) return undefined;
    const joined = this.#joined(HEADER_BYTES + length);
    const end = HEADER_BYTES + length;
    this.#chunks[0] = joined.subarray(end);
    this.#bytes -= end;
    let frame: unknown;
    try {
      frame = packr.unpack(joined.subarray(HEADER_BYTES, end));
    } catch {
      throw notOurs('a frame that cannot be read');
    }
    if (!Array.isArray(frame) || typeof frame[0] !== 'number') throw notOurs('an unknown frame');
    return frame as unknown as Frame;
  }

  /** Joins chunks until the first one has at least this many bytes. */
  #joined(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= bytes) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function notOurs(what: string): PrimaryMismatchError {
  return new PrimaryMismatchError(
    `The primary sent ${what}.`,
    'Run the same version of nestjs-hypercache on all nodes, and let no proxy change the stream.',
  );
}

import { describe, expect, it } from '@jest/globals';
import fc from '../../support/fast-check.js';
import { PrimaryMismatchError } from '../../../lib/common/errors.js';
import {
  canResume,
  formatPosition,
  isLossless,
  isOfCopy,
  parsePosition,
} from '../../../lib/cluster/wire/position.js';
import { encodeFrame, FrameReader, type Frame } from '../../../lib/cluster/wire/wire.js';

const LIMIT = 1 << 20;

const field = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  // MessagePack has no -0.
  fc.double({ noNaN: true }).map((number) => number + 0),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 4 }),
);
const frame = fc
  .tuple(fc.nat(200), fc.array(field, { maxLength: 6 }))
  .map(([type, fields]): Frame => [type, ...fields]);

/** The bytes in pieces of these lengths, the last of which takes what is left. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(from, from + length));
    from += length;
  }
  return [...pieces, bytes.subarray(from)];
}

function readAll(reader: FrameReader, pieces: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let next = reader.next(); next !== undefined; next = reader.next()) frames.push(next);
  }
  return frames;
}

describe('FrameReader', () => {
  it('finds the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.nat(40), { maxLength: 60 }),
        (frames, lengths) => {
          const bytes = Buffer.concat(frames.map((each) => encodeFrame(each)));

          expect(readAll(new FrameReader(LIMIT), cut(bytes, lengths))).toEqual(frames);
        },
      ),
    );
  });

  it('refuses a frame that is too large before its bytes have come', () => {
    const reader = new FrameReader(100);
    reader.push(Buffer.from([0, 0, 0, 101]));

    expect(() => reader.next()).toThrow(PrimaryMismatchError);
  });

  it('gives frames or HC_PRIMARY_MISMATCH, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 3 }),
        fc.nat(),
        fc.nat(255),
        (frames, at, byte) => {
          const bytes = Buffer.concat(frames.map((each) => encodeFrame(each)));
          bytes[at % bytes.length] = byte;
          try {
            for (const each of readAll(new FrameReader(LIMIT), [bytes])) {
              expect(typeof each[0]).toBe('number');
            }
          } catch (error) {
            expect(error).toMatchObject({ code: 'HC_PRIMARY_MISMATCH' });
          }
        },
      ),
    );
  });
});

describe('the epochs of a primary', () => {
  const historyId = 'a'.repeat(32);
  const starts = [
    [10, 0, true],
    [20, 50, false],
    [30, 70, true],
    [40, 90, true],
  ] as const;
  const head = { historyId, epoch: 40, revision: 100 };
  const at = (epoch: number, history = historyId) => ({ historyId: history, epoch, revision: 60 });

  it.each([
    [10, false],
    [20, true],
    [30, true],
    [40, true],
  ])('after %d began after clean stops: or not', (epoch, expected) => {
    expect(isLossless(at(epoch), starts)).toBe(expected);
  });

  it('tell who has followed a copy of the file', () => {
    expect([5, 10, 20, 40].map((epoch) => isOfCopy(at(epoch), head, starts))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect([15, 35, 50].map((epoch) => isOfCopy(at(epoch), head, starts))).toEqual([
      true,
      true,
      true,
    ]);
    expect(isOfCopy(at(15, 'b'.repeat(32)), head, starts)).toBe(false);
  });
});

describe('a position', () => {
  const historyId = 'a'.repeat(32);

  it('comes back from its text', () => {
    const position = { historyId, epoch: 3, revision: 2 ** 53 - 1 };

    expect(parsePosition(formatPosition(position))).toEqual(position);
  });

  it.each([
    '',
    'x',
    `${historyId}.1`,
    `${historyId}.1.x`,
    `${historyId}.-1.2`,
    `${historyId}.1.2.3`,
  ])('is not read from %j', (text) => {
    expect(parsePosition(text)).toBeUndefined();
  });

  const head = { historyId, epoch: 4, revision: 100 };
  /** The head at the start of each epoch; what came before the second is not known any more. */
  const starts = [
    [2, 40],
    [3, 60],
    [4, 80],
  ] as const;
  const OLDEST = 11;

  it.each([
    ['is at the head', { epoch: 4, revision: 100 }, true],
    ['is behind in the same epoch', { epoch: 4, revision: 81 }, true],
    ['is behind the start of the epoch', { epoch: 4, revision: 20 }, true],
    ['has the last revision before the log begins', { epoch: 4, revision: 10 }, true],
    ['is behind the log', { epoch: 4, revision: 9 }, false],
    ['is ahead of the head', { epoch: 4, revision: 101 }, false],
    ['comes from a later epoch', { epoch: 5, revision: 50 }, false],
    ['stood where the next epoch began', { epoch: 3, revision: 80 }, true],
    ['saw more of its epoch than was kept', { epoch: 3, revision: 81 }, false],
    ['saw more of an older epoch than was kept', { epoch: 2, revision: 61 }, false],
    ['stood where an older epoch ended', { epoch: 2, revision: 60 }, true],
    ['comes from an epoch that nobody remembers', { epoch: 1, revision: 40 }, false],
  ])('that %s resumes: or not', (_what, { epoch, revision }, resumes) => {
    expect(canResume({ historyId, epoch, revision }, head, starts, OLDEST)).toBe(resumes);
  });

  it('of another history never resumes', () => {
    const other = { historyId: 'b'.repeat(32), epoch: 4, revision: 100 };

    expect(canResume(other, head, starts, OLDEST)).toBe(false);
  });
});

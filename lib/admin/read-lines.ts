import { ImportInvalidError } from '../common/errors.js';

/** @internal */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** Bytes of the source up to the end of the line. */
  readonly bytes: number;
}

/** More than the base64 of the largest value takes. */
const MAX_LINE_BYTES = 400 * 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * Reads lines of UTF-8, each as soon as it is complete. The last one need not end in a line feed.
 *
 * @throws {HC_IMPORT_INVALID} for a line that is too long or not UTF-8
 * @internal
 */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  // The decoder drops a byte order mark.
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let parts: Uint8Array[] = [];
  let length = 0;
  let number = 0;
  let bytes = 0;
  const complete = (): Line => {
    number++;
    bytes += length;
    let text: string;
    try {
      text = utf8.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts));
    } catch {
      throw new ImportInvalidError(number, 'it is not UTF-8.');
    }
    parts = [];
    length = 0;
    return { number, text, bytes };
  };
  for await (const chunk of source) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, from);
      const part = chunk.subarray(from, end === -1 ? undefined : end + 1);
      if (part.length > 0) parts.push(part);
      length += part.length;
      if (length > MAX_LINE_BYTES) throw new ImportInvalidError(number + 1, 'it is too long.');
      if (end === -1) break;
      yield complete();
      from = end + 1;
    }
  }
  if (length > 0) yield complete();
}

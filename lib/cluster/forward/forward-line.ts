import { compositeKey } from '../../common/composite-key.js';
import { MAX_REQUEST_ITEMS } from '../../common/limits.js';
import { withOrigin } from '../wire/command-codec.js';
import type { Forwarded, Target } from './outbox.js';

/** Approximate bound of one request, in bytes. */
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * The writes to send, in order: first those that ended processes had accepted, then those of this process.
 *
 * @internal
 */
export class ForwardLine {
  #left: Forwarded[] = [];
  #own: Forwarded[] = [];
  /** Accepted writes of this process that a newer write of the same key may replace. */
  readonly #replaceable = new Map<string, Forwarded>();
  /** How many of the next writes must be sent one by one. */
  #alone = 0;
  #asking = 0;

  get length(): number {
    return this.#left.length + this.#own.length;
  }

  /** How many writes have a caller that waits for the primary's answer. */
  get asking(): number {
    return this.#asking;
  }

  addLeft(items: readonly Forwarded[]): void {
    this.#left = inOrder([...this.#left, ...items]);
  }

  join(item: Forwarded): void {
    this.#own.push(item);
    if (item.row === undefined) {
      this.#asking++;
      // A write whose caller waits may depend on the writes before it, so none of those may be replaced any more.
      this.#replaceable.clear();
    } else if (item.target !== undefined) this.#replaceable.set(idOf(item.target), item);
  }

  /** The accepted write that a newer write of the same key may replace. */
  replaceableBy(target: Target | undefined): Forwarded | undefined {
    return target && this.#replaceable.get(idOf(target));
  }

  /** Removes writes that newer ones have replaced. */
  remove(superseded: ReadonlySet<Forwarded>): void {
    if (superseded.size > 0) this.#own = this.#own.filter((item) => !superseded.has(item));
  }

  /**
   * Takes the next writes out of the line; returns undefined when nothing may be sent yet.
   *
   * @param mayPass whether no older write waits in another process; not consulted while orphaned writes are in the line
   */
  take(mayPass: () => boolean): Forwarded[] | undefined {
    const isLeft = this.#left.length > 0;
    if (!isLeft && !mayPass()) return undefined;
    // `mayPass` may have found orphaned writes, which are sent first.
    const line = this.#left.length > 0 ? this.#left : this.#own;
    const most = this.#alone > 0 ? 1 : MAX_REQUEST_ITEMS;
    if (this.#alone > 0) this.#alone--;
    let count = 0;
    let bytes = 0;
    let source: string | undefined;
    for (const item of line) {
      if (count > 0 && bytes + item.bytes > BATCH_BYTES) break;
      // Writes of two sources do not share a request: the second source must not overtake the first.
      if (item.row !== undefined && item.row.source !== (source ??= item.row.source)) break;
      bytes += item.bytes;
      this.#keepFromBeingReplaced(item);
      if (++count === most) break;
    }
    const taken = line.splice(0, count);
    for (const { row } of taken) if (row === undefined) this.#asking--;
    return taken;
  }

  /** Returns taken writes to the front of the line. */
  putBack(items: readonly Forwarded[]): void {
    const left = items.filter(({ row }) => row?.isLeft === true);
    const own = items.filter(({ row }) => row?.isLeft !== true);
    this.#left.unshift(...left);
    this.#own.unshift(...own);
    for (const { row } of own) if (row === undefined) this.#asking++;
  }

  /** As {@link putBack}; each write is then sent in a request by itself. */
  putBackOneByOne(items: readonly Forwarded[]): void {
    this.#alone = items.length;
    this.putBack(items);
  }

  /** Removes the writes whose callers wait for the primary's answer. */
  removeAsking(): Forwarded[] {
    if (this.#asking === 0) return [];
    const asking = this.#own.filter(({ row }) => row === undefined);
    this.#own = this.#own.filter(({ row }) => row !== undefined);
    this.#asking = 0;
    return asking;
  }

  clear(): void {
    this.#left = [];
    this.#own = [];
  }

  /** A write that is being sent may already have arrived, so a newer write must not replace it. */
  #keepFromBeingReplaced(item: Forwarded): void {
    const id = item.target && idOf(item.target);
    if (id !== undefined && this.#replaceable.get(id) === item) this.#replaceable.delete(id);
  }
}

/**
 * Orders what ended processes have left by source. The process that ended first comes first. When one process accepted
 * its writes after another had ended, they also follow all writes of the other. Writes that two processes accepted at
 * the same time have no order between them.
 *
 * @internal
 */
export function inOrder(items: readonly Forwarded[]): Forwarded[] {
  const bySource = new Map<string, { readonly group: Forwarded[]; last: number }>();
  for (const item of items) {
    const { source = '', acceptedAt = 0 } = item.row ?? {};
    const known = bySource.get(source) ?? { group: [], last: 0 };
    known.group.push(item);
    known.last = Math.max(known.last, acceptedAt);
    bySource.set(source, known);
  }
  return Array.from(bySource.values())
    .toSorted((a, b) => a.last - b.last)
    .flatMap(({ group }) => group);
}

function idOf({ namespace, key }: Target): string {
  return compositeKey(namespace, key);
}

/** Encodes the commands for the request. Each accepted command names the command that it follows. @internal */
export function commandsOf(batch: readonly Forwarded[]): unknown[] {
  let follows: number | undefined;
  return batch.map(({ command, row }) => {
    if (row === undefined) return command;
    const { source, sequence } = row;
    const message = withOrigin(command, { source, sequence, follows });
    follows = sequence;
    return message;
  });
}

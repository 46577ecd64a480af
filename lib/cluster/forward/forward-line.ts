import { compositeKey } from '../../common/composite-key.js';
import { MAX_REQUEST_ITEMS } from '../../common/limits.js';
import { withOrigin } from '../wire/command-codec.js';
import type { Forwarded, Target } from './outbox.js';

/** What one request takes at most, roughly. */
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * What is to be sent, in order: first what processes that have ended had accepted, then what came to this one.
 *
 * @internal
 */
export class ForwardLine {
  #left: Forwarded[] = [];
  #own: Forwarded[] = [];
  /** Accepted writes of this process that a newer one of the same key may replace. */
  readonly #replaceable = new Map<string, Forwarded>();
  /** How many are to be sent one by one. */
  #alone = 0;
  #asking = 0;

  get length(): number {
    return this.#left.length + this.#own.length;
  }

  /** Those whose callers wait for the primary's answer. */
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
      // Who waits for an answer may depend on what stands before him.
      this.#replaceable.clear();
    } else if (item.target !== undefined) this.#replaceable.set(idOf(item.target), item);
  }

  /** The accepted write whose place a newer one of the same key may take. */
  replaceableBy(target: Target | undefined): Forwarded | undefined {
    return target && this.#replaceable.get(idOf(target));
  }

  /** Newer writes have taken their places. */
  remove(superseded: ReadonlySet<Forwarded>): void {
    if (superseded.size > 0) this.#own = this.#own.filter((item) => !superseded.has(item));
  }

  /**
   * What goes next, out of the line; undefined when it may not go yet.
   *
   * @param mayPass whether nothing older waits in another process; not asked for what was left
   */
  take(mayPass: () => boolean): Forwarded[] | undefined {
    const isLeft = this.#left.length > 0;
    if (!isLeft && !mayPass()) return undefined;
    // It may have found what goes first.
    const line = this.#left.length > 0 ? this.#left : this.#own;
    const most = this.#alone > 0 ? 1 : MAX_REQUEST_ITEMS;
    if (this.#alone > 0) this.#alone--;
    let count = 0;
    let bytes = 0;
    let source: string | undefined;
    for (const item of line) {
      if (count > 0 && bytes + item.bytes > BATCH_BYTES) break;
      // What two processes have accepted is not sent together: the second must not come before the first.
      if (item.row !== undefined && item.row.source !== (source ??= item.row.source)) break;
      bytes += item.bytes;
      this.#keepFromBeingReplaced(item);
      if (++count === most) break;
    }
    const taken = line.splice(0, count);
    for (const { row } of taken) if (row === undefined) this.#asking--;
    return taken;
  }

  /** What was taken goes first again. */
  putBack(items: readonly Forwarded[]): void {
    const left = items.filter(({ row }) => row?.isLeft === true);
    const own = items.filter(({ row }) => row?.isLeft !== true);
    this.#left.unshift(...left);
    this.#own.unshift(...own);
    for (const { row } of own) if (row === undefined) this.#asking++;
  }

  /** As {@link putBack}; each is sent alone. */
  putBackOneByOne(items: readonly Forwarded[]): void {
    this.#alone = items.length;
    this.putBack(items);
  }

  /** Takes out those whose callers wait for the primary's answer. */
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

  /** What is on its way may have arrived. */
  #keepFromBeingReplaced(item: Forwarded): void {
    const id = item.target && idOf(item.target);
    if (id !== undefined && this.#replaceable.get(id) === item) this.#replaceable.delete(id);
  }
}

/**
 * What processes have left: by source, the one first that has ended first. What a process has accepted after another had
 * ended comes after all that the other one had accepted; what they have accepted side by side has no order.
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

/** The commands as they travel; each that was accepted says which one it follows. @internal */
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

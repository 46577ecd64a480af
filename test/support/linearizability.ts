/** One call as its caller saw it. All times are on one clock. */
export interface Operation<I, O> {
  readonly input: I;
  /** Undefined when nobody knows whether it happened, for example because its caller died. */
  readonly output: O | undefined;
  /** Before the call. */
  readonly calledAt: number;
  /** After the answer. Without one: when it can no longer have happened, or Infinity. */
  readonly returnedAt: number;
}

/** What the object does when one operation follows the other. */
export interface SequentialModel<S, I, O> {
  readonly initial: S;
  /** The state afterwards; undefined when the operation cannot have this output in this state. */
  apply(state: S, operation: Operation<I, O>): S | undefined;
  /** Equal for equal states, and only for them. */
  keyOf(state: S): string;
}

/** @property stuckAt the answered operations of which none could come next, at the farthest point of the search */
export type Verdict<I, O> =
  | { readonly isLinearizable: true }
  | { readonly isLinearizable: false; readonly stuckAt: readonly Operation<I, O>[] };

/** Configurations that a search looks at before it gives up: a correct history of thousands needs thousands. */
const MAX_CONFIGURATIONS = 1_000_000;

/** A call, or the answer to one, in the order of time. */
interface Event {
  readonly index: number;
  readonly time: number;
  /** Of a call that was answered. */
  answer: Event | undefined;
  readonly isCall: boolean;
  before: Event | undefined;
  after: Event | undefined;
}

/**
 * Whether the operations could have happened one at a time, each somewhere between its call and its answer.
 * The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993), with Lowe's cache of the
 * configurations - operations done, state reached - that were tried before ("Testing for Linearizability", 2017).
 */
export function checkLinearizability<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
): Verdict<I, O> {
  const operations = history.toSorted((a, b) => a.calledAt - b.calledAt);
  return new Search(model, operations).run();
}

/**
 * As {@link checkLinearizability}, for an object whose keys do not affect each other: each key on its own, which
 * is as strict (Herlihy and Wing's locality) and far cheaper.
 *
 * @returns the keys whose histories are not linearizable
 */
export function checkEachKey<S, I, O>(
  model: SequentialModel<S, I, O>,
  histories: ReadonlyMap<string, readonly Operation<I, O>[]>,
): Map<string, Verdict<I, O>> {
  const refuted = new Map<string, Verdict<I, O>>();
  for (const [key, history] of histories) {
    const verdict = checkLinearizability(model, history);
    if (!verdict.isLinearizable) refuted.set(key, verdict);
  }
  return refuted;
}

class Search<S, I, O> {
  readonly #head: Event = event(-1, -Infinity, true);
  readonly #isDone: boolean[];
  readonly #tried = new Set<string>();
  readonly #path: { readonly call: Event; readonly state: S; readonly latestCall: number }[] = [];
  /** All answered operations before it are done. */
  #low = 0;
  /** No operation behind it is done. */
  #high = -1;
  #unansweredDone: number[] = [];
  /** Of those done: no operation that had ended before it can come next. */
  #latestCall = -Infinity;
  #answeredLeft: number;
  #farthest = Infinity;
  #stuckAt: readonly Operation<I, O>[] = [];

  constructor(
    private readonly model: SequentialModel<S, I, O>,
    private readonly operations: readonly Operation<I, O>[],
  ) {
    this.#isDone = operations.map(() => false);
    this.#answeredLeft = operations.filter(isAnswered).length;
    linkUp(this.#head, operations);
  }

  run(): Verdict<I, O> {
    let state = this.model.initial;
    let next = this.#head.after;
    while (this.#answeredLeft > 0) {
      const after = next?.isCall === true ? this.#try(state, next) : undefined;
      if (after !== undefined) {
        state = after;
        next = this.#head.after;
      } else if (next?.isCall === true) {
        next = next.after;
      } else {
        // An answer, and its call not done: what was done before it leads nowhere.
        this.#noteFarthest();
        const last = this.#path.pop();
        if (last === undefined) return { isLinearizable: false, stuckAt: this.#stuckAt };
        this.#undo(last.call);
        this.#latestCall = last.latestCall;
        state = last.state;
        next = last.call.after;
      }
    }
    return { isLinearizable: true };
  }

  /** The state after the operation, which is done then; undefined when it cannot be next or was tried. */
  #try(state: S, call: Event): S | undefined {
    const operation = this.operations[call.index];
    if (operation === undefined || operation.returnedAt < this.#latestCall) return undefined;
    const after = this.model.apply(state, operation);
    if (after === undefined) return undefined;
    const stateKey = this.model.keyOf(after);
    // What changed nothing, and nobody knows of, need not have happened.
    if (!isAnswered(operation) && stateKey === this.model.keyOf(state)) return undefined;
    this.#do(call);
    const configuration = `${this.#doneKey()}|${stateKey}`;
    if (this.#tried.has(configuration)) {
      this.#undo(call);
      return undefined;
    }
    if (this.#tried.size === MAX_CONFIGURATIONS) {
      throw new Error(`The search takes too long; stuck at ${JSON.stringify(this.#stuckAt)}.`);
    }
    this.#tried.add(configuration);
    this.#path.push({ call, state, latestCall: this.#latestCall });
    this.#latestCall = Math.max(this.#latestCall, operation.calledAt);
    return after;
  }

  #do(call: Event): void {
    unlink(call);
    this.#isDone[call.index] = true;
    if (call.answer === undefined) {
      this.#unansweredDone = this.#unansweredDone.concat(call.index).toSorted((a, b) => a - b);
      return;
    }
    unlink(call.answer);
    this.#answeredLeft--;
    this.#high = Math.max(this.#high, call.index);
    while (this.#isSettled(this.#low)) this.#low++;
  }

  #undo(call: Event): void {
    if (call.answer === undefined) {
      this.#unansweredDone = this.#unansweredDone.filter((index) => index !== call.index);
    } else {
      relink(call.answer);
      this.#answeredLeft++;
      this.#low = Math.min(this.#low, call.index);
    }
    relink(call);
    this.#isDone[call.index] = false;
  }

  #isSettled(index: number): boolean {
    const operation = this.operations[index];
    return operation !== undefined && (this.#isDone[index] === true || !isAnswered(operation));
  }

  /** Which operations are done: short, because almost all before the first open one are. */
  #doneKey(): string {
    const beyond: number[] = [];
    for (let i = this.#low; i <= this.#high; i++) {
      const operation = this.operations[i];
      if (this.#isDone[i] === true && operation !== undefined && isAnswered(operation)) {
        beyond.push(i);
      }
    }
    return `${this.#low}+${beyond.join()}+${this.#unansweredDone.join()}`;
  }

  #noteFarthest(): void {
    if (this.#answeredLeft >= this.#farthest) return;
    this.#farthest = this.#answeredLeft;
    const stuckAt: Operation<I, O>[] = [];
    for (let at = this.#head.after; at?.isCall === true; at = at.after) {
      const operation = this.operations[at.index];
      if (operation !== undefined && isAnswered(operation)) stuckAt.push(operation);
    }
    this.#stuckAt = stuckAt;
  }
}

function isAnswered(operation: Operation<unknown, unknown>): boolean {
  return operation.output !== undefined;
}

function event(index: number, time: number, isCall: boolean): Event {
  return { index, time, isCall, answer: undefined, before: undefined, after: undefined };
}

/** Calls before answers of the same time: such operations may have overlapped. */
function linkUp(head: Event, operations: readonly Operation<unknown, unknown>[]): void {
  const events: Event[] = [];
  for (const [index, operation] of operations.entries()) {
    const call = event(index, operation.calledAt, true);
    events.push(call);
    if (!isAnswered(operation)) continue;
    call.answer = event(index, operation.returnedAt, false);
    events.push(call.answer);
  }
  events.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  let last = head;
  for (const next of events) {
    last.after = next;
    next.before = last;
    last = next;
  }
}

function unlink(out: Event): void {
  if (out.before !== undefined) out.before.after = out.after;
  if (out.after !== undefined) out.after.before = out.before;
}

/** Undoes the last {@link unlink}: the event still knows its neighbours ("dancing links"). */
function relink(back: Event): void {
  if (back.before !== undefined) back.before.after = back;
  if (back.after !== undefined) back.after.before = back;
}

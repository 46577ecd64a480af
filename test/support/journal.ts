import { existsSync, readFileSync } from 'node:fs';

/** What became of a write, as far as its caller knows. */
type Fate = 'done' | 'unknown' | 'refused';

interface Write {
  readonly verb: string;
  readonly key: string;
  readonly n: number;
  fate: Fate;
}

/** Refusals of what surely was not executed. */
const CERTAIN = new Set(['HC_PRIMARY_UNREACHABLE', 'HC_OUTBOX_FULL', 'HC_QUEUE_FULL', 'HC_CLOSED']);

/** What a node's writers were told; see `JournaledWrites` among the programs. */
export class Journal {
  readonly #writes: Write[] = [];
  readonly codes: Record<string, number> = {};

  constructor(
    readonly node: string,
    file: string,
  ) {
    let called = new Map<string, Write>();
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    for (const [mark, id = '', verb = '', key = '', n] of lines.map((line) => line.split(' '))) {
      if (mark === '!') called = new Map();
      else if (mark === '?') {
        // Until more is known: its process may have been killed.
        const write: Write = { verb, key, n: Number(n), fate: 'unknown' };
        called.set(id, write);
        this.#writes.push(write);
      } else {
        const write = called.get(id);
        if (write === undefined) continue;
        if (mark === '+') write.fate = 'done';
        if (mark === '-') {
          this.codes[verb] = (this.codes[verb] ?? 0) + 1;
          write.fate = CERTAIN.has(verb) ? 'refused' : 'unknown';
        }
      }
    }
  }

  /** How many writes were done, refused, or neither as far as anybody knows. */
  get counts(): Record<Fate, number> {
    const counts = { done: 0, unknown: 0, refused: 0 };
    for (const { fate } of this.#writes) counts[fate]++;
    return counts;
  }

  get keys(): string[] {
    return Array.from(new Set(this.#writes.map(({ key }) => key)));
  }

  /** What is wrong with what the cluster holds in the end. */
  judge(held: ReadonlyMap<string, unknown>): string[] {
    const byKey = new Map<string, Write[]>();
    for (const write of this.#writes) {
      const group = byKey.get(write.key);
      if (group === undefined) byKey.set(write.key, [write]);
      else group.push(write);
    }
    return Array.from(byKey).flatMap(([key, writes]) => {
      const value = held.get(key);
      const wrong = key.startsWith('count/')
        ? countWrong(writes, value)
        : this.#wrong(writes, value);
      return wrong === undefined ? [] : [`${this.node}: ${key} ${wrong}`];
    });
  }

  #wrong(writes: readonly Write[], value: unknown): string | undefined {
    const lastDone = writes.findLastIndex(({ fate }) => fate === 'done');
    const held = value as { by: string; n: number } | undefined;
    // Another node has written it since.
    if (held !== undefined && held.by !== this.node) return undefined;
    const isPossible = writes.some(
      ({ verb, n, fate }, i) =>
        i >= lastDone &&
        fate !== 'refused' &&
        (verb === 'del' ? held === undefined : held?.n === n),
    );
    if (isPossible || (held === undefined && lastDone < 0)) return undefined;
    const last = writes[lastDone];
    return `is ${held?.n ?? 'missing'}; the last write that was accepted: ${last?.verb ?? 'none'} ${last?.n ?? ''}`;
  }
}

function countWrong(writes: readonly Write[], value: unknown): string | undefined {
  const count = Number(value ?? 0);
  const done = writes.filter(({ fate }) => fate === 'done').length;
  const unknown = writes.filter(({ fate }) => fate === 'unknown').length;
  if (count >= done && count <= done + unknown) return undefined;
  return `is ${count}; ${done} were done, of ${unknown} nobody knows`;
}

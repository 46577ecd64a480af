import { expect } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import type { NodeCache } from '../../../lib/node/hyper-cache-node.js';
import { CacheModel } from './cache-model.js';
import { KEYS, issue, predict, spoil, type Operation } from './operations.js';
import { NAMESPACES, type Namespace, type Step } from './steps.js';
import type { ModelledSystem } from './system-under-test.js';

/** In which ways a cache may differ from the model. */
export interface Allowances {
  /** `delete` resolves to true before it is known. */
  readonly relaxed?: boolean;
  /** Entries may go at any time, for space; what is gone stays gone. */
  readonly evicts?: boolean;
  /** Callers share one object, and must not change it. */
  readonly shares?: boolean;
}

interface Remembered {
  readonly revision: number;
  readonly version: number;
}

/** Runs steps on the system and on the model side by side, and compares every result. */
export class ModelRun {
  readonly #models: Readonly<Record<Namespace, CacheModel>>;
  readonly #remembered = new Map<string, Remembered>();
  #revision = 0;

  /** @param name for namespaces that no other run on the system has used */
  constructor(
    private readonly system: ModelledSystem,
    private readonly name: string,
    private readonly allowances: Allowances,
  ) {
    const now = (): number => system.clock.now();
    this.#models = { first: new CacheModel(now), second: new CacheModel(now) };
  }

  async perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'operation':
        await this.#operate(step.namespace, step.operation);
        break;
      case 'setIf':
        await this.#setIf(step);
        break;
      case 'together':
        await this.#together(step.namespace, step.operations);
        break;
      case 'advance':
        this.system.clock.advance(step.ms);
        break;
      default:
        await this.system[step.do]();
    }
    const { revision } = this.system.stats();
    expect(revision).toBeGreaterThanOrEqual(this.#revision);
    this.#revision = revision;
  }

  /** Compares everything that is left, and the counts with those of SQLite. */
  async finish(): Promise<void> {
    for (const namespace of NAMESPACES) {
      for (const key of KEYS) {
        await this.#operate(namespace, { kind: 'expiresAt', key });
        await this.#operate(namespace, { kind: 'get', key });
      }
      await this.#operate(namespace, { kind: 'keys', prefix: '' });
    }
    await this.system.flush();
    expect(this.system.incidents).toEqual([]);
    expect(this.system.stats()).toMatchObject({
      queued: 0,
      l2: { entries: this.system.countRows() },
    });
  }

  #cache(namespace: Namespace): NodeCache {
    return this.system.cache(`${this.name}/${namespace}`);
  }

  async #operate(namespace: Namespace, operation: Operation): Promise<void> {
    const actual = await issue(this.#cache(namespace), operation);
    this.settle(namespace, operation, actual);
  }

  /**
   * Begins all operations in one turn. Their results are those of running them in this order, with two things to
   * know: a read that is begun before the commit sees sets and deletions, but not what only the commit decides;
   * and what waits for the commit (a listing, a `wrap` that misses) sees all of them.
   */
  async #together(namespace: Namespace, operations: readonly Operation[]): Promise<void> {
    const model = this.#models[namespace];
    const atOnce = model.fork();
    const afterCommit: { i: number; operation: Operation }[] = [];
    const expected: unknown[] = [];
    // So that the commit is not over before the last of them has begun.
    const results: Promise<unknown>[] = [this.#cache(namespace).set('sentinel', 0, { ttl: -1 })];
    for (const [i, operation] of operations.entries()) {
      const { kind } = operation;
      const isHit = kind === 'wrap' && atOnce.live(operation.key) !== undefined;
      if (isHit || ['get', 'has', 'expiresAt', 'mget'].includes(kind)) {
        expected[i] = predict(atOnce, operation);
      } else if (kind === 'wrap' || kind === 'keys') {
        afterCommit.push({ i, operation });
      } else {
        if (kind === 'set' || kind === 'delete') predict(atOnce, operation);
        expected[i] = predict(model, operation);
      }
      results.push(issue(this.#cache(namespace), operation));
    }
    // A listing reads before a factory has stored.
    for (const kind of ['keys', 'wrap']) {
      for (const { i, operation } of afterCommit) {
        if (operation.kind === kind) expected[i] = predict(model, operation);
      }
    }
    const [, ...actual] = await Promise.all(results);
    expect(actual.map((outcome, i) => this.#known(operations[i], outcome, expected[i]))).toEqual(
      expected,
    );
    for (const outcome of actual) if (this.allowances.shares !== true) spoil(outcome);
  }

  /** The outcome, or the expected one where it may differ. */
  #known(operation: Operation | undefined, outcome: unknown, expected: unknown): unknown {
    const isRelaxed = this.allowances.relaxed === true && operation?.kind === 'delete';
    const isCount = operation?.kind === 'clear' && Number(outcome) >= Number(expected);
    return (isRelaxed && outcome === true) || isCount ? expected : outcome;
  }

  /** Takes the outcome of an operation into the model, if the model allows it. */
  settle(namespace: Namespace, operation: Operation, actual: unknown): void {
    const model = this.#models[namespace];
    const possible = this.#possibleOutcomes(model, operation, actual);
    const found = possible.find(({ outcome }) => isDeepStrictEqual(outcome, actual));
    if (found === undefined) {
      expect({ namespace, operation, outcome: actual }).toEqual({
        namespace,
        operation,
        outcome: possible[0]?.outcome,
      });
      throw new Error('An outcome differs from the model in a way that Jest does not see.');
    }
    model.adopt(found.after);
    if (this.allowances.shares !== true) spoil(actual);
  }

  #possibleOutcomes(
    model: CacheModel,
    operation: Operation,
    actual: unknown,
  ): { outcome: unknown; after: CacheModel }[] {
    const after = model.fork();
    const outcome = predict(after, operation);
    const possible = [{ outcome, after }];
    const { relaxed, evicts } = this.allowances;
    if (relaxed === true && operation.kind === 'delete') possible.push({ outcome: true, after });
    // Expired entries that were not yet swept are counted too.
    if (operation.kind === 'clear' && Number(actual) >= Number(outcome)) {
      possible.push({ outcome: actual, after });
    }
    if (evicts !== true) return possible;
    if ('key' in operation) possible.push(...this.#withoutKeys(model, operation, [operation.key]));
    if (operation.kind === 'mget' && Array.isArray(actual)) {
      const missing = operation.keys.filter((_key, i) => actual[i] === undefined);
      possible.push(...this.#withoutKeys(model, operation, missing));
    }
    if (operation.kind === 'keys' && Array.isArray(actual)) {
      const missing = model.liveKeys(operation.prefix).filter((key) => !actual.includes(key));
      possible.push(...this.#withoutKeys(model, operation, missing));
    }
    const isCount = ['clear', 'deletePrefix', 'deleteTag'].includes(operation.kind);
    if (isCount && Number(actual) <= Number(outcome)) possible.push({ outcome: actual, after });
    return possible;
  }

  #withoutKeys(model: CacheModel, operation: Operation, keys: readonly string[]) {
    const after = model.fork();
    for (const key of keys) after.evict(key);
    const possible = [{ outcome: predict(after, operation), after }];
    if (this.allowances.relaxed === true && operation.kind === 'delete') {
      possible.push({ outcome: true, after });
    }
    return possible;
  }

  async #setIf(step: Extract<Step, { do: 'setIf' }>): Promise<void> {
    const { namespace, key, value, ttl } = step;
    const cache = this.#cache(namespace);
    const expected = await this.#expectedRevision(step);
    if (expected === undefined) return;
    const { stored, revision } = await cache.setIf(key, value, expected.revision, { ttl });
    const model = this.#models[namespace];
    const before = model.fork();
    if (model.setIf(key, value, expected.version, ttl) !== stored) {
      // Refused though nobody wrote: allowed only when the entry has made room meanwhile.
      expect({ step, stored, evicts: this.allowances.evicts === true }).toEqual({
        step,
        stored: expected.version === 0 && before.live(key) !== undefined,
        evicts: true,
      });
      model.adopt(before);
      model.evict(key);
      if (stored) expect(model.setIf(key, value, expected.version, ttl)).toBe(true);
    }
    if (stored) expect(revision).toBeGreaterThan(this.#revision);
  }

  async #expectedRevision(step: Extract<Step, { do: 'setIf' }>): Promise<Remembered | undefined> {
    const { namespace, key } = step;
    const id = `${namespace}/${key}`;
    if (step.expect === 'remembered') return this.#remembered.get(id);
    const { value, revision } = await this.#cache(namespace).getWithRevision(key);
    this.settle(namespace, { kind: 'get', key }, value);
    const version = this.#models[namespace].live(key)?.version ?? 0;
    expect(revision > 0).toBe(version > 0);
    const remembered = { revision, version };
    this.#remembered.set(id, remembered);
    return remembered;
  }
}

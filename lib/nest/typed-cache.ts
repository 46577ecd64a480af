import type { PolicyName, WrapContext, WrapOptions } from '../cache/policy.js';
import { milliseconds, type Duration } from '../common/duration.js';
import { over } from '../cache/presets.js';
import type { Factory } from '../cache/wrap-options.js';
import { compositeKey } from '../common/composite-key.js';
import { InvalidArgumentError, InvalidOptionsError, InvalidValueError } from '../common/errors.js';
import type { NodeCache, NodeEntry, NodeWrapOptions } from '../node/hyper-cache-node.js';
import {
  checkedDefinition,
  type AnyDefinition,
  type CacheDefinitionOptions,
  type Definition,
  type IdOf,
  type InputOf,
  type OutputOf,
} from './cache-definition.js';
import { checkedOptions, checkedTtl, checkedWrap, type SetOptions } from './call-options.js';
import { policyProblem, userOf } from './declared-policies.js';
import { issueLine, type StandardSchema } from './standard-schema.js';

/** A cache from which typed caches are made: a `HyperCache`. @publicApi */
export interface TypedCacheSource {
  /** @internal */
  typed<D extends AnyDefinition>(definition: D): TypedCache<D>;
}

/** Describes the entries of one kind: where they are kept, what they look like, and how long they live. @publicApi */
export interface CacheDefinition<Id, Output, Input = Output> extends Definition<Id, Output, Input> {
  /**
   * The entries in this cache.
   *
   * @throws {HC_OPTIONS_INVALID} the definition names a policy that does not exist
   */
  in(cache: TypedCacheSource): TypedCache<CacheDefinition<Id, Output, Input>>;
}

/**
 * Describes entries of one kind once, for all code that reads and writes them.
 *
 * @example
 * ```ts
 * const products = defineCache<number, Product>({ name: 'products', key: (id) => String(id), version: 2, ttl: '5m' });
 * await products.in(cache).wrap(1, () => load(1));
 * ```
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID}
 * @publicApi
 */
export function defineCache<Id = string | number, Output = unknown, Input = Output>(
  options: CacheDefinitionOptions<Id, Output, Input>,
): CacheDefinition<Id, Output, Input> {
  const definition: CacheDefinition<Id, Output, Input> = Object.freeze({
    ...checkedDefinition(options),
    in: (cache: TypedCacheSource) => cache.typed(definition).assertPolicy(),
  });
  return definition;
}

/** The result of a schema. */
type Judgement = { readonly value: unknown } | { readonly error: InvalidValueError };

/**
 * The entries of one definition, in one cache. The definition sets the type of the ids, and its schema the type of the values.
 * Everything else works as in `HyperCache`.
 *
 * @publicApi
 */
export class TypedCache<D extends AnyDefinition> {
  /** Values in L1 that the schema has accepted. Each is checked once, not at each read. */
  readonly #accepted = new WeakSet<object>();
  #isClaimed = false;
  /** For calls that name a policy, which takes precedence over the definition. */
  #byPolicy: NodeCache | undefined;

  /** @internal Made by `definition.in(cache)`. */
  constructor(
    readonly definition: D,
    private readonly cache: NodeCache,
    /** @throws {HC_ARGUMENT_INVALID} another definition has its keys */
    private readonly claim: () => void,
  ) {}

  /** @internal @throws {HC_OPTIONS_INVALID} */
  assertPolicy(): this {
    const problem = policyProblem(userOf(this.definition), this.cache.policies);
    if (problem !== undefined) throw new InvalidOptionsError([problem]);
    return this;
  }

  /** The key in the cache, which contains the definition's name and version. @throws {HC_ARGUMENT_INVALID} */
  keyOf(id: IdOf<D>): string {
    if (!this.#isClaimed) this.claim();
    this.#isClaimed = true;
    return this.definition.keyOf(id);
  }

  /** The value; undefined when it is missing or the schema does not accept it. */
  async get(id: IdOf<D>): Promise<OutputOf<D> | undefined> {
    const key = this.keyOf(id);
    return this.#valueOf(key, await this.cache.find(key));
  }

  /** The values in the order of the ids. */
  async mget(ids: readonly IdOf<D>[]): Promise<(OutputOf<D> | undefined)[]> {
    return Promise.all(ids.map((id) => this.get(id)));
  }

  /** Whether there is a live entry. The schema does not check it. */
  async has(id: IdOf<D>): Promise<boolean> {
    return this.cache.has(this.keyOf(id));
  }

  /**
   * Stores the schema's output for the value.
   *
   * @param options a ttl, or more; the definition supplies the rest
   * @throws {HC_VALUE_INVALID} the schema does not accept it; nothing is stored
   */
  async set(id: IdOf<D>, value: InputOf<D>, options?: Duration | SetOptions): Promise<void> {
    const key = this.keyOf(id);
    const given = checkedOptions<SetOptions>('set', options);
    const output = await this.#checked(value);
    await this.cache.set(key, output, this.#writeOptions(id, output, given));
  }

  /** Stores the value if the id is missing. Resolves to whether it did. @throws {HC_VALUE_INVALID} */
  async add(
    id: IdOf<D>,
    value: InputOf<D>,
    options?: Duration | Omit<SetOptions, 'fence'>,
  ): Promise<boolean> {
    const key = this.keyOf(id);
    const given = checkedOptions<SetOptions>('add', options);
    const output = await this.#checked(value);
    return this.cache.add(key, output, this.#writeOptions(id, output, given));
  }

  /**
   * Returns the value, or the result of the factory. A stored value that the schema does not accept counts as missing.
   *
   * @param options a ttl, or more; the definition supplies the rest
   * @throws {HC_VALUE_INVALID} the schema does not accept the factory's result; nothing is stored
   */
  async wrap(
    id: IdOf<D>,
    factory: (context: WrapContext<OutputOf<D>>) => InputOf<D> | Promise<InputOf<D>>,
    options?: Duration | PolicyName | WrapOptions<OutputOf<D>>,
  ): Promise<OutputOf<D>> {
    const key = this.keyOf(id);
    const [cache, given] = this.#wrapArguments(id, checkedWrap(options));
    const make = async (context: WrapContext<OutputOf<D>>): Promise<unknown> => {
      const made: unknown = await factory(context);
      return made === undefined ? undefined : this.#checked(made);
    };
    const found = await cache.wrap(key, make as Factory, given);
    if (await this.#isAccepted(key, found)) return cache.release(found.value) as OutputOf<D>;
    // Another version may write the key again meanwhile, so the factory is called whatever the key holds.
    const made = await cache.wrap(key, make as Factory, { ...given, fresh: true });
    return cache.release(made.value) as OutputOf<D>;
  }

  #wrapArguments(
    id: IdOf<D>,
    options: Duration | string | WrapOptions<OutputOf<D>> | undefined,
  ): [NodeCache, NodeWrapOptions] {
    const { policy: own, tagsOf } = this.definition;
    const given = (typeof options === 'object' ? options : asOptions(options)) as NodeWrapOptions;
    if (given.policy === undefined) {
      return [this.cache, over({ ...own, tags: tagsOf(id) }, given)];
    }
    const { policy: _named, ...fields } = own as NodeWrapOptions;
    this.#byPolicy ??= this.cache.withPolicy(fields);
    return [this.#byPolicy, over({ tags: tagsOf(id) }, given)];
  }

  /**
   * Makes the entry stale for its windows. An entry without a window is deleted. Resolves to whether there was a fresh one.
   */
  async expire(id: IdOf<D>): Promise<boolean> {
    return this.cache.expire(this.keyOf(id));
  }

  /** Resolves to whether there was a live entry. */
  async del(id: IdOf<D>): Promise<boolean> {
    return this.cache.delete(this.keyOf(id));
  }

  /** Gives a live entry a new deadline. Resolves to whether there was one. */
  async touch(id: IdOf<D>, ttl?: Duration): Promise<boolean> {
    const own = this.definition.policy.ttl;
    const given = checkedTtl(ttl) ?? (typeof own === 'function' ? undefined : own);
    return this.cache.touch(this.keyOf(id), given);
  }

  #writeOptions(id: IdOf<D>, output: unknown, given: SetOptions): SetOptions {
    const { policy, tagsOf } = this.definition;
    const ttl = typeof policy.ttl === 'function' ? policy.ttl(output as never) : policy.ttl;
    const { stale, grace } = policy;
    return over({ ttl, stale, grace, tags: tagsOf(id) }, given);
  }

  async #valueOf(key: string, entry: NodeEntry | undefined): Promise<OutputOf<D> | undefined> {
    if (entry === undefined || !(await this.#isAccepted(key, entry))) return undefined;
    return this.cache.release(entry.value) as OutputOf<D>;
  }

  /** A value that the schema does not accept is reported, and removed unless it has changed since. */
  async #isAccepted(key: string, { value }: NodeEntry): Promise<boolean> {
    const { reads } = this.definition;
    if (reads === undefined || value === undefined) return true;
    const isObject = typeof value === 'object' && value !== null;
    if (isObject && this.#accepted.has(value)) return true;
    const judged = await judge(reads, this.cache.release(value));
    if ('value' in judged) {
      if (isObject) this.#accepted.add(value);
      return true;
    }
    this.cache.report(judged.error, `reading ${this.definition.name}`);
    await this.#remove(key, reads);
    return false;
  }

  async #remove(key: string, reads: StandardSchema): Promise<void> {
    try {
      const { value, revision } = await this.cache.getWithRevision(key);
      if (value === undefined || 'value' in (await judge(reads, value))) return;
      // Deletes only this revision: it ends one millisecond ago.
      await this.cache.setIf(key, null, revision, { ttl: -1 });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.cache.report(error, `removing an entry of ${this.definition.name}`);
    }
  }

  async #checked(value: unknown): Promise<unknown> {
    const { schema } = this.definition;
    if (schema === undefined) return value;
    const judged = await judge(schema, value);
    if ('error' in judged) throw judged.error;
    return judged.value;
  }
}

async function judge(schema: StandardSchema, value: unknown): Promise<Judgement> {
  try {
    const { issues, ...accepted } = await schema['~standard'].validate(value);
    if (issues === undefined) return accepted as { value: unknown };
    return { error: new InvalidValueError(issues.map(issueLine)) };
  } catch (error) {
    return { error: new InvalidValueError(['the schema itself failed'], error) };
  }
}

/** A text that is no duration names a policy. */
function asOptions(given: Duration | string | undefined): object {
  const isName = typeof given === 'string' && typeof milliseconds(given) === 'string';
  return isName ? { policy: given } : { ttl: given };
}

/** Definitions by namespace, name and version. */
const owners = new WeakMap<object, Map<string, AnyDefinition>>();

/**
 * One name means one definition. Two definitions of one name would remove each other's entries.
 *
 * @throws {HC_ARGUMENT_INVALID}
 * @internal
 */
export function claimName(node: object, namespace: string, definition: AnyDefinition): void {
  const known = owners.get(node) ?? new Map<string, AnyDefinition>();
  owners.set(node, known);
  const key = compositeKey(namespace, definition.prefix);
  const owner = known.get(key) ?? definition;
  known.set(key, owner);
  if (owner === definition) return;
  throw new InvalidArgumentError(
    `Two definitions have the name '${definition.name}' and the same version in one cache.`,
    'Define it once and import that definition, or give each its own name.',
  );
}

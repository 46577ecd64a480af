import { assertDeclared, type PolicyName, type WrapPolicy } from '../cache/policy.js';
import { InvalidArgumentError } from '../common/errors.js';
import { checkFields } from './call-options.js';
import { isStandardSchema, type StandardSchema } from './standard-schema.js';

/** The options of `defineCache`: what the entries are, and each option of `wrap` as their default. @publicApi */
export interface CacheDefinitionOptions<Id, Output, Input = Output> extends Omit<
  WrapPolicy<Output>,
  'tags'
> {
  /** The name of a policy of `forRoot({ policies })`. The other fields here take precedence over it. */
  policy?: PolicyName | undefined;
  /** The first part of each key: 1 to 64 letters, digits, `_`, `.` and `-`. One name means one definition in a cache. */
  name: string;
  /** The key of an id, without the name. @default the id itself, which must be a string or a number */
  key?: ((id: Id) => string) | undefined;
  /**
   * Checks each value before it is stored. The cache stores the schema's output, which the schema or `read` must accept in
   * turn.
   */
  schema?: StandardSchema<Input, Output> | undefined;
  /** Checks each value that is read. Its output is not used. @default `schema` */
  read?: StandardSchema | undefined;
  /** A part of each key, so that a release with another shape never reads the old one: a whole number, from 0. */
  version?: number | undefined;
  /** Tags of each entry, or a function of the id. */
  tags?: readonly string[] | ((id: Id) => readonly string[]) | undefined;
}

/** The data that a {@link TypedCache} has about its entries. @publicApi */
export interface Definition<Id, Output, Input = Output> {
  readonly name: string;
  readonly keyOf: (id: Id) => string;
  /** Only the compiler reads this field. */
  readonly types?: { readonly input: Input; readonly output: Output };
  /** @internal */
  readonly prefix: string;
  /** @internal */
  readonly tagsOf: (id: Id) => readonly string[] | undefined;
  /** @internal */
  readonly schema: StandardSchema | undefined;
  /** @internal */
  readonly reads: StandardSchema | undefined;
  /** @internal */
  readonly policy: Omit<WrapPolicy<never>, 'tags'> & { policy?: PolicyName | undefined };
}

/** A typed cache, whatever its types. @publicApi */
export type AnyDefinition = Definition<never, unknown, unknown>;
/** The type of the argument from which a typed cache makes its keys. @publicApi */
export type IdOf<D extends AnyDefinition> = Parameters<D['keyOf']>[0];
/** The type of the values that a typed cache takes, before its schema has read them. @publicApi */
export type InputOf<D extends AnyDefinition> = NonNullable<D['types']>['input'];
/** The type of the values that a typed cache returns. @publicApi */
export type OutputOf<D extends AnyDefinition> = NonNullable<D['types']>['output'];

/** @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID} @internal */
export function checkedDefinition<Id, Output, Input>(
  options: CacheDefinitionOptions<Id, Output, Input>,
): Definition<Id, Output, Input> {
  const { name, key, schema, read, version, tags, ...policy } = Object(options) as typeof options;
  checkFields('defineCache', Object(options));
  demand(
    typeof name === 'string' && /^[\w.-]{1,64}$/.test(name),
    'name',
    '1 to 64 letters, digits, "_", "." and "-", such as \'products\'',
  );
  demand(
    key === undefined || typeof key === 'function',
    'key',
    'a function of the id that returns a string',
  );
  demand(
    schema === undefined || isStandardSchema(schema),
    'schema',
    'a schema of Zod 4, Valibot 1, ArkType or another library of the Standard Schema',
  );
  demand(
    read === undefined || isStandardSchema(read),
    'read',
    'a schema that accepts what is stored',
  );
  demand(
    version === undefined || (Number.isSafeInteger(version) && version >= 0),
    'version',
    'a whole number from 0',
  );
  demand(
    tags === undefined || Array.isArray(tags) || typeof tags === 'function',
    'tags',
    'a list of strings, or a function of the id that returns one',
  );
  assertDeclared(policy);
  const prefix = version === undefined ? `${name}:` : `${name}@${version}:`;
  return {
    name,
    prefix,
    keyOf: (id) => prefix + (key === undefined ? plainKey(name, id) : madeKey(name, key(id))),
    tagsOf: typeof tags === 'function' ? tags : () => tags,
    schema,
    reads: read ?? schema,
    policy: Object.freeze(policy),
  };
}

function plainKey(name: string, id: unknown): string {
  if (typeof id === 'string' || (typeof id === 'number' && !Number.isNaN(id))) return String(id);
  throw new InvalidArgumentError(
    `The id of an entry of '${name}' is of type ${typeof id}.`,
    'Pass a string or a number, or give defineCache() a function: { key: (id) => ... }.',
  );
}

function madeKey(name: string, key: unknown): string {
  if (typeof key === 'string') return key;
  throw new InvalidArgumentError(
    `The key function of '${name}' returned no string.`,
    'Return a string that differs for different ids.',
  );
}

function demand(isRight: boolean, field: string, instead: string): void {
  if (isRight) return;
  throw new InvalidArgumentError(
    `The ${field} of defineCache() is not acceptable.`,
    `Give ${instead}.`,
  );
}

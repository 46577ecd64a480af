import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { policyHint } from '../cache/presets.js';
import { InvalidOptionsError, type OptionProblem } from '../common/errors.js';
import type { AnyDefinition } from './cache-definition.js';
import { HTTP_CACHE_DEFAULTS, HTTP_CACHE_METADATA } from './http-cache/http-cache.options.js';

/** The metadata key of the options of `@Cached`, on the method. @internal */
export const CACHED_METADATA = Symbol('HyperCache: the options of @Cached');

/** The metadata key of the definitions that `@InjectCache` injects into a class. */
const DEFINITIONS_METADATA = Symbol('HyperCache: the definitions of @InjectCache');

const OF_METHODS = [
  [CACHED_METADATA, 'Cached'],
  [HTTP_CACHE_METADATA, 'HttpCache'],
] as const;

/** Options that may name a policy. @internal */
export interface PolicyUser {
  /** Where they are written, for messages. */
  readonly at: string;
  readonly options: unknown;
}

/** @internal */
export const userOf = ({ name, policy }: AnyDefinition): PolicyUser => ({
  at: `defineCache({ name: '${name}' })`,
  options: policy,
});

/** Notes that a class injects the cache of a definition. @internal */
export function rememberDefinition(type: object, definition: AnyDefinition): void {
  Reflect.defineMetadata(DEFINITIONS_METADATA, [...definitionsOf(type), definition], type);
}

/**
 * Checks the policies that the classes of an application name by decorators, and the one of `HttpCacheModule`.
 *
 * @param known the names of the policies of `forRoot`
 * @throws {HC_OPTIONS_INVALID} names all unknown ones
 * @internal
 */
export function assertPoliciesOf(application: ModulesContainer, known: readonly string[]): void {
  const problems = new Map<string, OptionProblem>();
  for (const user of usersIn(application)) {
    const problem = policyProblem(user, known);
    if (problem !== undefined) problems.set(problem.option, problem);
  }
  if (problems.size > 0) throw new InvalidOptionsError([...problems.values()]);
}

/** Undefined for a policy that is known, and for none. @internal */
export function policyProblem(
  { at, options }: PolicyUser,
  known: readonly string[],
): OptionProblem | undefined {
  const { policy } = Object(options) as { policy?: unknown };
  if (policy === undefined || known.includes(policy as string)) return undefined;
  return {
    option: `policy of ${at}`,
    value: `'${String(policy).slice(0, 80)}', a policy that does not exist`,
    instead: policyHint(known),
  };
}

function* usersIn(application: ModulesContainer): Iterable<PolicyUser> {
  const types = new Set<unknown>();
  for (const { controllers, providers } of application.values()) {
    for (const { token, metatype, instance } of [...controllers.values(), ...providers.values()]) {
      if (token === HTTP_CACHE_DEFAULTS) {
        yield { at: 'HttpCacheModule.forRoot()', options: instance };
      }
      types.add(metatype);
    }
  }
  for (const type of types) if (typeof type === 'function') yield* usersOn(type);
}

function* usersOn(type: {
  readonly name: string;
  readonly prototype?: unknown;
}): Iterable<PolicyUser> {
  const { name, prototype } = type;
  const onClass: unknown = Reflect.getMetadata(HTTP_CACHE_METADATA, type);
  yield { at: `@HttpCache on ${name}`, options: onClass };
  for (const definition of definitionsOf(type)) yield userOf(definition);
  // The metatype of a provider with a factory is that factory, which may be an arrow function.
  if (typeof prototype !== 'object' || prototype === null) return;
  for (const property of new MetadataScanner().getAllMethodNames(prototype)) {
    const method = Reflect.get(prototype, property) as object;
    for (const [key, decorator] of OF_METHODS) {
      const options: unknown = Reflect.getMetadata(key, method);
      yield { at: `@${decorator} on ${name}.${property}()`, options };
    }
  }
}

function definitionsOf(type: object): readonly AnyDefinition[] {
  return (Reflect.getMetadata(DEFINITIONS_METADATA, type) as AnyDefinition[] | undefined) ?? [];
}

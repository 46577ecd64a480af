import { Inject, type InjectionToken } from '@nestjs/common';
import { InvalidArgumentError, ModuleMissingError } from '../../common/errors.js';

/** A method that a decorator replaces. @internal */
export interface DecoratedMethod {
  /** The class that declares it. */
  readonly className: string;
  readonly name: string;
}

/** One call of such a method. @internal */
export interface MethodCall<T> {
  /** The provider that Nest has injected. */
  readonly injected: T;
  readonly args: readonly unknown[];
  /** Calls the method itself, on its object and with the original arguments. */
  readonly proceed: () => unknown;
}

/** What happens instead of a call of such a method. @internal */
export interface Replacement<T> {
  /** Its result becomes a promise. */
  readonly call: (call: MethodCall<T>) => unknown;
  /** Set on the method, in addition to the metadata of the decorators below. */
  readonly metadata?: Readonly<Record<symbol, unknown>>;
}

type Method = (this: object, ...args: unknown[]) => unknown;

/** The property of each instance in which Nest puts what it injects, one for each token. */
const properties = new Map<InjectionToken, symbol>();

/**
 * Replaces a method of a class that Nest creates by one with an injected provider. Nest injects properties into every instance,
 * request-scoped ones included, and refuses to start when one is missing. The class need not inject it.
 *
 * @param decorator its name, for messages
 * @param token of the provider to inject
 * @param around makes, once for each method, the replacement of its calls
 * @internal
 */
export function injectedMethod<T>(
  decorator: string,
  token: InjectionToken,
  around: (method: DecoratedMethod) => Replacement<T>,
) {
  return (target: object, property: string | symbol, descriptor?: PropertyDescriptor): void => {
    const method: unknown = descriptor?.value;
    const name = String(property);
    if (descriptor === undefined || !isMethod(method) || typeof target === 'function') {
      throw new InvalidArgumentError(
        `@${decorator} is on ${name}, which is no method of an object.`,
        'Put it on a method of a provider or a controller, not on an accessor or a static method.',
      );
    }
    const place = propertyOf(token);
    Inject(token)(target, place);
    const { call, metadata = {} } = around({ className: target.constructor.name, name });
    const replacement: Method = async function (...args) {
      const injected = Reflect.get(this ?? {}, place) as T | undefined;
      if (injected === undefined) throw new ModuleMissingError(`@${decorator} on ${name}()`);
      return call({ injected, args, proceed: () => method.apply(this, args) });
    };
    copyShape(method, replacement);
    for (const key of Object.getOwnPropertySymbols(metadata)) {
      Reflect.defineMetadata(key, metadata[key], replacement);
    }
    descriptor.value = replacement;
  };
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

function propertyOf(token: InjectionToken): symbol {
  const known = properties.get(token);
  if (known !== undefined) return known;
  const made = Symbol(`injected for a decorator of HyperCache`);
  properties.set(token, made);
  return made;
}

/** Decorators below this one, such as `@Cron`, have left their metadata on the method itself. */
function copyShape(from: object, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
  for (const property of ['name', 'length']) {
    const value: unknown = Reflect.get(from, property);
    Object.defineProperty(to, property, { value, configurable: true });
  }
}

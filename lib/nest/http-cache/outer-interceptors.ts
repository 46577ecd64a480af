import { ClassSerializerInterceptor, type ExecutionContext } from '@nestjs/common';
import type { ExternalContextCreator } from '@nestjs/core';
import { types } from 'node:util';
import { isPlain } from '../../value/capture.js';

/** The metadata key of the arguments of `@UseInterceptors()`. */
const INTERCEPTORS = '__interceptors__';

/** Deeper values are considered cyclic, and JSON refuses those anyway. */
const MAX_DEPTH = 100;

/** Nest's record of `app.useGlobalInterceptors()` and `APP_INTERCEPTOR`. It has no public name. */
interface GlobalInterceptors {
  readonly interceptorsContextCreator?: {
    readonly config?: {
      getGlobalInterceptors?(): readonly unknown[];
      getGlobalRequestInterceptors?(): readonly { readonly metatype?: unknown }[];
    };
  };
}

/** The interceptors that run after ours, on the way out. @internal */
export interface OuterInterceptors {
  /** Whether there are none. The platform then receives what ours returns. */
  readonly areNone: boolean;
  /**
   * Whether there is a `ClassSerializerInterceptor`. It follows rules of classes such as `@Exclude()`, and the cache keeps no
   * classes.
   */
  readonly serialize: boolean;
}

/**
 * @param own the class of our interceptor
 * @internal
 */
export function outerInterceptors(
  context: ExecutionContext,
  creator: ExternalContextCreator,
  own: object,
): OuterInterceptors {
  const config = (creator as unknown as GlobalInterceptors).interceptorsContextCreator?.config;
  const all = [
    ...(config?.getGlobalInterceptors?.() ?? []),
    ...(config?.getGlobalRequestInterceptors?.() ?? []).map(({ metatype }) => metatype),
    ...declaredOn(context.getClass()),
    ...declaredOn(context.getHandler()),
  ].map(classOf);
  const place = all.findIndex((each) => each === own);
  const outer = place < 0 ? all : all.slice(0, place);
  const knowsAll =
    config?.getGlobalInterceptors !== undefined &&
    config.getGlobalRequestInterceptors !== undefined;
  return {
    areNone: place === 0 && knowsAll,
    serialize: outer.some(
      (each) =>
        each === ClassSerializerInterceptor ||
        ClassSerializerInterceptor.prototype.isPrototypeOf(prototypeOf(each)),
    ),
  };
}

/** Whether the value holds an instance of a class of the application. @internal */
export function holdsInstances(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return false;
  const items = Array.isArray(value) ? value : isPlain(value) ? Object.values(value) : undefined;
  if (items !== undefined) return items.some((item) => holdsInstances(item, depth + 1));
  return !(
    types.isDate(value) ||
    types.isUint8Array(value) ||
    types.isMap(value) ||
    types.isSet(value)
  );
}

function declaredOn(target: object): readonly unknown[] {
  const found: unknown = Reflect.getMetadata(INTERCEPTORS, target);
  return Array.isArray(found) ? found : [];
}

function classOf(interceptor: unknown): unknown {
  return typeof interceptor === 'function' ? interceptor : Object(interceptor).constructor;
}

function prototypeOf(given: unknown): object {
  return typeof given === 'function' ? (given.prototype as object) : {};
}

import type { ExecutionContext } from '@nestjs/common';

/**
 * The metadata that Nest and its packages set on handlers and controllers. Not every version has a public name for all of it.
 *
 * @internal
 */
export const METADATA = {
  sse: '__sse__',
  render: '__renderTemplate__',
  redirect: '__redirect__',
  version: '__version__',
  host: 'host',
  arguments: '__routeArguments__',
  passthrough: '__responsePassthrough__',
} as const;

/** The kinds of arguments, `@Res()` and `@Next()`, with which a handler answers by hand. */
const BY_HAND = /^[12]:/;

/** Whether Nest leaves the answer to the handler. @internal */
export function answersByHand(context: ExecutionContext): boolean {
  const controller = context.getClass();
  const method = nameOf(controller.prototype as object, context.getHandler());
  const kinds = Object(Reflect.getMetadata(METADATA.arguments, controller, method)) as object;
  if (!Object.keys(kinds).some((kind) => BY_HAND.test(kind))) return false;
  return Reflect.getMetadata(METADATA.passthrough, controller, method) !== true;
}

/** The name under which a class has a method, even if decorators have replaced the method. */
function nameOf(prototype: object, method: { name: string }): string {
  for (let each: object | null = prototype; each !== null; each = Object.getPrototypeOf(each)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      if (value === method) return name;
    }
  }
  return method.name;
}

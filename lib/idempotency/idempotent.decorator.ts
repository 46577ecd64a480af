import { RequestMethod, SetMetadata, UseInterceptors } from '@nestjs/common';
import { InvalidArgumentError } from '../index.js';
import { resolveIdempotentOptions, type IdempotentOptions } from './idempotent-options.js';
import { IdempotencyInterceptor, markBegun, OPTIONS } from './idempotency.interceptor.js';

/**
 * Runs a handler once for each idempotency key that clients send, and repeats its answer when a client sends the key again, on
 * all processes and servers. It needs `HyperCacheIdempotencyModule`.
 *
 * @example
 * ```ts
 * @Controller('payments')
 * export class Payments {
 *   @Post()
 *   @Idempotent()
 *   async pay(@Body() payment: { amount: number }): Promise<{ amount: number }> {
 *     return payment;
 *   }
 * }
 * ```
 * @throws {HC_ARGUMENT_INVALID} when the class is loaded
 * @publicApi
 */
export function Idempotent(options: IdempotentOptions = {}): MethodDecorator {
  const resolved = resolveIdempotentOptions(options);
  return (target, property, descriptor: PropertyDescriptor) => {
    const method: unknown = descriptor?.value;
    if (typeof method !== 'function') {
      throw new InvalidArgumentError(
        `@Idempotent is on ${String(property)}, which is no method.`,
        'Put it on a handler of a controller.',
      );
    }
    // The verb of a route decorator below. One above is detected at the first request.
    const verb: unknown = Reflect.getMetadata('method', method);
    const verbName = typeof verb === 'number' ? RequestMethod[verb] : undefined;
    if (verbName !== undefined && !resolved.methods.includes(verbName)) {
      throw new InvalidArgumentError(
        `@Idempotent is on ${String(property)}(), which answers ${verbName}.`,
        `Remove it: such a request is idempotent by itself. Or give { methods: ['${verbName}'] }.`,
      );
    }
    const handler = function (this: unknown, ...args: unknown[]): unknown {
      markBegun();
      return Reflect.apply(method, this, args);
    };
    for (const key of Reflect.getMetadataKeys(method) as unknown[]) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, method), handler);
    }
    Object.defineProperty(handler, 'name', { value: method.name, configurable: true });
    descriptor.value = handler;
    SetMetadata(OPTIONS, resolved)(target, property, descriptor);
    UseInterceptors(IdempotencyInterceptor)(target, property, descriptor);
  };
}

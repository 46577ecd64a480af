import { AsyncLocalStorage } from 'node:async_hooks';
import { context, type Context } from '@opentelemetry/api';

/**
 * What `bindStore` of a channel takes: it makes a context of OpenTelemetry the active one. OpenTelemetry keeps its contexts
 * itself, in whatever manager the application has; nothing is stored here.
 *
 * @internal
 */
export class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R>(store: Context, callback: () => R): R;
  override run<R, A extends unknown[]>(store: Context, callback: (...args: A) => R, ...args: A): R;
  override run<R, A extends unknown[]>(store: Context, callback: (...args: A) => R, ...args: A): R {
    return context.with(store, callback, undefined, ...args);
  }
}

import { tracingChannel } from 'node:diagnostics_channel';
import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import {
  HyperCacheError,
  type HyperCacheCommandTrace,
  type HyperCacheFactoryTrace,
} from '../index.js';
import { Attribute, errorTypeOf } from './attributes.js';

const { Namespace, Operation, Reason, Outcome, Key, ErrorType } = Attribute;

const factories = tracingChannel<unknown, HyperCacheFactoryTrace>('hypercache:factory');
const commands = tracingChannel<unknown, HyperCacheCommandTrace>('hypercache:command');

/** The message of one operation, to which its open span belongs. */
type Message = HyperCacheFactoryTrace | HyperCacheCommandTrace;

/** @internal */
export interface SpansParts {
  readonly tracer: () => Tracer;
  readonly recordsKeys: () => boolean;
}

/**
 * Makes spans from the tracing channels of all nodes of the process: `hypercache.wrap` for each factory, which is active within
 * the factory, and `hypercache.forward` for each operation that waits for the primary.
 * @internal
 */
export class Spans {
  readonly #open = new WeakMap<Message, Span>();

  constructor(private readonly parts: SpansParts) {}

  enable(): void {
    factories.start.subscribe(this.#beginFactory);
    factories.asyncEnd.subscribe(this.#end);
    commands.start.subscribe(this.#beginForward);
    commands.end.subscribe(this.#refused);
    commands.asyncEnd.subscribe(this.#end);
  }

  disable(): void {
    factories.start.unsubscribe(this.#beginFactory);
    factories.asyncEnd.unsubscribe(this.#end);
    commands.start.unsubscribe(this.#beginForward);
    commands.end.unsubscribe(this.#refused);
    commands.asyncEnd.unsubscribe(this.#end);
  }

  readonly #beginFactory = (message: unknown): void => {
    const factory = message as HyperCacheFactoryTrace;
    const { namespace, key, reason, around } = factory;
    const attributes: Attributes = { [Namespace]: namespace, [Reason]: reason };
    if (this.parts.recordsKeys()) attributes[Key] = key;
    const span = this.#begin(factory, 'hypercache.wrap', {
      kind: SpanKind.INTERNAL,
      attributes,
      // The caller does not wait for it, and may have ended long before.
      ...(reason === 'stale' || reason === 'eager' ? apart() : {}),
    });
    const active = trace.setSpan(context.active(), span);
    // OpenTelemetry keeps its contexts in its own manager, which no store of a channel reaches.
    factory.around = (work) =>
      context.with(active, around === undefined ? work : () => around(work));
  };

  readonly #beginForward = (message: unknown): void => {
    const command = message as HyperCacheCommandTrace;
    const { kind, namespace, target } = command;
    if (target !== 'primary') return;
    const attributes: Attributes = { [Operation]: kind };
    if (namespace !== undefined) attributes[Namespace] = namespace;
    this.#begin(command, 'hypercache.forward', { kind: SpanKind.CLIENT, attributes });
  };

  #begin(message: Message, name: string, options: SpanOptions): Span {
    const span = this.parts.tracer().startSpan(name, options);
    this.#open.set(message, span);
    return span;
  }

  /** An operation that is refused before it begins has no other end. */
  readonly #refused = (message: unknown): void => {
    const { ms } = message as HyperCacheCommandTrace;
    if (ms !== undefined) this.#end(message);
  };

  readonly #end = (message: unknown): void => {
    const closing = message as Message;
    const span = this.#open.get(closing);
    if (span === undefined) return;
    this.#open.delete(closing);
    if ('outcome' in closing && closing.outcome !== undefined)
      span.setAttribute(Outcome, closing.outcome);
    if (closing.error !== undefined) this.#fail(span, closing.error);
    span.end();
  };

  /** The message of our errors may contain a key; the code does not. */
  #fail(span: Span, error: unknown): void {
    const isSafe = this.parts.recordsKeys() || !(error instanceof HyperCacheError);
    if (isSafe && error instanceof Error) span.recordException(error);
    span.setAttribute(ErrorType, errorTypeOf(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
}

/** A separate trace, with a link to the span that was active. */
function apart(): SpanOptions {
  const caller = trace.getActiveSpan()?.spanContext();
  return { root: true, links: caller === undefined ? [] : [{ context: caller }] };
}

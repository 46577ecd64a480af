import { tracingChannel } from 'node:diagnostics_channel';
import type {
  HyperCacheCommandTrace,
  HyperCacheFactoryTrace,
  HyperCacheLockTrace,
} from '../../lib/common/traces.js';

interface Messages {
  factory: HyperCacheFactoryTrace;
  command: HyperCacheCommandTrace;
  lock: HyperCacheLockTrace;
}

/** What one of the five channels of an operation has told: a copy, as the message was then. */
export type Step<M> = readonly [channel: string, message: M];

/** What the tracing channels of the process tell while `work` goes on. */
export async function traced<N extends keyof Messages>(
  name: N,
  work: () => unknown,
): Promise<Step<Messages[N]>[]> {
  const steps: Step<Messages[N]>[] = [];
  const step = (channel: string) => (message: Messages[N]) =>
    void steps.push([channel, { ...message }]);
  const channels = tracingChannel<unknown, Messages[N]>(`hypercache:${name}`);
  const subscribers = {
    start: step('start'),
    end: step('end'),
    asyncStart: step('asyncStart'),
    asyncEnd: step('asyncEnd'),
    error: step('error'),
  };
  channels.subscribe(subscribers);
  try {
    await work();
  } finally {
    channels.unsubscribe(subscribers);
  }
  return steps;
}

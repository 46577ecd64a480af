import { Fields, unpackArray } from '../../cluster/wire/fields.js';
import { RequestKind } from '../../cluster/wire/exchange.js';
import type { PrimaryClient } from '../../cluster/wire/primary-client.js';
import type { FaultPlan } from './fault-plan.js';

/** The connection to a primary on which requests with writes and locks fail as planned. They do not arrive. @internal */
export function faultyForward(client: PrimaryClient, plan: FaultPlan): PrimaryClient {
  return {
    url: client.url,
    exchange: async (request) => {
      if (new Fields(unpackArray(request)).integer() === RequestKind.Commands) {
        plan.check('forward');
      }
      return client.exchange(request);
    },
    feed: (request, signal) => client.feed(request, signal),
    wait: (request, signal) => client.wait(request, signal),
    supersede: (request) => client.supersede(request),
    close: () => client.close(),
  };
}

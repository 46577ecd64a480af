import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { TooManyAttemptsError, UnauthorizedError } from '../../common/errors.js';
import { ApiContext } from '../api/api-context.js';
import { rawHead, rawRequest } from '../../http/raw-exchange.js';

/** Lets nobody pass without one of the node's tokens; the answer does not tell a missing token from a wrong one. @internal */
@Injectable()
export class ClusterTokenGuard implements CanActivate {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const http = context.switchToHttp();
    const request = rawRequest(http.getRequest<unknown>());
    const response = rawHead(http.getResponse<unknown>());
    const isAdmitted = this.api.admission.admits({ request, response });
    const judge = (admitted: boolean): true => admitted || this.#refuse(request);
    return typeof isAdmitted === 'boolean' ? judge(isAdmitted) : isAdmitted.then(judge);
  }

  #refuse(request: IncomingMessage): never {
    const address = request.socket.remoteAddress ?? 'an unknown address';
    throw this.api.failures.isTooMany(address)
      ? new TooManyAttemptsError()
      : new UnauthorizedError();
  }
}

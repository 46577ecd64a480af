import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { TooManyAttemptsError, UnauthorizedError } from '../../common/errors.js';
import { ApiContext } from '../api/api-context.js';
import { rawRequest } from '../../http/raw-exchange.js';

/** Lets nobody pass without one of the node's tokens; the answer does not tell a missing token from a wrong one. @internal */
@Injectable()
export class ClusterTokenGuard implements CanActivate {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  canActivate(context: ExecutionContext): boolean {
    const request = rawRequest(context.switchToHttp().getRequest<unknown>());
    if (this.api.admission.admits(request)) return true;
    const address = request.socket.remoteAddress ?? 'an unknown address';
    throw this.api.failures.isTooMany(address)
      ? new TooManyAttemptsError()
      : new UnauthorizedError();
  }
}

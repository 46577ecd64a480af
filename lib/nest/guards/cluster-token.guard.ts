import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { UnauthorizedError } from '../../common/errors.js';
import { ApiContext } from '../api/api-context.js';
import { rawRequest } from '../wire/raw-exchange.js';

/** Carries the token of a request. @internal */
export const TOKEN_HEADER = 'x-hypercache-token';

/** Lets nobody pass without one of the node's tokens; the answer does not tell a missing token from a wrong one. @internal */
@Injectable()
export class ClusterTokenGuard implements CanActivate {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  canActivate(context: ExecutionContext): boolean {
    const request = rawRequest(context.switchToHttp().getRequest<unknown>());
    if (this.api.tokens.accepts(request.headers[TOKEN_HEADER])) return true;
    throw new UnauthorizedError();
  }
}

import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { TooManyAttemptsError, UnauthorizedError } from '../../common/errors.js';
import type { Admission } from '../../http/admission.js';
import { ApiContext } from '../api/api-context.js';
import { rawHead, rawRequest } from '../../http/raw-exchange.js';

/**
 * Refuses each request without one of the node's tokens. The answer does not show whether a token is missing or wrong.
 *
 * @internal
 */
@Injectable()
export class ClusterTokenGuard implements CanActivate {
  constructor(@Inject(ApiContext) protected readonly api: ApiContext) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const http = context.switchToHttp();
    const request = rawRequest(http.getRequest<unknown>());
    const response = rawHead(http.getResponse<unknown>());
    const isAdmitted = this.admission.admits({ request, response });
    const judge = (admitted: boolean): true => {
      if (!admitted) this.#refuse(request);
      this.api.open.addRequest(request);
      return true;
    };
    return typeof isAdmitted === 'boolean' ? judge(isAdmitted) : isAdmitted.then(judge);
  }

  protected get admission(): Admission {
    return this.api.admission;
  }

  #refuse(request: IncomingMessage): never {
    const address = request.socket.remoteAddress ?? 'an unknown address';
    throw this.api.failures.isTooMany(address)
      ? new TooManyAttemptsError()
      : new UnauthorizedError();
  }
}

/** As {@link ClusterTokenGuard}, with the node's admin tokens. Without any, no request passes. @internal */
@Injectable()
export class AdminTokenGuard extends ClusterTokenGuard {
  protected override get admission(): Admission {
    return this.api.adminAdmission;
  }
}

import {
  Catch,
  HttpStatus,
  ServiceUnavailableException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { FencedError, LockLostError, LockTimeoutError } from 'nestjs-hypercache';

/** A request that did not get the lock in time, or lost it, may be sent again: 503. */
@Catch(LockTimeoutError, LockLostError, FencedError)
export class LockFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: LockTimeoutError | LockLostError | FencedError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const answer = new ServiceUnavailableException(error.code).getResponse();
    httpAdapter.reply(host.switchToHttp().getResponse(), answer, HttpStatus.SERVICE_UNAVAILABLE);
  }
}

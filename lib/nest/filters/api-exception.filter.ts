import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HyperCacheError, InternalError } from '../../common/errors.js';
import { ApiContext } from '../api/api-context.js';
import { answerError, answerForHost } from '../../http/answer.js';
import { rawResponse } from '../../http/raw-exchange.js';

/** What Nest's `HttpException` offers; the host's may be of another copy of Nest. */
interface HttpExceptionLike {
  getStatus(): number;
  getResponse(): unknown;
}

/**
 * Answers for the controllers of the API, whatever filter the host has: ours as `{ code, message }`, what a guard of
 * the host refused in the host's name, and everything else without a detail.
 *
 * @internal
 */
@Catch()
export class ApiExceptionFilter implements ExceptionFilter {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response: unknown = host.switchToHttp().getResponse();
    this.api.open.beforeAnswer(rawResponse(response));
    if (error instanceof HyperCacheError) answerError(response, error);
    else if (isHttpException(error)) {
      answerForHost(response, error.getResponse(), error.getStatus());
    } else {
      this.api.logger.error(`A request failed: ${describe(error)}`);
      answerError(response, new InternalError({ cause: error }));
    }
  }
}

function isHttpException(error: unknown): error is HttpExceptionLike {
  return (
    typeof error === 'object' &&
    error !== null &&
    'getStatus' in error &&
    typeof error.getStatus === 'function' &&
    'getResponse' in error &&
    typeof error.getResponse === 'function'
  );
}

/** Where it happened, without its message: that might show what was cached. */
function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return typeof error;
  const frames = String(error.stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return ['name' in error ? String(error.name) : 'error', ...frames.slice(0, 8)].join('\n');
}

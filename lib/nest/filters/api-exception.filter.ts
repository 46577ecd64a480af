import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HyperCacheError, InternalError } from '../../common/errors.js';
import { ApiContext } from '../api/api-context.js';
import { answerError, answerForHost } from '../../http/answer.js';
import { rawResponse } from '../../http/raw-exchange.js';

/** The methods of Nest's `HttpException`. The host's may come from another copy of Nest. */
interface HttpExceptionLike {
  getStatus(): number;
  getResponse(): unknown;
}

/**
 * Answers errors of the API's controllers, whatever filter the host has. Our errors become `{ code, message }`, refusals by a
 * guard of the host keep the host's answer, and everything else is answered without a detail.
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

/** The place of the error, without its message, which might show cached data. */
function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return typeof error;
  const frames = String(error.stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return ['name' in error ? String(error.name) : 'error', ...frames.slice(0, 8)].join('\n');
}

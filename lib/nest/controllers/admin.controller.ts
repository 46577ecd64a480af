import { Controller, Inject, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { NotPrimaryError } from '../../common/errors.js';
import { answerBytes } from '../../http/answer.js';
import { rawResponse } from '../../http/raw-exchange.js';
import { ApiContext } from '../api/api-context.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { AdminTokenGuard } from '../guards/cluster-token.guard.js';
import { readBytes } from '../wire/read-body.js';

/** The routes that only operators may use. @internal */
@Controller()
@UseGuards(AdminTokenGuard)
@UseFilters(ApiExceptionFilter)
export class AdminController {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  @Post('sync/supersede')
  async supersede(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const { node, maxBatchBytes, open } = this.api;
    const { sync } = node;
    if (sync === undefined) throw node.absent?.('primary') ?? new NotPrimaryError();
    const answer = sync.supersede(await readBytes(request, maxBatchBytes));
    open.beforeAnswer(rawResponse(response));
    answerBytes(response, answer);
  }
}

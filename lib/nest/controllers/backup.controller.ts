import { Controller, Get, Inject, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { UnknownRouteError } from '../../common/errors.js';
import { withTemporaryDirectory } from '../../node/temporary-directory.js';
import { ApiContext } from '../api/api-context.js';
import { Uncached } from '../decorators/uncached.decorator.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { ClusterTokenGuard } from '../guards/cluster-token.guard.js';
import { answerFile } from '../../http/answer.js';
import { rawRequest, rawResponse } from '../../http/raw-exchange.js';

/** The route of a copy of the node's file. @internal */
@Controller()
@UseGuards(ClusterTokenGuard)
@UseFilters(ApiExceptionFilter)
export class BackupController {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  @Get('backup')
  @Uncached()
  async backup(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    // The platforms answer HEAD with the handler of GET.
    if (rawRequest(request).method !== 'GET') throw new UnknownRouteError();
    const { open, backups, node, directory } = this.api;
    open.assertOpen();
    const send = async (path: string): Promise<void> => {
      const { bytes } = await node.backup(path);
      open.assertOpen();
      const raw = rawResponse(response);
      open.addStream(raw);
      await answerFile(raw, path, bytes);
    };
    await backups.during(() => withTemporaryDirectory(directory, send));
  }
}

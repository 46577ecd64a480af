import { Controller, Get, Inject, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ClosedError } from '../../common/errors.js';
import { VERSION } from '../../common/version.js';
import { PROTOCOL_VERSION } from '../../cluster/wire/sync-endpoint.js';
import { ApiContext } from '../api/api-context.js';
import { Uncached } from '../decorators/uncached.decorator.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { ClusterTokenGuard } from '../guards/cluster-token.guard.js';
import { ApiCall } from '../wire/api-call.js';

/** The routes that show which node answers, and its health. @internal */
@Controller()
@UseGuards(ClusterTokenGuard)
@UseFilters(ApiExceptionFilter)
export class StatusController {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  @Get('ping')
  @Uncached()
  async ping(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const { role, isOpen, position = null } = this.api.node.health();
    if (!isOpen) throw new ClosedError();
    new ApiCall(this.api, request, response).reply({
      role,
      position,
      version: VERSION,
      protocol: PROTOCOL_VERSION,
    });
  }

  @Get('stats')
  @Uncached()
  async stats(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    new ApiCall(this.api, request, response).reply(await this.api.node.stats());
  }
}

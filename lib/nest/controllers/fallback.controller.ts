import { All, Controller, UseFilters, UseGuards } from '@nestjs/common';
import { UnknownRouteError } from '../../common/errors.js';
import { Uncached } from '../decorators/uncached.decorator.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { ClusterTokenGuard } from '../guards/cluster-token.guard.js';

/** All other paths below the path of the API. The host's own 404 would not show whether HyperCache is served there. @internal */
@Controller()
@UseGuards(ClusterTokenGuard)
@UseFilters(ApiExceptionFilter)
export class FallbackController {
  @All()
  @Uncached()
  unknown(): never {
    throw new UnknownRouteError();
  }
}

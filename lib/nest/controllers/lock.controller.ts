import {
  Controller,
  Delete,
  Inject,
  Patch,
  Post,
  Req,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { ApiContext } from '../api/api-context.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { ClusterTokenGuard } from '../guards/cluster-token.guard.js';
import { ApiCall } from '../wire/api-call.js';

/** The body as a client sent it. The node checks it. */
interface LockBody {
  readonly owner: string;
  readonly ttl: number;
  readonly wait?: number;
}

/** The routes of locks. @internal */
@Controller()
@UseGuards(ClusterTokenGuard)
@UseFilters(ApiExceptionFilter)
export class LockController {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  @Post('lock/:key')
  async acquire(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key } = call;
    const options = (await call.fields('owner', 'ttl', 'wait')) as LockBody;
    const lock = this.api.node.locks.lock(key, options);
    const acquired = await this.api.open.during(call.raw, (signal) => lock.acquire({ signal }));
    const { owner, token = null, expiresAt = null } = lock;
    call.reply({ acquired, owner, token, expiresAt });
  }

  @Patch('lock/:key')
  async extend(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key } = call;
    const { owner, ttl } = (await call.fields('owner', 'ttl')) as LockBody;
    const lock = this.api.node.locks.restore(key, owner);
    // A missing ttl is refused. The client would not know a default that replaces it.
    const extended = await lock.extend(ttl ?? Number.NaN);
    call.reply({ extended, expiresAt: lock.expiresAt ?? null });
  }

  @Delete('lock/:key')
  async release(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key } = call;
    const { owner } = (await call.fields('owner')) as Partial<LockBody>;
    const lock = this.api.node.locks.restore(key, owner ?? call.query('owner') ?? '');
    call.reply({ released: await lock.release() });
  }
}

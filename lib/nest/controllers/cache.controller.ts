import {
  Controller,
  Delete,
  Get,
  Inject,
  Post,
  Req,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { InvalidArgumentError, MissError } from '../../common/errors.js';
import type { NodeWriteOptions } from '../../node/hyper-cache-node.js';
import { ApiContext } from '../api/api-context.js';
import { Uncached } from '../decorators/uncached.decorator.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { ClusterTokenGuard } from '../guards/cluster-token.guard.js';
import { ApiCall } from '../wire/api-call.js';

/** The body as a client sent it. The node checks it. */
interface WriteBody extends NodeWriteOptions {
  readonly value?: unknown;
}

interface IncrementBody {
  readonly by?: number;
  readonly ttl?: number | null;
  readonly initial?: number;
}

/** The routes of entries. @internal */
@Controller()
@UseGuards(ClusterTokenGuard)
@UseFilters(ApiExceptionFilter)
export class CacheController {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  @Get('cache/:key')
  @Uncached()
  async get(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key, cache } = call;
    const { value, revision, expiresAt } = await cache.getWithRevision(key);
    if (value === undefined) throw new MissError();
    // JSON has no Infinity: the answer has null for an entry without a deadline.
    call.reply({ key, value, revision, expiresAt });
  }

  @Post('cache/:key')
  async set(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key, cache } = call;
    const { value, ...options } = (await call.fields('value', 'ttl', 'tags')) as WriteBody;
    // An asynchronous write of a secondary has no revision yet.
    const revision = await cache.set(key, value, options);
    call.reply({ revision: revision === 0 ? null : revision });
  }

  @Post('add/:key')
  async add(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key, cache } = call;
    const { value, ...options } = (await call.fields('value', 'ttl', 'tags')) as WriteBody;
    const { stored, revision } = await cache.setIf(key, value, 0, options);
    call.reply({ added: stored, revision });
  }

  @Post('increment/:key')
  async increment(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key, cache } = call;
    const { by = 1, ...options } = (await call.fields('by', 'ttl', 'initial')) as IncrementBody;
    const value = await cache.increment(key, by, options);
    const now = await cache.getWithRevision(key);
    // Another change may have happened since. Its revision does not belong to this value.
    call.reply({ value, revision: now.value === value ? now.revision : null });
  }

  @Delete('cache/:key')
  async delete(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { key, cache } = call;
    call.reply({ deleted: await cache.delete(key) });
  }

  @Delete('cache')
  async clear(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { cache } = call;
    // A script whose key is empty means one entry, not all of them.
    call.assertNoKey();
    const fields = await call.fields('prefix', 'tag');
    const prefix = fields.prefix ?? call.query('prefix');
    const tag = fields.tag ?? call.query('tag');
    if (prefix !== undefined && tag !== undefined) {
      throw new InvalidArgumentError('Both a prefix and a tag are given.', 'Send one of them.');
    }
    if (tag !== undefined) {
      return call.reply({ deleted: await cache.deleteTag(textOf(tag, 'tag')) });
    }
    if (prefix === undefined) return call.reply({ deleted: await cache.clear() });
    call.reply({ deleted: await cache.deletePrefix(textOf(prefix, 'prefix')) });
  }
}

function textOf(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidArgumentError(
    `The ${name} is no text, or empty.`,
    'Leave it out to delete everything in the namespace.',
  );
}

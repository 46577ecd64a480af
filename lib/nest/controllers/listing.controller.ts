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
import {
  InvalidArgumentError,
  InvalidRequestError,
  InvalidTtlError,
  RoleMismatchError,
} from '../../common/errors.js';
import { assertKey } from '../../common/keys.js';
import { MAX_LISTED, type Listing } from '../../engine/listing.js';
import type { NodeWrite } from '../../node/hyper-cache-node.js';
import { fromPortable } from '../../value/portable-value.js';
import { ApiContext } from '../api/api-context.js';
import { Uncached } from '../decorators/uncached.decorator.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { ClusterTokenGuard } from '../guards/cluster-token.guard.js';
import { ApiCall } from '../wire/api-call.js';

/** The limit of a request that gives none. */
const DEFAULT_LIMIT = 500;
/** The most entries that one request writes. */
const MAX_WRITES = 1000;
/** A ttl that a lock handle requires, and that nothing uses. */
const UNUSED_TTL_MS = 1000;

/** Many entries in one request, as operators read and write them. Keys are in bodies and queries, not in paths. @internal */
@Controller()
@UseGuards(ClusterTokenGuard)
@UseFilters(ApiExceptionFilter)
export class ListingController {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  @Get('namespaces')
  @Uncached()
  namespaces(@Req() request: unknown, @Res() response: unknown): void {
    const call = new ApiCall(this.api, request, response);
    call.reply({ namespaces: this.#listing.namespaces() });
  }

  @Get('entries')
  @Uncached()
  entries(@Req() request: unknown, @Res() response: unknown): void {
    const call = new ApiCall(this.api, request, response);
    const { entries, next = null } = this.#listing.page({
      namespace: call.namespace,
      prefix: call.query('prefix') ?? '',
      after: call.query('after') ?? '',
      limit: limitOf(call),
      values: call.query('values') === 'true',
    });
    call.reply({ entries, next });
  }

  @Get('entry')
  @Uncached()
  entry(@Req() request: unknown, @Res() response: unknown): void {
    const call = new ApiCall(this.api, request, response);
    const key = call.query('key');
    assertKey(key);
    call.reply({ entry: this.#listing.find(call.namespace, key) ?? null });
  }

  @Post('entries')
  async store(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { cache } = call;
    const { entries } = await call.fields('entries');
    const writes = listOf(entries, 'entries').map(writeOf);
    await cache.mset(writes);
    call.reply({ stored: writes.length });
  }

  @Delete('entries')
  async delete(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { cache } = call;
    const { keys } = await call.fields('keys');
    // The node checks each key.
    const deleted = await cache.mdelete(listOf(keys, 'keys') as readonly string[]);
    call.reply({ deleted: deleted.filter(Boolean).length });
  }

  @Post('expire')
  async expire(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const { cache } = call;
    const { key, prefix, tag } = await call.fields('key', 'prefix', 'tag');
    if ([key, prefix, tag].filter((given) => given !== undefined).length !== 1) {
      throw new InvalidArgumentError(
        'The request names nothing to expire.',
        'Send key, prefix or tag.',
      );
    }
    if (key !== undefined) {
      assertKey(key);
      return call.reply({ expired: (await cache.expire(key)) ? 1 : 0 });
    }
    const name = prefix === undefined ? 'tag' : 'prefix';
    const text = prefix ?? tag;
    assertKey(text, name);
    call.reply({
      expired: await (name === 'tag' ? cache.expireTag(text) : cache.expirePrefix(text)),
    });
  }

  @Get('changes')
  @Uncached()
  changes(@Req() request: unknown, @Res() response: unknown): void {
    const call = new ApiCall(this.api, request, response);
    const listing = this.#listing;
    const after = call.query('after');
    if (after === undefined) {
      return call.reply({ changes: [], next: listing.head(), isGap: false });
    }
    call.reply(listing.changes(wholeOf(after, 'after', Number.MAX_SAFE_INTEGER), limitOf(call)));
  }

  @Get('locks')
  @Uncached()
  async locks(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const locks = await this.api.node.locks.list();
    new ApiCall(this.api, request, response).reply({ locks });
  }

  /** Releases the lock, for any holder. */
  @Delete('locks')
  async release(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const call = new ApiCall(this.api, request, response);
    const name = (await call.fields('name')).name ?? call.query('name');
    assertKey(name, 'name');
    const { locks } = this.api.node;
    const ttl = UNUSED_TTL_MS;
    const isLock = await locks.lock(name, { ttl }).forceRelease();
    const isSemaphore = await locks.semaphore(name, { ttl, limit: 1 }).forceRelease();
    call.reply({ released: isLock || isSemaphore });
  }

  @Get('dead-letters')
  @Uncached()
  deadLetters(@Req() request: unknown, @Res() response: unknown): void {
    const call = new ApiCall(this.api, request, response);
    call.reply({ deadLetters: this.api.node.deadLetters(limitOf(call)) });
  }

  get #listing(): Listing {
    const { node } = this.api;
    if (node.listing !== undefined) return node.listing;
    throw (
      node.absent?.('listing of entries') ??
      new RoleMismatchError(
        'This node does not hold the entries itself, or not yet.',
        "Ask the primary, or a secondary with replica: 'feed' that has caught up.",
      )
    );
  }
}

function limitOf(call: ApiCall): number {
  return wholeOf(call.query('limit') ?? String(DEFAULT_LIMIT), 'limit', MAX_LISTED);
}

function wholeOf(text: string, name: string, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number <= most && (number > 0 || name !== 'limit'))
    return number;
  throw new InvalidArgumentError(
    `\`${name}\` is not acceptable.`,
    `Give a whole number from ${name === 'limit' ? 1 : 0} to ${most}.`,
  );
}

function listOf(list: unknown, name: string): readonly unknown[] {
  if (Array.isArray(list) && list.length <= MAX_WRITES) return list;
  throw new InvalidRequestError(
    `\`${name}\` is no array, or longer than ${MAX_WRITES}.`,
    `Send up to ${MAX_WRITES} at a time.`,
  );
}

const FIELDS = ['key', 'value', 'stored', 'ttl', 'tags'];

function writeOf(entry: unknown): NodeWrite {
  const fields = Object(entry) as Record<string, unknown>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw new InvalidRequestError(
      `An entry has a field '${unknown.slice(0, 40)}', which means nothing here.`,
      `Send ${FIELDS.join(', ')}.`,
    );
  }
  const { key, value, stored, ttl, tags } = fields;
  if (typeof ttl === 'string') throw new InvalidTtlError(ttl);
  return { key, value: fromPortable({ value, stored }), ttl, tags } as NodeWrite;
}

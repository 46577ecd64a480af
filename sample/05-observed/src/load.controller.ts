import { BadRequestException, Controller, Get, Post, Query } from '@nestjs/common';
import { LoadService } from './load.service.js';
import { OriginService } from './origin.service.js';

const MOST = { reads: 20_000, writes: 5000, locks: 100, delay: 10_000, failures: 1 };

/** Shows the load, and changes it by a request. */
@Controller('load')
export class LoadController {
  constructor(
    private readonly load: LoadService,
    private readonly origin: OriginService,
  ) {}

  @Get()
  get(): Record<keyof typeof MOST | 'failed', number> {
    const { readsPerSecond, writesPerSecond, locksPerSecond, failed } = this.load;
    const { delayMs, failures } = this.origin;
    return {
      reads: readsPerSecond,
      writes: writesPerSecond,
      locks: locksPerSecond,
      delay: delayMs,
      failures,
      failed,
    };
  }

  /** A field that is left out stays unchanged. */
  @Post()
  set(@Query() query: Record<string, unknown>): Record<string, number> {
    const given = read(query);
    this.load.readsPerSecond = given.reads ?? this.load.readsPerSecond;
    this.load.writesPerSecond = given.writes ?? this.load.writesPerSecond;
    this.load.locksPerSecond = given.locks ?? this.load.locksPerSecond;
    this.origin.delayMs = given.delay ?? this.origin.delayMs;
    this.origin.failures = given.failures ?? this.origin.failures;
    return this.get();
  }
}

function read(query: Record<string, unknown>): Partial<typeof MOST> {
  const given: Record<string, number> = {};
  for (const [name, text] of Object.entries(query)) {
    const most = Object.entries(MOST).find(([known]) => known === name)?.[1];
    const value = typeof text === 'string' && text !== '' ? Number(text) : NaN;
    if (most === undefined || !(value >= 0 && value <= most)) {
      const known = Object.entries(MOST).map(([each, bound]) => `${each} (0 to ${bound})`);
      throw new BadRequestException(`A load has ${known.join(', ')}.`);
    }
    given[name] = value;
  }
  return given;
}

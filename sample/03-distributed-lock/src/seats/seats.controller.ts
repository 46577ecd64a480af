import {
  BadRequestException,
  Body,
  ConflictException,
  Controller,
  Get,
  Param,
  Post,
  UseFilters,
} from '@nestjs/common';
import { LockFilter } from './lock.filter.js';
import { SeatsService } from './seats.service.js';

@Controller('seats')
@UseFilters(LockFilter)
export class SeatsController {
  constructor(private readonly seats: SeatsService) {}

  /** 201 with a seat, 409 when the show is sold out, 503 when it was not this buyer's turn in time. */
  @Post(':show')
  async buy(
    @Param('show') show: string,
    @Body() body: { buyer?: unknown } | undefined,
  ): Promise<{ seat: number }> {
    const buyer = body?.buyer;
    if (typeof buyer !== 'string' || buyer === '') throw new BadRequestException('Send { buyer }.');
    const seat = await this.seats.buy(show, buyer);
    if (seat === undefined) throw new ConflictException(`${show} is sold out.`);
    return { seat };
  }

  @Get(':show')
  async sold(@Param('show') show: string): Promise<{ seats: number; buyers: string[] }> {
    return { seats: this.seats.seats, buyers: await this.seats.buyersOf(show) };
  }
}

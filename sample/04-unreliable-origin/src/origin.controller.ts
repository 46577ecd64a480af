import { Controller, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { OriginService } from './origin.service.js';

/** Slows the origin down and breaks it. */
@Controller('origin')
export class OriginController {
  constructor(private readonly origin: OriginService) {}

  @Get()
  state(): object {
    const { delayMs, isDown, calls } = this.origin;
    return { delayMs, isDown, calls };
  }

  @Post('delay/:ms')
  slow(@Param('ms', ParseIntPipe) ms: number): object {
    this.origin.delayMs = Math.min(Math.max(ms, 0), 60_000);
    return this.state();
  }

  @Post('break')
  break(): object {
    this.origin.isDown = true;
    return this.state();
  }

  @Post('mend')
  mend(): object {
    this.origin.isDown = false;
    this.origin.delayMs = 20;
    return this.state();
  }
}

import {
  Controller,
  Get,
  Inject,
  Post,
  Req,
  Res,
  UseGuards,
  VERSION_NEUTRAL,
  type Type,
} from '@nestjs/common';
import { rawRequest, rawResponse, Uncached } from '../index.js';
import { HyperCacheInspector } from './hyper-cache-inspector.js';
import type { ResolvedInspectorOptions } from './inspector-options.js';

/**
 * The inspector's routes in the application, behind the guards. No route has a wildcard, because the platforms write it
 * differently.
 *
 * @internal
 */
export function createInspectorController({ path, guards }: ResolvedInspectorOptions): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(...guards)
  class HyperCacheInspectorController {
    constructor(@Inject(HyperCacheInspector) private readonly inspector: HyperCacheInspector) {}

    @Get()
    @Uncached()
    first(@Req() request: unknown, @Res() response: unknown): Promise<void> {
      return this.#answer(request, response, 0);
    }

    @Get(':view')
    @Uncached()
    view(@Req() request: unknown, @Res() response: unknown): Promise<void> {
      return this.#answer(request, response, 1);
    }

    @Get('assets/:file')
    @Uncached()
    asset(@Req() request: unknown, @Res() response: unknown): Promise<void> {
      return this.#answer(request, response, 2);
    }

    @Post('actions/:action')
    action(@Req() request: unknown, @Res() response: unknown): Promise<void> {
      return this.#answer(request, response, 2);
    }

    #answer(request: unknown, response: unknown, depth: number): Promise<void> {
      return this.inspector.answer(rawRequest(request), rawResponse(response), depth);
    }
  }
  return HyperCacheInspectorController;
}

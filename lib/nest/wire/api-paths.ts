import type { ApplicationConfig } from '@nestjs/core';

/** What the application says of its routes. */
type Application = Pick<ApplicationConfig, 'getGlobalPrefix' | 'getGlobalPrefixOptions'>;

/** Stands in a URL as it was written. */
const LITERAL = /^[\w.~/-]*$/;

/** Which paths are those of the API. @internal */
export class ApiPaths {
  #patterns: readonly RegExp[] | undefined;

  /** @param path of the API, below the global prefix of the application */
  constructor(
    private readonly path: string,
    private readonly application?: Application,
  ) {}

  /** @param path of a request, or that of the route which it has found */
  include(path: string): boolean {
    // The application sets its prefix after its modules were made, and before its first request.
    this.#patterns ??= this.#find();
    return this.#patterns.some((pattern) => pattern.test(`${path}/`));
  }

  #find(): readonly RegExp[] {
    const prefix = this.application?.getGlobalPrefix() ?? '';
    const { exclude = [] } = this.application?.getGlobalPrefixOptions() ?? {};
    const below = `${this.path}/`;
    if (!LITERAL.test(prefix)) return [patternOf('', below)];
    const prefixes = exclude.length > 0 ? [prefix, ''] : [prefix];
    return prefixes.map((start) => patternOf('^', `/${start}${below}`.replaceAll(/\/+/g, '/')));
  }
}

/** To Express capitals are as small letters, unless it is told otherwise. */
function patternOf(anchor: '^' | '', path: string): RegExp {
  // Nothing else in a path means something to a pattern.
  return new RegExp(anchor + path.replaceAll('.', String.raw`\.`), 'i');
}

import type { ApplicationConfig } from '@nestjs/core';

/** The application's settings for its routes. */
type Application = Pick<ApplicationConfig, 'getGlobalPrefix' | 'getGlobalPrefixOptions'>;

/** Text that appears unchanged in a URL. */
const LITERAL = /^[\w.~/-]*$/;

/** Decides which paths belong to the API. @internal */
export class ApiPaths {
  #patterns: readonly RegExp[] | undefined;

  /** @param path of the API, below the global prefix of the application */
  constructor(
    private readonly path: string,
    private readonly application?: Application,
  ) {}

  /** @param path of a request, or of the route that matched it */
  include(path: string): boolean {
    // The application sets its prefix after its modules are created and before its first request.
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

/** Ignores case, as Express does by default. */
function patternOf(anchor: '^' | '', path: string): RegExp {
  // Nothing else in a path has a meaning in a pattern.
  return new RegExp(anchor + path.replaceAll('.', String.raw`\.`), 'i');
}

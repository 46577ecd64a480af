/** Query parameters of a link. Undefined ones are left out. @internal */
export type LinkQuery = Readonly<Record<string, string | undefined>>;

/**
 * Links from one page of the inspector to others. They are relative, so they work below any prefix, and behind a proxy that
 * removes one.
 *
 * @internal
 */
export class Links {
  private constructor(
    /** The relative path from the page to the inspector's own path, with a slash, or ''. */
    readonly base: string,
  ) {}

  /**
   * @param path of the request, as it was sent
   * @param depth how many segments the path has below that of the inspector
   */
  static from(path: string, depth: number): Links {
    const endsWithSlash = path.endsWith('/');
    const ups = '../'.repeat(Math.max(0, depth - (endsWithSlash ? 0 : 1)));
    if (depth > 0 || endsWithSlash) return new Links(ups === '' ? './' : ups);
    return new Links(`${path.slice(path.lastIndexOf('/') + 1)}/`);
  }

  /** @param target the path below that of the inspector; '' for its first page */
  to(target: string, query: LinkQuery = {}): string {
    const given = Object.entries(query).filter((pair): pair is [string, string] => {
      return pair[1] !== undefined;
    });
    const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
    return `${this.base}${target}${search}`;
  }
}

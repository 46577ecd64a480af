import { createHash } from 'node:crypto';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

/** A file that the pages use. @internal */
export interface Asset {
  /** The name includes a hash of the content, so a browser may keep the file forever. */
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#2456c9"/><path d="M9 2 4 9h3l-1 5 6-8H9z" fill="#fff"/></svg>`;

/** @internal */
export const style = asset('style', 'css', 'text/css; charset=utf-8', STYLE);
/** @internal */
export const script = asset('script', 'js', 'text/javascript; charset=utf-8', SCRIPT);
/** @internal */
export const icon = asset('icon', 'svg', 'image/svg+xml', ICON);

/** All assets, by name. @internal */
export const assets: ReadonlyMap<string, Asset> = new Map(
  [style, script, icon].map((one) => [one.name, one]),
);

function asset(name: string, extension: string, type: string, content: string): Asset {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  return { name: `${name}-${hash}.${extension}`, type, content };
}

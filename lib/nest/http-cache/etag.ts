import { createHash } from 'node:crypto';

/** 96 bits. */
const DIGEST_BYTES = 12;

/** A weak entity tag of the content of an answer. @internal */
export function etagOf(content: string | Uint8Array): string {
  const digest = createHash('sha256').update(content).digest().subarray(0, DIGEST_BYTES);
  return `W/"${digest.toString('base64url')}"`;
}

/**
 * Whether an `If-None-Match` names the tag: RFC 9110, 13.1.2, by weak comparison.
 *
 * @internal
 */
export function isNamedBy(header: string | string[] | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const given = String(header);
  const opaque = opaqueOf(etag);
  if (given === etag || given === opaque || given.trim() === '*') return true;
  if (!given.includes(',')) return opaqueOf(given.trim()) === opaque;
  for (const [tag] of given.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (opaqueOf(tag) === opaque) return true;
  }
  return false;
}

function opaqueOf(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

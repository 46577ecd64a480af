import { RoleMismatchError, type HyperCacheNode } from '../index.js';

type Listing = NonNullable<HyperCacheNode['listing']>;

/** @internal */
export type ListedEntry = NonNullable<ReturnType<Listing['find']>>;

/** The entries that this node holds itself. @throws {HC_ROLE_MISMATCH} @internal */
export function listingOf({ listing }: HyperCacheNode): Listing {
  if (listing !== undefined) return listing;
  throw new RoleMismatchError(
    'This node does not hold the entries itself, or not yet.',
    "Open the inspector of the primary, or of a secondary with replica: 'feed' that has caught up.",
  );
}

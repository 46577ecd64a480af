import type { OPTIONS } from './option-table.js';
import type { OptionSpec } from './option-kinds.js';

/** Whether a node orders the writes of the cluster or follows the node that does. @publicApi */
export type HyperCacheRole = 'primary' | 'secondary';

/** How a secondary reads. @publicApi */
export type ReplicaMode = 'feed' | 'shared' | 'none';

/** When `await set()` resolves, and what it survives. @publicApi */
export type Durability = 'relaxed' | 'normal' | 'full';

type Options = typeof OPTIONS;
type Given<Spec> = Spec extends OptionSpec<infer Value, infer _> ? Value : never;
type Resolved<Spec> = Spec extends OptionSpec<infer _, infer Value> ? Value : never;

/**
 * The options of `HyperCacheModule.forRoot()`; docs/options.md has their units, bounds, defaults and environment variables.
 * Unknown names are errors.
 *
 * @publicApi
 */
export type HyperCacheOptions = {
  -readonly [Name in keyof Options]?: Given<Options[Name]> | undefined;
};

/** Options after validation: every option is set. @internal */
export type ResolvedOptions = { readonly [Name in keyof Options]: Resolved<Options[Name]> };

import type { OptionOf } from './command.js';

/** The option of commands that work on one cache. @internal */
export const ONE_NAMESPACE = {
  namespace: {
    type: 'string',
    value: 'name',
    about: "the cache; the node's own, or 'default' with --path",
  },
} as const satisfies Readonly<Record<string, OptionOf>>;

/** The option of commands that read all caches. @internal */
export const ANY_NAMESPACE = {
  namespace: { type: 'string', value: 'name', about: 'one cache; all of them without' },
} as const satisfies Readonly<Record<string, OptionOf>>;

/** The option of commands that ask before they do what cannot be undone. @internal */
export const YES = {
  yes: { type: 'boolean', about: 'do not ask' },
} as const satisfies Readonly<Record<string, OptionOf>>;

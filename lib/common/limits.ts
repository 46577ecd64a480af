/** The longest time of a timer, in ms, 24 days: one that is to wait for longer ends at once. @internal */
export const MAX_TIMER_MS = 2 ** 31 - 1;

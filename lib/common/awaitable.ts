/** What is here at once, or comes by a promise. Who takes one pays for the promise only when there is one. @internal */
export type Awaitable<T> = T | Promise<T>;

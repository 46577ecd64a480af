/**
 * The names of the application's policies, which the application declares: `declare module 'nestjs-hypercache' { interface
 * HyperCachePolicies { catalog: true } }`.
 *
 * @publicApi
 */
// oxlint-disable-next-line typescript/no-empty-interface
export interface HyperCachePolicies {}

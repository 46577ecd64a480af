/**
 * The names of the policies of the application, which it declares: `declare module 'nestjs-hypercache' { interface
 * HyperCachePolicies { catalog: true } }`.
 *
 * @publicApi
 */
// oxlint-disable-next-line typescript/no-empty-interface
export interface HyperCachePolicies {}

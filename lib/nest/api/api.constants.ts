/** The controller classes of one application. @internal */
export const API_CONTROLLERS = Symbol('API_CONTROLLERS');

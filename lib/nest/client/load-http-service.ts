import type { HttpService } from '@nestjs/axios';
import type { AxiosAdapter } from 'axios';
import { DependencyMissingError } from '../../common/errors.js';

/**
 * Makes an `HttpService` with its own axios instance, which does only what nodes need: no transforms, no redirects, no proxy,
 * no check of the status.
 *
 * @throws {HC_DEPENDENCY_MISSING} both packages are optional peers, which only a secondary needs
 * @internal
 */
export async function loadHttpService(adapter: AxiosAdapter): Promise<HttpService> {
  const { HttpService, axios } = await importAxios();
  const needed = { adapter, transformRequest: [], transformResponse: [], headers: {} };
  const instance = axios.create(needed);
  // Merging the other defaults of axios, including headers, took more than half of its time for each request.
  for (const name of Object.keys(instance.defaults)) {
    if (!Object.hasOwn(needed, name)) Reflect.deleteProperty(instance.defaults, name);
  }
  Object.assign(instance.defaults, needed);
  return new HttpService(instance);
}

/** @throws {HC_DEPENDENCY_MISSING} @internal */
export async function importAxios() {
  try {
    const { HttpService } = await import('@nestjs/axios');
    const { default: axios } = await import('axios');
    return { HttpService, axios };
  } catch (cause) {
    throw new DependencyMissingError('@nestjs/axios axios', 'A secondary', cause);
  }
}

import type { INestApplication } from '@nestjs/common';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { HyperCacheApi } from '../../lib/nest/api/hyper-cache-api.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { TOKEN } from './api-client.js';
import type { HostSetting } from './hostile-hosts.js';
import type { NestApps, Platform } from './nest-apps.js';

/** In the application, on a port of its own beside it. */
export const PLACES = ['host', 'listen'] as const;
/** @see PLACES */
export type Place = (typeof PLACES)[number];

/** An application that serves the API. */
export interface ApiApp {
  readonly app: INestApplication;
  /** Of the API, without a slash at the end. */
  readonly url: string;
}

/** Starts a node with a token; closed after the test. */
export async function startApi(
  apps: NestApps,
  platform: Platform,
  place: Place,
  options: HyperCacheOptions = {},
  host: Omit<HostSetting, 'name'> = {},
): Promise<ApiApp> {
  const { providers = [], configure, prefix = '' } = host;
  const metadata = {
    providers: [...providers],
    imports: [
      HyperCacheModule.forRoot({
        sqlitePath: apps.directory(),
        apiToken: TOKEN,
        logger: false,
        ...(place === 'listen' ? { listen: { host: '127.0.0.1', port: 0 } } : {}),
        ...options,
      }),
    ],
  };
  const { app, url } = await apps.listen(platform, metadata, configure);
  const own = app.get(HyperCacheApi).url;
  return { app, url: own ?? `${url}${prefix}${options.path ?? '/api/hypercache'}` };
}

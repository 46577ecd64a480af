import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import {
  HyperCacheInspector,
  HyperCacheInspectorModule,
  type HyperCacheInspectorOptions,
} from 'nestjs-hypercache/inspector';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import type { HostSetting } from './hostile-hosts.js';
import type { NestApps, Platform, RunningApp } from './nest-apps.js';

/** What {@link PasswordGuard} wants to see, as Basic credentials. */
export const AUTHORIZATION = `Basic ${Buffer.from('admin:secret').toString('base64')}`;

/** A guard as an application would write it. */
@Injectable()
export class PasswordGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { headers } = http.getRequest<{ headers: Record<string, unknown> }>();
    if (headers['authorization'] === AUTHORIZATION) return true;
    const response = http.getResponse<{ header(name: string, value: string): void }>();
    response.header('www-authenticate', 'Basic realm="admin"');
    throw new UnauthorizedException();
  }
}

/** An application with an inspector. */
export interface InspectedApp extends RunningApp {
  readonly cache: HyperCache;
  readonly inspector: HyperCacheInspector;
  /** Asks for a page below the path of the inspector, as the guard wants it. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** How {@link startInspected} starts an application. */
export interface InspectedOptions extends Omit<HostSetting, 'name'> {
  readonly platform?: Platform;
  readonly inspector?: HyperCacheInspectorOptions;
  readonly cache?: HyperCacheOptions;
}

/** Starts a node with an inspector behind {@link PasswordGuard}; closed after the test. */
export async function startInspected(
  apps: NestApps,
  { platform = 'Express', inspector = {}, cache = {}, ...host }: InspectedOptions = {},
): Promise<InspectedApp> {
  const { providers = [], configure, prefix = '' } = host;
  const access = inspector.listen === undefined ? { guards: [PasswordGuard] } : {};
  const running = await apps.listen(
    platform,
    {
      providers: [...providers],
      imports: [
        HyperCacheModule.forRoot({ sqlitePath: apps.directory(), logger: false, ...cache }),
        HyperCacheInspectorModule.forRoot({ ...access, ...inspector }),
      ],
    },
    configure,
  );
  const { app, url } = running;
  const own = app.get(HyperCacheInspector);
  const base = own.url ?? `${url}${prefix}${inspector.path ?? '/hypercache'}`;
  return {
    app,
    url: base,
    cache: app.get(HyperCache),
    inspector: own,
    get: (path, headers = {}) =>
      fetch(base + path, {
        redirect: 'manual',
        headers: { authorization: AUTHORIZATION, ...headers },
      }),
  };
}

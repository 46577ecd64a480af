import { gzipSync } from 'node:zlib';
import { CacheInterceptor } from '@nestjs/cache-manager';
import {
  Catch,
  ForbiddenException,
  HttpException,
  HttpStatus,
  Injectable,
  SetMetadata,
  UnauthorizedException,
  VersioningType,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  HttpAdapterHost,
  Reflector,
} from '@nestjs/core';
import { map, type Observable } from 'rxjs';

const PUBLIC = 'isPublic';
const UNTHROTTLED = 'isUnthrottled';

/** Exempts from {@link AccessGuard}. */
export const Public = (): ClassDecorator => SetMetadata(PUBLIC, true);
/** Exempts from {@link ThrottlerGuard}. */
export const SkipThrottle = (): ClassDecorator => SetMetadata(UNTHROTTLED, true);

function isExempt(context: ExecutionContext, name: string): boolean {
  return (
    new Reflector().getAllAndOverride(name, [context.getHandler(), context.getClass()]) === true
  );
}

@Injectable()
class AccessGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (isExempt(context, PUBLIC)) return true;
    throw new UnauthorizedException('Log in first.');
  }
}

/** Knows no exemption. */
@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    throw new ForbiddenException();
  }
}

/** Its limit is reached at once. */
@Injectable()
class ThrottlerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (isExempt(context, UNTHROTTLED)) return true;
    throw new HttpException('ThrottlerException', HttpStatus.TOO_MANY_REQUESTS);
  }
}

@Injectable()
class WrappingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((result: unknown) => ({ data: result, status: 'success' })));
  }
}

/** As a ValidationPipe with whitelist and forbidNonWhitelisted, which needs a package that is not installed. */
class WhitelistPipe implements PipeTransform {
  transform(value: unknown): unknown {
    if (typeof value === 'object' && value !== null) {
      throw new HttpException('property should not exist', HttpStatus.BAD_REQUEST);
    }
    return value;
  }
}

/** Answers every error in the shape of the host. */
@Catch()
class HostFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(_error: unknown, context: ArgumentsHost): void {
    const response: unknown = context.switchToHttp().getResponse();
    this.host.httpAdapter.reply(response, { oops: true }, HttpStatus.I_AM_A_TEAPOT);
  }
}

type Chunk = string | Uint8Array;

interface RawAnswer {
  setHeader(name: string, value: string | number): void;
  end(chunk?: Chunk): void;
}

/** Compresses for those who accept it. */
function compress(
  request: { headers: Record<string, string | undefined> },
  response: RawAnswer,
  next: () => void,
): void {
  if (request.headers['accept-encoding']?.includes('gzip') === true) {
    const end = response.end.bind(response);
    response.end = (chunk) => {
      if (chunk === undefined) return end();
      const packed = gzipSync(chunk);
      response.setHeader('content-encoding', 'gzip');
      response.setHeader('content-length', packed.length);
      return end(packed);
    };
  }
  next();
}

/** Something that an application does to all its routes. */
export interface HostSetting {
  readonly name: string;
  readonly providers?: readonly Provider[];
  readonly configure?: (app: INestApplication) => void;
  /** Before the path of the API. */
  readonly prefix?: string;
}

/** Settings with which the API works in the application, given {@link Public} and {@link SkipThrottle}. */
export const HOST_SETTINGS: readonly HostSetting[] = [
  { name: 'no setting' },
  {
    name: 'a global prefix',
    prefix: '/shop/v2',
    configure: (app) => app.setGlobalPrefix('shop/v2'),
  },
  {
    name: 'URI versioning',
    configure: (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '3' }),
  },
  { name: 'a global guard', providers: [{ provide: APP_GUARD, useClass: AccessGuard }] },
  { name: 'a whitelisting pipe', providers: [{ provide: APP_PIPE, useClass: WhitelistPipe }] },
  {
    name: 'a CacheInterceptor',
    providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
  },
  {
    name: 'a wrapping interceptor',
    providers: [{ provide: APP_INTERCEPTOR, useClass: WrappingInterceptor }],
  },
  { name: 'a throttler', providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }] },
  { name: 'compression', configure: (app) => void app.use(compress) },
  { name: 'an exception filter', providers: [{ provide: APP_FILTER, useClass: HostFilter }] },
];

/** All of them at once. */
export const ALL_SETTINGS: HostSetting = {
  name: 'all together',
  prefix: '/shop/v2',
  providers: HOST_SETTINGS.flatMap(({ providers = [] }) => providers),
  configure: (app) => {
    for (const { configure } of HOST_SETTINGS) configure?.(app);
  },
};

/** A guard from which nothing is exempt. */
export const NO_EXEMPTION: HostSetting = {
  name: 'a guard without an exemption',
  providers: [{ provide: APP_GUARD, useClass: ClosedGuard }],
};

import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Param,
  Scope,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type DynamicModule,
  type INestApplicationContext,
  type Type,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { HyperCache, HyperCacheModule, WithLock } from 'nestjs-hypercache';
import { deferred, type Deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const TTL = 60_000;

/** What the methods under test do while they have their lock; each test gives its own. */
let work: (call: string) => unknown = () => undefined;
let calls: string[] = [];

function call(name: string): unknown {
  calls.push(name);
  return work(name);
}

@Injectable()
class Jobs {
  readonly #secret = 'private';

  @WithLock('strict', { ttl: TTL })
  strict(...args: unknown[]): unknown {
    return call(`strict ${args.join()}`);
  }

  @WithLock('patient', { ttl: TTL, wait: 30_000 })
  patient(turn: number): unknown {
    return call(`patient ${turn}`);
  }

  @WithLock('skipping', { ttl: TTL, skipIfHeld: true })
  skipping(): unknown {
    return call('skipping');
  }

  @WithLock('brief', { ttl: 50 })
  brief(): unknown {
    return call('brief');
  }

  @WithLock('renewed', { ttl: 300, renew: true })
  renewed(): unknown {
    return call('renewed');
  }

  @WithLock((id: string, { kind }: { kind: string }) => `${kind}:${id}`, { ttl: TTL })
  named(id: string, options: { kind: string }): unknown {
    return call(`${options.kind} ${id}`);
  }

  @WithLock(() => '', { ttl: TTL })
  nameless(): unknown {
    return call('nameless');
  }

  @WithLock('secret', { ttl: TTL })
  secret(): string {
    return this.#secret;
  }

  unlocked(): unknown {
    return call('unlocked');
  }
}

const apps = useNestApps();
let directory = '';
beforeEach(() => {
  directory = apps.directory();
  calls = [];
  work = () => undefined;
});

const root = (): DynamicModule => HyperCacheModule.forRoot({ sqlitePath: directory });

async function start(...providers: Type[]): Promise<INestApplicationContext> {
  return apps.context({ imports: [root()], providers });
}

/** From here on all methods wait until the test lets them go. */
function hold(): Deferred<unknown> {
  const held = deferred<unknown>();
  work = () => held.promise;
  return held;
}

describe('@WithLock', () => {
  let app: INestApplicationContext;
  let jobs: Jobs;
  let cache: HyperCache;
  beforeEach(async () => {
    app = await start(Jobs);
    jobs = app.get(Jobs);
    cache = app.get(HyperCache);
  });
  const lockOf = async (name: string) => (await cache.inspectLock(name))?.name;
  const untilCalled = (...expected: string[]) => eventually(() => expect(calls).toEqual(expected));

  it('runs the method under its lock, with its arguments and on its object', async () => {
    const held = hold();
    const result = jobs.strict(1, 'two');
    await untilCalled('strict 1,two');
    await expect(lockOf('strict')).resolves.toBe('strict');
    held.resolve('result');

    await expect(result).resolves.toBe('result');
    await expect(lockOf('strict')).resolves.toBeUndefined();
    await expect(jobs.secret()).resolves.toBe('private');
  });

  it('rejects, without a call, while somebody else holds the lock', async () => {
    const held = hold();
    const first = jobs.strict();
    await untilCalled('strict ');

    await expect(jobs.strict()).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT', lock: 'strict' });
    held.resolve('first');
    await expect(first).resolves.toBe('first');
    expect(calls).toHaveLength(1);
    await expect(jobs.strict()).resolves.toBe('first');
  });

  it('is the lock of that name, whoever has it', async () => {
    const lock = cache.lock('strict', { ttl: TTL });
    await lock.acquire();
    await expect(jobs.strict()).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT' });
    await lock.release();

    await jobs.strict();
    expect(calls).toHaveLength(1);
  });

  it('with wait runs one call after the other', async () => {
    let running = 0;
    let most = 0;
    work = async (name) => {
      most = Math.max(most, ++running);
      await cache.set(name, 'some work');
      running--;
      return name;
    };
    const turns = [0, 1, 2, 3, 4, 5, 6, 7];
    const results = await Promise.all(turns.map((turn) => jobs.patient(turn)));

    expect(results).toEqual(turns.map((turn) => `patient ${turn}`));
    expect(calls).toEqual(results);
    expect(most).toBe(1);
  });

  it('with skipIfHeld resolves to undefined, without a call', async () => {
    const held = hold();
    const first = jobs.skipping();
    await untilCalled('skipping');

    await expect(jobs.skipping()).resolves.toBeUndefined();
    held.resolve('first');
    await expect(first).resolves.toBe('first');
    expect(calls).toEqual(['skipping']);
  });

  it('takes the name from the arguments', async () => {
    const held = hold();
    const first = jobs.named('7', { kind: 'order' });
    await untilCalled('order 7');
    const second = jobs.named('8', { kind: 'order' });
    const third = jobs.named('7', { kind: 'refund' });
    await untilCalled('order 7', 'order 8', 'refund 7');

    await expect(jobs.named('7', { kind: 'order' })).rejects.toMatchObject({ lock: 'order:7' });
    held.resolve('result');
    await expect(Promise.all([first, second, third])).resolves.toHaveLength(3);
    await expect(jobs.nameless()).rejects.toMatchObject({ code: 'HC_KEY_INVALID' });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('releases when the method %s', async (_how, fail) => {
    work = fail;
    await expect(jobs.strict()).rejects.toThrow('mine');
    work = () => 'result';

    await expect(jobs.strict()).resolves.toBe('result');
  });

  it('rejects when the lease ended before the method did', async () => {
    const held = hold();
    const slow = jobs.brief();
    await expect(cache.lock('brief', { ttl: TTL }).acquire({ wait: 30_000 })).resolves.toBe(true);
    held.resolve('late');

    await expect(slow).rejects.toMatchObject({ code: 'HC_LOCK_LOST', lock: 'brief' });
  });

  it('with renew keeps the lock for as long as the method takes', async () => {
    const held = hold();
    const slow = jobs.renewed();
    await expect(cache.lock('renewed', { ttl: TTL }).acquire({ wait: 900 })).resolves.toBe(false);
    held.resolve('result');

    await expect(slow).resolves.toBe('result');
  });

  it('leaves other methods, and the name of its own, as they are', () => {
    work = () => 'at once';

    expect(jobs.unlocked()).toBe('at once');
    expect(jobs.strict.name).toBe('strict');
  });

  it.each([
    ['made by hand', async () => new Jobs()],
    [
      'made by a factory',
      async () => {
        const made = await apps.context({
          imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() })],
          providers: [{ provide: Jobs, useFactory: () => new Jobs() }],
        });
        return made.get(Jobs);
      },
    ],
  ])('on an object %s rejects, and calls nothing', async (_how, make) => {
    const stray = await make();

    await expect(stray.strict()).rejects.toMatchObject({
      code: 'HC_MODULE_MISSING',
      message: expect.stringContaining('strict()'),
      hint: expect.stringContaining('HyperCacheModule.forRoot()'),
    });
    expect(calls).toEqual([]);
  });

  it('shows a mistake when the class is loaded', () => {
    expect(() => WithLock('', { ttl: TTL })).toThrow(
      expect.objectContaining({ code: 'HC_KEY_INVALID' }),
    );
    for (const options of [{ ttl: 0 }, {}, undefined]) {
      expect(() => WithLock('name', options as { ttl: number })).toThrow(
        expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
      );
    }
  });
});

describe('@WithLock without HyperCacheModule', () => {
  it('lets no application start, and names what is missing', async () => {
    const starting = apps.context({ providers: [Jobs] });

    await expect(starting).rejects.toThrow(
      /can't resolve dependencies of the Jobs[^]*import HyperCacheModule\.forRoot\(\) in the root module/,
    );
  });
});

describe('@WithLock and inheritance', () => {
  @Injectable()
  class Plain extends Jobs {}

  @Injectable()
  class Overriding extends Jobs {
    override async strict(...args: unknown[]): Promise<unknown> {
      return `overridden: ${String(await super.strict(...args))}`;
    }
  }

  @Injectable()
  class Relocked extends Jobs {
    @WithLock('another', { ttl: TTL })
    override strict(): unknown {
      return call('relocked');
    }
  }

  @Injectable()
  class Unlocked extends Jobs {
    override strict(): unknown {
      return call('free');
    }
  }

  it('a subclass has the locks of its base', async () => {
    const jobs = (await start(Plain)).get(Plain);
    const held = hold();
    const first = jobs.strict(1);
    await eventually(() => expect(calls).toEqual(['strict 1']));

    await expect(jobs.strict(2)).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT' });
    held.resolve('result');
    await expect(first).resolves.toBe('result');
  });

  it('a subclass and its base share the lock, each on its own object', async () => {
    const app = await start(Plain, Jobs);
    const held = hold();
    const first = app.get(Plain).strict(1);
    await eventually(() => expect(calls).toEqual(['strict 1']));

    await expect(app.get(Jobs).strict(2)).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT' });
    held.resolve('result');
    await first;
  });

  it('super calls a locked method', async () => {
    const app = await start(Overriding);
    work = () => 'result';

    await expect(app.get(Overriding).strict(1)).resolves.toBe('overridden: result');
    await app.get(HyperCache).lock('strict', { ttl: TTL }).acquire();
    await expect(app.get(Overriding).strict(1)).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT' });
  });

  it('a subclass may lock by another name, or not at all', async () => {
    const app = await start(Relocked, Unlocked);
    await app.get(HyperCache).lock('strict', { ttl: TTL }).acquire();
    await app.get(Relocked).strict();
    app.get(Unlocked).strict();
    await app.get(HyperCache).lock('another', { ttl: TTL }).acquire();

    await expect(app.get(Relocked).strict()).rejects.toMatchObject({ lock: 'another' });
    expect(calls).toEqual(['relocked', 'free']);
    await expect(app.get(Relocked).skipping()).resolves.toBeUndefined();
  });
});

describe('@WithLock and @Cron', () => {
  @Injectable()
  class Reports {
    @WithLock('above', { ttl: TTL, skipIfHeld: true })
    @Cron('0 0 3 * * *', { name: 'above' })
    above(): unknown {
      return call(`above ${this instanceof Reports}`);
    }

    @Cron('0 0 3 * * *', { name: 'below' })
    @WithLock('below', { ttl: TTL, skipIfHeld: true })
    below(): unknown {
      return call(`below ${this instanceof Reports}`);
    }
  }

  it.each(['above', 'below'])('work together with the lock %s', async (name) => {
    const app = await apps.context({
      imports: [root(), ScheduleModule.forRoot()],
      providers: [Reports],
    });
    const cache = app.get(HyperCache);
    const job = app.get(SchedulerRegistry).getCronJob(name);
    const held = hold();
    const first = job.fireOnTick();
    await eventually(() => expect(calls).toEqual([`${name} true`]));
    await expect(cache.inspectLock(name)).resolves.toMatchObject({ name });
    await job.fireOnTick();

    // The second one found it held.
    expect(calls).toHaveLength(1);
    held.resolve(undefined);
    await first;
    await eventually(async () => expect(await cache.inspectLock(name)).toBeUndefined());
    await job.fireOnTick();
    await eventually(() => expect(calls).toHaveLength(2));
  });
});

describe('@WithLock in HTTP', () => {
  const Role = (role: string) => SetMetadata('role', role);
  const seen: unknown[] = [];

  @Injectable()
  class RoleGuard implements CanActivate {
    canActivate(context: Parameters<CanActivate['canActivate']>[0]): boolean {
      seen.push(new Reflector().get('role', context.getHandler()));
      return true;
    }
  }

  let instances = 0;

  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    readonly instance = ++instances;

    @WithLock((id: string) => `item:${id}`, { ttl: TTL, wait: 30_000 })
    async change(id: string): Promise<number> {
      await call(`change ${id}`);
      return this.instance;
    }
  }

  @Controller()
  class Items {
    constructor(private readonly perRequest: PerRequest) {}

    @Get('above/:id')
    @UseGuards(RoleGuard)
    @Role('reader')
    @WithLock((id: string) => `above:${id}`, { ttl: TTL })
    above(@Param('id') id: string): object {
      return { above: id, work: call(`above ${id}`) };
    }

    @WithLock((id: string) => `below:${id}`, { ttl: TTL })
    @Get('below/:id')
    @UseGuards(RoleGuard)
    @Role('writer')
    below(@Param('id') id: string): object {
      return { below: id, work: call(`below ${id}`) };
    }

    @Get('change/:id')
    async change(@Param('id') id: string): Promise<object> {
      return { instance: await this.perRequest.change(id) };
    }
  }

  describe.each(PLATFORMS)('on %s', (platform) => {
    const listen = () =>
      apps.listen(platform, {
        imports: [root()],
        controllers: [Items],
        providers: [PerRequest, RoleGuard],
      });
    const get = async (url: string): Promise<{ status: number; body: unknown }> => {
      const response = await fetch(url);
      return { status: response.status, body: await response.json() };
    };

    it('locks the handlers of a controller, whichever decorator stands above', async () => {
      const { app, url } = await listen();
      work = () => 'done';
      seen.length = 0;

      for (const [path, role] of [
        ['above', 'reader'],
        ['below', 'writer'],
      ]) {
        const answer = { status: 200, body: { [String(path)]: '7', work: 'done' } };
        await expect(get(`${url}/${path}/7`)).resolves.toEqual(answer);
        await app.get(HyperCache).lock(`${path}:7`, { ttl: TTL }).acquire();
        await expect(get(`${url}/${path}/7`)).resolves.toMatchObject({ status: 500 });
        await expect(get(`${url}/${path}/8`)).resolves.toMatchObject({ status: 200 });
        expect(seen.splice(0)).toEqual([role, role, role]);
      }
    });

    it('locks the methods of request-scoped providers, each request with its own', async () => {
      const { url } = await listen();
      const before = instances;
      let running = 0;
      let most = 0;
      work = async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      };
      const answers = await Promise.all(Array.from({ length: 10 }, () => get(`${url}/change/7`)));

      const used = answers.map(({ body }) => (body as { instance: number }).instance);
      expect(used.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 10 }, (_, i) => before + 1 + i),
      );
      expect(most).toBe(1);
    });
  });
});

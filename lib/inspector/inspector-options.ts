import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import { InvalidOptionsError, type OptionProblem } from '../index.js';

/** The entry to which a value belongs. @publicApi */
export interface InspectedEntry {
  namespace: string;
  key: string;
}

/** Which clients may open the inspector, and what it shows. Either `guards` or `listen` is required. @publicApi */
export interface HyperCacheInspectorOptions {
  /** The path where it is mounted, below the global prefix of the application. @default '/hypercache' */
  path?: string | undefined;
  /** Guards of the application, each a class or an instance. All of them must let a request pass. */
  guards?: readonly (CanActivate | Type<CanActivate>)[] | undefined;
  /** Modules that provide what the guards inject. @default [] */
  imports?: ModuleMetadata['imports'];
  /** A separate port on a loopback address, in place of guards. */
  listen?: InspectorListenOptions | undefined;
  /** Whether the page of an entry shows its value, and that of a factory its error message. @default false */
  values?: boolean | undefined;
  /** Called with each value before it is shown. Its result is shown instead. @default shows the value */
  redact?: ((value: unknown, entry: InspectedEntry) => unknown) | undefined;
  /** Whether entries can be deleted, namespaces cleared and locks released. @default false */
  actions?: boolean | undefined;
}

/** The inspector's own port. @publicApi */
export interface InspectorListenOptions {
  /** From 0 to 65535; 0 takes a free port, which a log line names. */
  port: number;
  /** 'localhost', '::1', or an address that begins with '127.'. @default '127.0.0.1' */
  host?: string | undefined;
}

/** @internal */
export interface ResolvedInspectorOptions {
  readonly path: string;
  readonly guards: readonly (CanActivate | Type<CanActivate>)[];
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly values: boolean;
  readonly redact: (value: unknown, entry: InspectedEntry) => unknown;
  readonly actions: boolean;
}

/** @internal */
export const INSPECTOR_OPTIONS = Symbol('HyperCacheInspectorOptions');

const DEFAULT_PATH = '/hypercache';
const DEFAULT_HOST = '127.0.0.1';
const MAX_PATH_LENGTH = 256;
const MAX_PORT = 65_535;
const PATH = /^(\/[\w.~-]+)+$/;
const LOOPBACK = /^(localhost|::1|127(\.\d{1,3}){3})$/;

type Check = readonly [isAcceptable: (value: unknown) => boolean, instead: string];

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

const CHECKS: Readonly<Record<keyof HyperCacheInspectorOptions, Check>> = {
  path: [
    (path) => typeof path === 'string' && path.length <= MAX_PATH_LENGTH && PATH.test(path),
    "write a path such as '/hypercache'",
  ],
  guards: [
    (guards) => Array.isArray(guards) && guards.length > 0 && guards.every(isGuard),
    'write a list of guards, such as [AdminGuard]',
  ],
  imports: [Array.isArray, 'write a list of modules'],
  listen: [isLoopbackPort, "write { port: 9229 }; a host is '127.0.0.1', '::1' or 'localhost'"],
  values: [isBoolean, 'use true or false'],
  redact: [
    (redact) => typeof redact === 'function',
    'write a function: (value, { namespace, key }) => ...',
  ],
  actions: [isBoolean, 'use true or false'],
};

/** @throws {HC_OPTIONS_INVALID} with all problems at once @internal */
export function resolveInspectorOptions(
  given: HyperCacheInspectorOptions | undefined,
): ResolvedInspectorOptions {
  const options = Object(given) as HyperCacheInspectorOptions;
  const problems = [...problemsOf(options), ...problemsOfAccess(options)];
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const { path = DEFAULT_PATH, guards = [], imports = [], listen } = options;
  return {
    path,
    guards,
    imports,
    listen: listen && { host: listen.host ?? DEFAULT_HOST, port: listen.port },
    values: options.values ?? false,
    redact: options.redact ?? ((value) => value),
    actions: options.actions ?? false,
  };
}

function problemsOf(options: HyperCacheInspectorOptions): OptionProblem[] {
  return Object.entries(options).flatMap(([name, value]): OptionProblem[] => {
    const option = named(name);
    if (!isOptionName(name)) {
      const instead = `there are ${Object.keys(CHECKS).join(', ')}`;
      return [{ option, value: 'not an option', instead }];
    }
    const [isAcceptable, instead] = CHECKS[name];
    if (value === undefined || isAcceptable(value)) return [];
    return [{ option, value: 'not acceptable', instead }];
  });
}

/** Without guards or a port, the page would be open to all. Guards do not see the requests of the other port. */
function problemsOfAccess({ guards, listen }: HyperCacheInspectorOptions): OptionProblem[] {
  if ((guards === undefined) !== (listen === undefined)) return [];
  return [
    {
      option: named('guards, listen'),
      value: guards === undefined ? 'neither of the two' : 'both of the two',
      instead:
        'write guards: [AdminGuard] with a guard of the application, or listen: { port: 9229 } for this machine alone',
    },
  ];
}

function named(name: string): string {
  return `HyperCacheInspectorModule.forRoot({ ${name} })`;
}

function isOptionName(name: string): name is keyof HyperCacheInspectorOptions {
  return Object.hasOwn(CHECKS, name);
}

function isGuard(guard: unknown): boolean {
  if (typeof guard === 'function') return true;
  return typeof Reflect.get(Object(guard), 'canActivate') === 'function';
}

function isLoopbackPort(listen: unknown): boolean {
  const { port, host = DEFAULT_HOST, ...others } = Object(listen) as Record<string, unknown>;
  const isPort = Number.isInteger(port) && Number(port) >= 0 && Number(port) <= MAX_PORT;
  const isHost = typeof host === 'string' && LOOPBACK.test(host);
  return isPort && isHost && Object.keys(others).length === 0;
}

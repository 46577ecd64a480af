import type { StatsFs } from 'node:fs';

/** The result of one check. @internal */
export interface Finding {
  readonly check: string;
  /** `skipped` means that there is nothing to check. */
  readonly level: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly said: string;
  /** How to fix it, unless it is fine. */
  readonly fix?: string;
}

/** The subject of the checks. Tests give their own. @internal */
export interface Patient {
  /** The directory of the application's package.json. */
  readonly application: string;
  /** The `sqlitePath` of the node. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The address of a node to ask; the primary's by default. */
  readonly url: string | undefined;
  readonly apiPath: string;
  readonly nodeVersion: string;
  /** Node's version of its native interface. */
  readonly nodeApi: number;
  readonly statFs: (path: string) => Pick<StatsFs, 'type' | 'bavail' | 'bsize'>;
  /** The size up to which a file is checked page by page, in bytes. */
  readonly maxCheckedBytes: number;
  /** How long the feed may take to begin, in ms. */
  readonly feedTimeoutMs: number;
}

/** @internal */
export type Check = (patient: Patient) => readonly Finding[] | Promise<readonly Finding[]>;

/** @internal */
export function ok(check: string, said: string): Finding {
  return { check, level: 'ok', said };
}

/** @internal */
export function skipped(check: string, said: string): Finding {
  return { check, level: 'skipped', said };
}

/** @internal */
export function warning(check: string, said: string, fix: string): Finding {
  return { check, level: 'warning', said, fix };
}

/** @internal */
export function problem(check: string, said: string, fix: string): Finding {
  return { check, level: 'problem', said, fix };
}

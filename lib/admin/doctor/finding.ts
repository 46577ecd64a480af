import type { StatsFs } from 'node:fs';

/** What one check has found. @internal */
export interface Finding {
  readonly check: string;
  /** `skipped`: what it looks at is not there. */
  readonly level: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly said: string;
  /** What to do, unless it is fine. */
  readonly fix?: string;
}

/** What the checks look at; tests give their own. @internal */
export interface Patient {
  /** The directory of the application's package.json. */
  readonly application: string;
  /** The `sqlitePath` of the node. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of a node to ask; the primary's by default. */
  readonly url: string | undefined;
  readonly apiPath: string;
  readonly nodeVersion: string;
  /** Of Node. */
  readonly nodeApi: number;
  readonly statFs: (path: string) => Pick<StatsFs, 'type' | 'bavail' | 'bsize'>;
  /** Bytes up to which a file is looked at page by page. */
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

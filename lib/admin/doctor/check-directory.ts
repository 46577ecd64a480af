import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bytes } from '../../common/duration.js';
import { errnoOf } from '../../common/errno.js';
import { parseNumber } from '../../node/option-kinds.js';
import { FILE_OPTIONS } from '../../node/option-table.js';
import { FILE_NAME } from '../../sqlite/storage.js';
import { ok, problem, skipped, warning, type Finding, type Patient } from './finding.js';

const GIB = 1024 ** 3;
const DEFAULT_MAX_SIZE = Number(FILE_OPTIONS.maxSize.byDefault);
const BIG_LOG_BYTES = 64 * 1024 * 1024;

/** File systems by their numbers in statfs(2). */
const REMOTE: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB',
  0x01021997: '9p',
  0x65735546: 'FUSE',
  0x00c36400: 'Ceph',
};
const OVERLAY = 0x794c7630;
const TMPFS = 0x01021994;

/** Whether the node can create its files there. @internal */
export function checkDirectory({ directory }: Patient): Finding[] {
  const check = 'directory';
  const nearest = nearestTo(directory);
  try {
    if (!statSync(nearest).isDirectory()) {
      return [
        problem(
          check,
          `${nearest} is no directory.`,
          'Point sqlitePath (or HYPERCACHE_SQLITE_PATH) at a directory.',
        ),
      ];
    }
    accessSync(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return [
      problem(
        check,
        `${nearest} cannot be written (${String(errnoOf(error))}).`,
        'Give it to the user that the application runs as, or point sqlitePath elsewhere; in a container, mount a volume that this user owns.',
      ),
    ];
  }
  return [
    ok(check, nearest === directory ? `${directory} can be written` : `${directory} can be made`),
  ];
}

/** The file system of the directory. @internal */
export function checkFileSystem({ directory, statFs }: Patient): Finding[] {
  const check = 'file system';
  const nearest = nearestTo(directory);
  const { type } = statFs(nearest);
  const remote = REMOTE[type >>> 0];
  if (remote !== undefined) {
    return [
      problem(
        check,
        `${directory} is on ${remote}, where SQLite's locks and its shared memory do not work.`,
        'Point sqlitePath at a local disk: each server keeps its own file, and follows the primary over HTTP.',
      ),
    ];
  }
  if (type >>> 0 === OVERLAY) {
    return [
      warning(
        check,
        `${directory} is in a container's own layer: its content is lost with the container.`,
        'Mount a volume there.',
      ),
    ];
  }
  if (type >>> 0 === TMPFS) {
    return [
      warning(
        check,
        `${directory} is in memory: a restart of the machine empties it.`,
        'Point sqlitePath at a disk, unless that is what you want.',
      ),
    ];
  }
  return [ok(check, 'a local disk')];
}

/** Whether the file can grow up to its limit. @internal */
export function checkSpace({ directory, statFs, environment }: Patient): Finding[] {
  const check = 'free space';
  const nearest = nearestTo(directory);
  const { bavail, bsize } = statFs(nearest);
  const free = bavail * bsize;
  const used = sizeOf(join(directory, FILE_NAME));
  const amount = bytes(parseNumber(environment['HYPERCACHE_MAX_SIZE'] ?? ''));
  const isKnown = typeof amount === 'number';
  const maxSize = isKnown ? amount : DEFAULT_MAX_SIZE;
  const missing = maxSize - used - free;
  if (missing <= 0) return [ok(check, `${gib(free)} free`)];
  return [
    warning(
      check,
      `${gib(free)} are free, and the file may grow by ${gib(maxSize - used)} more (maxSize${isKnown ? '' : ' is not known here, so its default'}).`,
      'Free space, or lower maxSize: a full disk refuses writes with HC_STORAGE_FULL.',
    ),
  ];
}

/** The write-ahead log. @internal */
export function checkLog({ directory }: Patient): Finding[] {
  const path = join(directory, `${FILE_NAME}-wal`);
  if (!existsSync(path)) return [skipped('write-ahead log', 'there is none')];
  const size = sizeOf(path);
  const mib = `${Math.round(size / 1024 / 1024)} MiB`;
  if (size < BIG_LOG_BYTES) return [ok('write-ahead log', mib)];
  return [
    warning(
      'write-ahead log',
      `It has grown to ${mib}: some process holds a read transaction open, so that it cannot be carried into the file.`,
      'Find the other process that reads the file (a shell of sqlite3, a backup by another program) and end it.',
    ),
  ];
}

/** The nearest existing part of a path that may not exist yet. */
function nearestTo(directory: string): string {
  let nearest = directory;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  return nearest;
}

function gib(amount: number): string {
  return `${(amount / GIB).toFixed(1)} GiB`;
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    // The path does not exist, or it is below something that is no directory. Another check reports that.
    return 0;
  }
}

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate as onNextTurn } from 'node:timers';
import { StorageBusyError } from '../../common/errors.js';
import { connect } from '../../sqlite/native.js';
import { metaSql } from '../../sqlite/sql/meta.js';
import { pragmaSql } from '../../sqlite/sql/pragmas.js';

const PAGE_SIZE_OFFSET = 16;
const HEADER_BYTES = 100;
const NONSENSE = 0xa5;
/** Readers hold the log for one turn of the event loop. */
const MOST_TURNS = 100;

/** Overwrites pages of a database file so that none can be read. The first page is 1. @internal */
export function overwritePages(file: string, from: number, to = Infinity): void {
  const fd = openSync(file, 'r+');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(fd, header, 0, header.length, 0);
    const pageSize = header.readUInt16BE(PAGE_SIZE_OFFSET);
    const { size } = fstatSync(fd);
    for (let page = from; page <= to && page * pageSize <= size; page++) {
      writeSync(fd, Buffer.alloc(pageSize, NONSENSE), 0, pageSize, (page - 1) * pageSize);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Damages the file of a running node beyond repair. The node notices at its next read or write.
 *
 * @throws {HC_STORAGE_BUSY} another program reads the file all the time
 * @internal
 */
export async function damageFile(file: string): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    await new Promise((resolve) => onNextTurn(resolve));
    if (!carryOver(file)) continue;
    overwritePages(file, 2);
    return;
  }
  throw new StorageBusyError('its write-ahead log is in use');
}

/** Moves everything from the log into the file, and makes connections forget what they have read. */
function carryOver(file: string): boolean {
  const connection = connect(file);
  try {
    connection.prepare(metaSql.write).run('damaged', '1');
    const [isBusy] = connection.prepare(pragmaSql.checkpoint).raw().get() as [number];
    return isBusy === 0;
  } finally {
    connection.close();
  }
}

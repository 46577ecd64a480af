import { open } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import type { Clock } from '../../common/clock.js';
import type { SourceMark } from '../../sqlite/source-table.js';
import type { Storage } from '../../sqlite/storage.js';
import type { CopiedEntry } from '../feed/snapshot-cursor.js';
import { ChangeOp, type ChangeBatch, type CopiedContent } from '../wire/change-batch.js';
import { adopt, put, removeEntry } from './copied-rows.js';
import { writeSource, type PrimaryAddress, type Source } from './replica-meta.js';

/** @internal */
export interface SnapshotCopyParts {
  /** A file that no process has open. */
  readonly side: Storage;
  readonly source: Source;
  readonly primary: PrimaryAddress;
  readonly clock: Clock;
}

/**
 * A snapshot of the primary that fills a side file, without a change log and without syncs.
 *
 * @internal
 */
export class SnapshotCopy {
  constructor(private readonly parts: SnapshotCopyParts) {}

  get path(): string {
    return this.parts.side.path;
  }

  begin(namespaces: ChangeBatch['namespaces'], marks: readonly SourceMark[]): void {
    const { side, clock } = this.parts;
    this.removeFile();
    side.open();
    side.beginCopy();
    side.transaction(() => {
      adopt(side, namespaces);
      side.sources.mark(marks, clock.now());
    });
  }

  addPage(namespaceId: number, rows: readonly CopiedEntry[]): void {
    const { side } = this.parts;
    side.transaction(() => {
      for (const [key, revision, ...content] of rows) {
        put(side, revision, namespaceId, key, content);
      }
    });
  }

  /** A change that arrives between the pages is newer than any page before it. */
  addChanges({ namespaces, changes, runs }: ChangeBatch): void {
    const { side, clock } = this.parts;
    side.transaction(() => {
      adopt(side, namespaces);
      side.sources.record(runs, clock.now());
      for (const [revision, namespaceId, op, key, ...content] of changes) {
        if (op === ChangeOp.Put) put(side, revision, namespaceId, key, content as CopiedContent);
        else if (op === ChangeOp.Delete) removeEntry(side, namespaceId, key);
      }
    });
  }

  /** The snapshot is complete as of a revision. */
  end(revision: number): void {
    const { side, source, primary, clock } = this.parts;
    side.transaction(() => {
      side.endCopy(revision);
      writeSource(side, source, primary, clock.now());
    });
  }

  /** Closes the file and syncs it to the disk. SQLite's own sync would hold the event loop; this one does not. */
  async close(): Promise<void> {
    this.parts.side.close();
    const file = await open(this.path, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** @throws the file system's error when the file cannot be removed; it is closed all the same */
  abort(): void {
    this.parts.side.close();
    this.removeFile();
  }

  removeFile(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.path + suffix, { force: true });
  }
}

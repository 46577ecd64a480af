import { tmpdir } from 'node:os';
import { systemClock } from '../../common/clock.js';
import type { HyperCacheLogger } from '../../common/logger.js';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import { directoryOf } from '../../node/node-place.js';
import type { ResolvedOptions } from '../../node/options.js';
import { Admission } from '../../http/admission.js';
import { FailedAttempts } from '../../http/failed-attempts.js';
import { BackupLimit } from '../../http/backup-limit.js';
import { OpenAnswers } from '../../http/open-answers.js';
import { createReplayWindow, type ReplayWindow } from '../../http/replay-window.js';

const KIB = 1024;
const MIN_BATCH_BYTES = 16 * KIB * KIB;

/** The parts that the controllers of the API share. @internal */
export class ApiContext {
  readonly admission: Admission;
  /** For requests that only operators may make. */
  readonly adminAdmission: Admission;
  readonly #replays: ReplayWindow;
  readonly failures: FailedAttempts;
  readonly open = new OpenAnswers();
  readonly backups = new BackupLimit();
  /** The namespace of requests that name none. */
  readonly namespace: string;
  /** The most bytes of a JSON body. JSON takes more bytes than the stored value. */
  readonly maxJsonBytes: number;
  /** The most bytes of a body between nodes. */
  readonly maxBatchBytes: number;
  /** For temporary files. It is on the disk of the node's own file, if the node has one. */
  readonly directory: string;

  constructor(
    readonly node: HyperCacheNode,
    options: ResolvedOptions,
    readonly logger: HyperCacheLogger,
  ) {
    this.#replays = createReplayWindow(options, logger);
    const { apiToken, adminToken, signRequests } = options;
    this.admission = new Admission(apiToken, signRequests, this.#replays);
    this.adminAdmission = new Admission(adminToken, signRequests, this.#replays);
    this.failures = new FailedAttempts(systemClock, logger);
    this.namespace = options.namespace;
    this.directory = directoryOf(options) ?? tmpdir();
    this.maxJsonBytes = 2 * options.maxValueSize + 64 * KIB;
    this.maxBatchBytes = Math.max(MIN_BATCH_BYTES, 2 * options.maxValueSize);
  }

  /** Releases the record of signed requests. */
  close(): void {
    this.#replays.close();
  }
}

import { Global, Injectable, Logger, Module } from '@nestjs/common';

/** What a worker reports about itself. `second` counts from 1970. */
export type WorkerMessage =
  | { kind: 'listening'; url: string }
  | { kind: 'woke'; second: number }
  | { kind: 'making'; second: number }
  | { kind: 'made'; second: number };

/** Reports what happens in this worker to the script that started it; without a script, to the log. */
@Injectable()
export class Journal {
  readonly #logger = new Logger(Journal.name);

  note(message: WorkerMessage): void {
    if (process.connected === true) process.send?.(message);
    else this.#logger.log(JSON.stringify(message));
  }
}

@Global()
@Module({ providers: [Journal], exports: [Journal] })
export class JournalModule {}

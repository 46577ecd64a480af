import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../lib/common/clock.js';
import { systemRandom } from '../../../lib/common/random.js';
import { OutboxAdopter } from '../../../lib/node/outbox-adopter.js';
import { Outbox } from '../../../lib/cluster/forward/outbox.js';
import { OutboxFile } from '../../../lib/sqlite/outbox-file.js';
import { eventually } from '../../support/eventually.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

describe('OutboxAdopter', () => {
  const directories = useTemporaryDirectories();

  it('leaves an outbox that it could not load to the next who tries', async () => {
    const directory = directories();
    const createFile = (): OutboxFile =>
      new OutboxFile({ directory, fullSync: false, clock: systemClock, random: systemRandom });
    const left = createFile();
    left.open();
    left.add([Buffer.from([0xff])]);
    left.close();
    const failures: unknown[] = [];
    const adopter = new OutboxAdopter({
      directory,
      own: () => 1,
      createFile,
      createOutbox: (file) =>
        new Outbox({
          file,
          maxEntries: 1,
          maxBytes: 1,
          limits: { maxValueSize: 1, maxLockTtl: 1 },
          onBuried: (error) => {
            throw error;
          },
        }),
      createQueue: () => {
        throw new Error('Nothing was loaded.');
      },
      onAdopted: () => undefined,
      onError: (error) => failures.push(error),
    });
    adopter.start();
    await eventually(() => expect(failures).toHaveLength(1));
    await adopter.stop();
    const next = createFile();

    expect(next.openLeft(0)).toBe(true);
    next.close();
  });
});

import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../../../lib/common/version.js';
import { root } from '../../architecture/support/source-files.js';

describe('VERSION', () => {
  it('is that of package.json', () => {
    const { version }: { version: string } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    );

    expect(VERSION).toBe(version);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFloodWatch } from '../../../src/approval/flood.ts';
import { makeDestination } from '../../support/asking.ts';

const npm = { tree: '50@1', program: 'npm install', pid: 70 };

describe('createFloodWatch', () => {
  it('makes a tree quiet after twenty new destinations a minute', () => {
    const flood = createFloodWatch();
    const said = Array.from({ length: 22 }, (_, n) =>
      flood.judge(npm, makeDestination(`h${n}.test`), `a${n + 1}`, n * 2_500),
    );
    assert.deepEqual(said, [...Array<string>(20).fill('ask'), 'quiet', 'quiet']);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clockText } from '../../../src/approval/clock-text.ts';

describe('clockText', () => {
  const now = new Date(2026, 10, 20, 13, 50).getTime();
  for (const { name, at, want } of [
    { name: 'names the time of a moment today', at: new Date(2026, 10, 20, 14, 5), want: '14:05' },
    { name: 'fills up with zeros', at: new Date(2026, 10, 20, 9, 0), want: '09:00' },
    {
      name: 'names the day where it is another',
      at: new Date(2026, 10, 21, 0, 0),
      want: '21 Nov 00:00',
    },
    {
      name: 'does not take another month for today',
      at: new Date(2026, 11, 20, 14, 5),
      want: '20 Dec 14:05',
    },
  ]) {
    it(name, () => assert.equal(clockText(at.getTime(), now), want));
  }
});

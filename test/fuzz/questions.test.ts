// Property tests of what waits: any sequence of requests, look-ups, answers, pauses and hours, against plain
// models of what may come of it. FUZZ_RUNS sets the number of sequences.
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { checkHolds, holdsSteps } from '../support/holds-model.ts';
import { checkPending, pendingSteps } from '../support/pending-model.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 4000);

describe('questions and holds', () => {
  it('keep their numbers, whatever is done to them', () => {
    fc.assert(fc.property(pendingSteps, checkPending), { numRuns });
  });
  it('let nothing through that nobody allowed, and end everything once', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 10, 20) });
    await fc.assert(
      fc.asyncProperty(holdsSteps, (steps) => checkHolds(context, steps)),
      { numRuns: Math.ceil(numRuns / 10) },
    );
  });
});

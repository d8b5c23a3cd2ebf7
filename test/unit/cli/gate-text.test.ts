import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeGate, renderGate } from '../../../src/cli/gate-text.ts';
import { renderClock } from '../../../src/cli/render.ts';
import { makeGate } from '../../support/views.ts';

const at = '2026-11-20T14:05:00.000Z';

describe('describeGate', () => {
  const cases = [
    { name: 'open', given: {}, want: /^open: the rules decide/ },
    {
      name: 'nobody there',
      given: { attendance: 'unattended' },
      want: /^open, but nobody is there/,
    },
    {
      name: 'paused',
      given: { pausedUntil: at },
      want: new RegExp(`^paused: .* until ${renderClock(at)}$`),
    },
    {
      name: 'panic, paused or not',
      given: { pausedUntil: at, panicSince: at },
      want: new RegExp(`^panic since ${renderClock(at)}: everything is denied`),
    },
  ] as const;
  for (const { name, given, want } of cases) {
    it(name, () => assert.match(describeGate(makeGate(given)), want));
  }
});

it('what was closed is said when something was', () => {
  const gate = makeGate({ panicSince: at });
  assert.match(renderGate({ gate, closed: 3 }), /; 3 connections closed$/);
  assert.doesNotMatch(renderGate({ gate, closed: 0 }), /closed/);
});

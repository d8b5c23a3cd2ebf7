// Which alert the page shows on the desktop, and what can be answered on it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alertOf } from '../../../src/control/page/alert-model.js';
import { makeGate, makeGroup, makeLiveView } from '../../support/views.ts';

const named = (...ids: readonly string[]) =>
  ids.map((id) => makeGroup({ id, host: `${id}.example.net` }));

describe('the alert', () => {
  it('is none while nothing waits, for viewers, and while the reviewer thinks', () => {
    for (const view of [
      makeLiveView(),
      makeLiveView({ role: 'viewer', groups: named('k1') }),
      makeLiveView({ groups: [makeGroup({ reviewing: true })] }),
    ]) {
      assert.deepEqual(alertOf(view), { kind: 'none', key: '' });
    }
  });

  it('is about the one question that waits', () => {
    assert.deepEqual(alertOf(makeLiveView({ groups: named('k1') })), {
      kind: 'question',
      key: 'k1.1.1.true.answer',
      id: 'k1',
      revision: 1,
      title: 'k1.example.net:443 is waiting',
      body: 'curl: curl https://api.example.net/\n/home/dev/app\nNo rule names this host.',
      verbs: ['deny', 'allow'],
    });
  });

  it('stays about the first when a second comes', () => {
    const alert = alertOf(makeLiveView({ groups: named('k1', 'k2') }));
    assert.ok(alert.kind === 'question');
    assert.deepEqual([alert.id, alert.body.split('\n').at(-1)], ['k1', 'one more waits']);
  });

  it('offers no answers from three on', () => {
    assert.deepEqual(alertOf(makeLiveView({ groups: named('k1', 'k2', 'k3', 'k4', 'k5') })), {
      kind: 'several',
      key: 'several 5',
      title: '5 destinations wait',
      body: 'k1.example.net:443\nk2.example.net:443\nk3.example.net:443\nand 2 more',
    });
  });

  for (const [desktop, quickAllow, verbs] of [
    ['answer', true, ['deny', 'allow']],
    ['answer', false, ['deny']],
    ['deny-only', true, ['deny']],
    ['notify-only', true, []],
  ] as const) {
    it(`offers ${verbs.join(' and ') || 'nothing'} with ${desktop}, quick allow ${quickAllow}`, () => {
      const groups = [makeGroup({ quickAllow })];
      const alert = alertOf(makeLiveView({ groups, gate: makeGate({ desktop }) }));
      assert.ok(alert.kind === 'question');
      assert.deepEqual(alert.verbs, verbs);
    });
  }

  it('says so when the program is not known', () => {
    const alert = alertOf(
      makeLiveView({ groups: [makeGroup({ askers: [], warnings: ['Look.'] })] }),
    );
    assert.ok(alert.kind === 'question');
    assert.equal(alert.body, 'Look.\nan unknown program\nNo rule names this host.');
  });
});

// Which cards stand on the page, and that they keep their places.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf, orderKeys } from '../../../src/control/page/items.js';
import { makeGroup } from '../../support/views.ts';

const bundle = { id: 'b1', title: 'npm install asks for 2 new hosts', suggests: null };
const flood = {
  id: 'f1',
  since: '2026-11-20T12:00:00.000Z',
  program: 'node',
  pid: 7,
  refused: 1,
  hosts: [],
};
const named = (...ids: readonly string[]) => ids.map((id) => makeGroup({ id }));
const keys = (items: ReturnType<typeof itemsOf>) => items.map(({ key }) => key);

describe('the cards', () => {
  it('are one for each question, each flood and each bundle of two or more', () => {
    const groups = [...named('k1'), ...named('k2', 'k3').map((group) => ({ ...group, bundle }))];
    const lonely = makeGroup({ id: 'k4', bundle: { ...bundle, id: 'b2' } });
    const items = itemsOf({ groups: [...groups, lonely], floods: [flood] }, []);
    assert.deepEqual(keys(items), ['flood:f1', 'group:k1', 'bundle:b1', 'group:k4']);
  });

  it('stay a bundle when all but one of its questions have gone', () => {
    const items = itemsOf({ groups: [makeGroup({ bundle })], floods: [] }, ['bundle:b1']);
    assert.deepEqual(keys(items), ['bundle:b1']);
  });
});

describe('their order', () => {
  const none = () => false;

  it('is that of what is shown, new ones last', () => {
    const items = itemsOf({ groups: named('k1', 'k2', 'k3'), floods: [flood] }, []);
    assert.deepEqual(orderKeys(['group:k3', 'group:k1'], items, none), [
      'group:k3',
      'group:k1',
      'flood:f1',
      'group:k2',
    ]);
  });

  it('leaves a place to a card that is over, for as long as it is kept', () => {
    const items = itemsOf({ groups: named('k2'), floods: [] }, []);
    const shown = ['group:k1', 'group:k2'];
    assert.deepEqual(
      [orderKeys(shown, items, (key) => key === 'group:k1'), orderKeys(shown, items, none)],
      [['group:k1', 'group:k2'], ['group:k2']],
    );
  });

  it('gives a bundle the place of the first of its questions', () => {
    const groups = [
      ...named('k1'),
      makeGroup({ id: 'k2', bundle }),
      makeGroup({ id: 'k3', bundle }),
    ];
    const shown = ['group:k2', 'group:k1', 'group:k3'];
    assert.deepEqual(orderKeys(shown, itemsOf({ groups, floods: [] }, shown), none), [
      'bundle:b1',
      'group:k1',
    ]);
  });
});

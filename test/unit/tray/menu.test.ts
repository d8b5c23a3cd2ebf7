import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { MenuEntry, TrayAction } from '../../../src/tray/adapter.ts';
import { createTrayMenu, frozenLimitMs, rootId, type TrayMenu } from '../../../src/tray/menu.ts';

function deny(id: string, revision = 1): MenuEntry {
  const action: TrayAction = { kind: 'answer', id, revision, verb: 'deny' };
  return { kind: 'item', key: `${id}:deny`, label: 'Deny', action };
}

function group(id: string, revision = 1): MenuEntry {
  const label = `${id}_x.example:443`;
  return {
    kind: 'submenu',
    key: `group:${id}`,
    label,
    entries: [{ kind: 'text', key: `${id}:fact`, label: 'curl' }, deny(id, revision)],
  };
}

const open: MenuEntry = { kind: 'item', key: 'open', label: 'Open', action: { kind: 'open' } };
const line: MenuEntry = { kind: 'separator', key: 'line' };

describe('the menu on the bus', () => {
  let now = 0;
  let actions: TrayAction[];
  let revisions: number[];
  let menu: TrayMenu;

  beforeEach(() => {
    now = 0;
    actions = [];
    revisions = [];
    menu = createTrayMenu({
      nowMs: () => now,
      onLayout: (revision) => revisions.push(revision),
      onAction: (action) => actions.push(action),
    });
  });

  /** The id of the item with this label below the submenu of this question. */
  function idOf(id: string, label: string): number {
    const submenu = menu
      .find(rootId)
      ?.children.find(({ properties }) => properties['label'] === `${id}__x.example:443`);
    return submenu?.children.find(({ properties }) => properties['label'] === label)?.id ?? -1;
  }

  it('is laid out with what a host needs to draw it', () => {
    menu.show([group('k1'), line, open]);
    assert.deepEqual(menu.find(rootId), {
      id: 0,
      properties: { 'children-display': 'submenu' },
      children: [
        {
          id: 1,
          properties: { label: 'k1__x.example:443', 'children-display': 'submenu' },
          children: [
            { id: 2, properties: { label: 'curl', enabled: false }, children: [] },
            { id: 3, properties: { label: 'Deny' }, children: [] },
          ],
        },
        { id: 4, properties: { type: 'separator' }, children: [] },
        { id: 5, properties: { label: 'Open' }, children: [] },
      ],
    });
  });

  it('tells of a new layout only when something is different', () => {
    menu.show([open]);
    menu.show([{ ...open }]);
    menu.show([open, line]);
    assert.deepEqual(revisions, [2, 3]);
    assert.equal(menu.revision(), 3);
  });

  it('keeps the id of what stays and never gives an id twice', () => {
    menu.show([group('k1'), group('k2')]);
    const [first, second] = [idOf('k1', 'Deny'), idOf('k2', 'Deny')];
    menu.show([group('k2')]);
    assert.equal(idOf('k2', 'Deny'), second);
    menu.show([group('k1'), group('k2')]);
    assert.notEqual(idOf('k1', 'Deny'), first);
    assert.ok(idOf('k1', 'Deny') > second);
  });

  it('refuses an id that has gone, and one that never was', () => {
    menu.show([group('k1')]);
    const stale = idOf('k1', 'Deny');
    now = 1000;
    menu.show([group('k2')]);
    now = 2000;
    assert.equal(menu.event(stale, 'clicked'), false);
    assert.equal(menu.event(9999, 'clicked'), false);
    assert.deepEqual(actions, []);
  });

  it('gives another revision of a question another id', () => {
    menu.show([group('k1', 1)]);
    const old = idOf('k1', 'Deny');
    now = 1000;
    menu.show([group('k1', 2)]);
    assert.equal(menu.event(old, 'clicked'), false);
    assert.notEqual(idOf('k1', 'Deny'), old);
  });

  it('acts on a click once the item is half a second old', () => {
    menu.show([group('k1')]);
    const id = idOf('k1', 'Deny');
    now = 499;
    assert.equal(menu.event(id, 'clicked'), true);
    assert.deepEqual(actions, []);
    now = 500;
    menu.event(id, 'clicked');
    assert.deepEqual(actions, [{ kind: 'answer', id: 'k1', revision: 1, verb: 'deny' }]);
  });

  it('does nothing on a click on a submenu, a text or the root', () => {
    menu.show([group('k1')]);
    now = 1000;
    for (const id of [rootId, 1, 2]) menu.event(id, 'clicked');
    menu.event(3, 'hovered');
    assert.deepEqual(actions, []);
  });

  it('stays as it is while it is open, and its items with it', () => {
    menu.show([group('k1')]);
    now = 1000;
    menu.event(1, 'opened');
    const id = idOf('k1', 'Deny');
    menu.show([group('k0'), group('k1', 2)]);
    assert.deepEqual(revisions, [2]);
    menu.event(id, 'clicked');
    assert.deepEqual(actions, [{ kind: 'answer', id: 'k1', revision: 1, verb: 'deny' }]);
    assert.deepEqual(revisions, [2, 3], 'what was held back is shown after the click');
    assert.equal(menu.event(id, 'clicked'), false);
  });

  it('shows only the last of what was held back, or nothing if that is what was there', () => {
    menu.show([group('k1')]);
    menu.hold();
    menu.show([]);
    menu.show([group('k1')]);
    menu.event(rootId, 'clicked');
    assert.deepEqual(revisions, [2]);
  });

  it('is free again shortly after it was closed', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    menu.show([group('k1')]);
    menu.event(1, 'opened');
    menu.show([group('k2')]);
    menu.event(1, 'closed');
    context.mock.timers.tick(299);
    assert.deepEqual(revisions, [2]);
    context.mock.timers.tick(1);
    assert.deepEqual(revisions, [2, 3]);
  });

  it('stays when the pointer only went to the next submenu', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    menu.show([group('k1'), group('k2')]);
    menu.event(1, 'opened');
    menu.show([]);
    menu.event(1, 'closed');
    menu.event(4, 'opened');
    context.mock.timers.tick(1000);
    assert.deepEqual(revisions, [2]);
  });

  it('is taken to be closed after a while, when the host tells nothing', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    menu.show([group('k1')]);
    menu.event(1, 'opened');
    menu.show([group('k2')]);
    context.mock.timers.tick(frozenLimitMs - 1);
    assert.deepEqual(revisions, [2]);
    context.mock.timers.tick(1);
    assert.deepEqual(revisions, [2, 3]);
    now = 100;
    menu.event(idOf('k2', 'Deny'), 'clicked');
    assert.deepEqual(actions, [], 'what has just moved under the pointer is dead');
  });

  it('lets go of its timer when it is closed for good', () => {
    menu.show([open]);
    menu.hold();
    menu.show([]);
    menu.close();
    assert.deepEqual(revisions, [2]);
  });
});

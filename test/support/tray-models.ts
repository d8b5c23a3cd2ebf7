// Made-up pictures of a tray for tests of desktops.
import type { MenuEntry, TrayAction, TrayModel } from '../../src/tray/adapter.ts';

/** A clickable entry. */
export function makeItem(label: string, action: TrayAction): MenuEntry {
  return { kind: 'item', key: `${label} ${JSON.stringify(action)}`, label, action };
}

/** An answer to a question. */
export function makeVerb(id: string, verb: 'deny' | 'allow-once', revision = 1): TrayAction {
  return { kind: 'answer', id, revision, verb };
}

/** One question waits; the menu has its answers in a submenu. */
export function makeModel(id: string, given: Partial<TrayModel> = {}): TrayModel {
  return {
    state: 'waiting',
    badge: '1',
    tooltip: ['1 destination waits', 'api.example.net:443'],
    menu: [
      {
        kind: 'submenu',
        key: id,
        label: `${id} api.example.net:443`,
        entries: [
          { kind: 'text', key: `${id} who`, label: 'curl in ~/app' },
          makeItem('Deny', makeVerb(id, 'deny')),
          makeItem('Allow once', makeVerb(id, 'allow-once')),
        ],
      },
      { kind: 'separator', key: 'line' },
      makeItem('Open', { kind: 'open' }),
    ],
    notification: {
      about: [id],
      title: `${id}: api.example.net:443`,
      lines: ['curl asks', 'in ~/app'],
      buttons: [],
      click: { kind: 'details', id },
      urgent: false,
    },
    ...given,
  };
}

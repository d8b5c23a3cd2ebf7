// Inputs of the tray's model for tests, and its entries in a form that is quick to compare.
import type { LiveView } from '../../src/control/messages.ts';
import type { MenuEntry, TrayAction } from '../../src/tray/adapter.ts';
import type { LiveInput } from '../../src/tray/model-input.ts';
import { makeGroup, makeLiveView } from './views.ts';

/** A moment shortly after the made-up views' times. */
export const nowMs = Date.parse('2026-11-20T12:00:10.000Z');

/** An input with this view, and nothing else to say. */
export function makeInput(view: Partial<LiveView> = {}, rest: Partial<LiveInput> = {}): LiveInput {
  return {
    view: makeLiveView(view),
    nowMs,
    lookAgain: new Set(),
    notice: null,
    timeOf: (iso) => iso.slice(11, 16),
    ...rest,
  };
}

/** So many questions, `k1` first, a second apart, for `h1.example.net` and so on. */
export function makeGroups(count: number): ReturnType<typeof makeGroup>[] {
  return Array.from({ length: count }, (_, index) =>
    makeGroup({
      id: `k${index + 1}`,
      host: `h${index + 1}.example.net`,
      firstSeen: new Date(nowMs - 60_000 + index * 1000).toISOString(),
    }),
  );
}

/** Every label from top to bottom, those of submenus indented; `---` for a separator. */
export function labelsOf(menu: readonly MenuEntry[]): string[] {
  return menu.flatMap((entry) => {
    if (entry.kind === 'separator') return ['---'];
    if (entry.kind !== 'submenu') return [entry.label];
    return [entry.label, ...labelsOf(entry.entries).map((label) => `  ${label}`)];
  });
}

/** What the menu offers, with how deep it stands. */
export function actionsOf(
  menu: readonly MenuEntry[],
  depth = 0,
): { readonly depth: number; readonly label: string; readonly action: TrayAction }[] {
  return menu.flatMap((entry) => {
    if (entry.kind === 'submenu') return actionsOf(entry.entries, depth + 1);
    return entry.kind === 'item' ? [{ depth, label: entry.label, action: entry.action }] : [];
  });
}

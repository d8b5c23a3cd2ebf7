// Keeps a click from hitting what has only just appeared under the pointer: everything shown is dead for a
// moment first. One per place (the menu, the notification), since the same action may be old in one of them.
import { deadTimeMs, type TrayAction } from './adapter.ts';

/** What is on the screen in one place, and since when. */
export interface DeadTime {
  /** These are shown now, and nothing else. */
  readonly show: (actions: readonly TrayAction[]) => void;
  /** True when this action is shown and has been for `deadTimeMs`. */
  readonly isLive: (action: TrayAction) => boolean;
}

/** Nothing is shown yet. `nowMs` is a clock that never goes back. */
export function createDeadTime(nowMs: () => number): DeadTime {
  let shown = new Map<string, number>();
  return {
    show: (actions) => {
      const now = nowMs();
      const names = actions.map((action) => JSON.stringify(action));
      shown = new Map(names.map((name) => [name, shown.get(name) ?? now]));
    },
    isLive: (action) => {
      const since = shown.get(JSON.stringify(action));
      return since !== undefined && nowMs() - since >= deadTimeMs;
    },
  };
}

// Which cards stand on the Waiting view, and in which order. Pure. Cards never change places: one that is there
// stays where it is until it goes, new ones come last.
/** @import { FloodView, GroupView, LiveView } from '../messages.ts' */

/**
 * One card.
 * @typedef {{ readonly key: string, readonly kind: 'group', readonly group: GroupView }
 *   | { readonly key: string, readonly kind: 'bundle', readonly title: string,
 *       readonly suggests: 'deny' | null, readonly groups: readonly GroupView[] }
 *   | { readonly key: string, readonly kind: 'flood', readonly flood: FloodView }} Item
 */

/**
 * The cards of this view. A bundle needs two questions to begin with; `previous`, the keys that are shown, keeps
 * one a bundle when all but its last question have gone.
 * @param {Pick<LiveView, 'groups' | 'floods'>} view
 * @param {readonly string[]} previous
 * @returns {readonly Item[]}
 */
export function itemsOf(view, previous) {
  return [...view.floods.map(floodItem), ...groupItems(view.groups, new Set(previous))];
}

/**
 * The keys in the order of their cards. What is shown keeps its place; a bundle takes that of the first of its
 * questions that stood alone; what `isKept` says of cards that are over stays too; new ones come last.
 * @param {readonly string[]} previous
 * @param {readonly Item[]} items
 * @param {(key: string) => boolean} isKept
 * @returns {readonly string[]}
 */
export function orderKeys(previous, items, isKept) {
  const now = new Set(items.map(({ key }) => key));
  const homes = new Map(
    items.flatMap((item) =>
      item.kind === 'bundle' ? item.groups.map(({ id }) => [`group:${id}`, item.key]) : [],
    ),
  );
  const placed = previous.map((key) => homes.get(key) ?? key);
  return [...new Set([...placed.filter((key) => now.has(key) || isKept(key)), ...now])];
}

/**
 * @param {FloodView} flood
 * @returns {Item}
 */
function floodItem(flood) {
  return { key: `flood:${flood.id}`, kind: 'flood', flood };
}

/**
 * @param {readonly GroupView[]} groups
 * @param {ReadonlySet<string>} shown
 * @returns {readonly Item[]}
 */
function groupItems(groups, shown) {
  /** @type {Map<string, GroupView[]>} */
  const bundles = new Map();
  for (const group of groups) {
    const id = group.bundle?.id;
    if (id !== undefined) bundles.set(id, [...(bundles.get(id) ?? []), group]);
  }
  /** @type {(group: GroupView) => readonly Item[]} */
  const itemOf = (group) => {
    const { bundle } = group;
    const key = `bundle:${bundle?.id ?? ''}`;
    const members = bundles.get(bundle?.id ?? '') ?? [];
    if (bundle === null || (members.length < 2 && !shown.has(key))) {
      return [{ key: `group:${group.id}`, kind: 'group', group }];
    }
    if (members[0] !== group) return [];
    const { title, suggests } = bundle;
    return [{ key, kind: 'bundle', title, suggests, groups: members }];
  };
  return groups.flatMap(itemOf);
}

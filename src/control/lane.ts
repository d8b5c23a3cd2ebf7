// What watchers of one kind have been sent so far, as text by id, and the events that take them further.
import type { LiveEvent, Role } from './messages.ts';
import type { LiveSource } from './redact.ts';

const lists = ['groups', 'floods', 'grants', 'answers'] as const;
type ListPart = (typeof lists)[number];
const singles = ['gate', 'policyChange'] as const;
type SinglePart = (typeof singles)[number];

/** The parts of a live view that change. */
export const liveParts = [...singles, ...lists] as const;
/** One of `liveParts`. */
export type LivePart = (typeof liveParts)[number];

/** One kind of watcher's stream. */
export interface Lane {
  /** The snapshot event of what has been sent up to now. */
  readonly snapshot: (role: Role) => string;
  /** The change event of these parts; undefined when nothing of them differs from what was sent. */
  readonly change: (parts: readonly LivePart[]) => string | undefined;
}

/** Where a list's ended ids go; answers only ever fall off the end. */
const endedKeys: Readonly<Record<ListPart, string | undefined>> = {
  groups: 'closedGroups',
  floods: 'endedFloods',
  grants: 'endedGrants',
  answers: undefined,
};

interface Sent {
  readonly item: object;
  readonly text: string;
}

type SentList = ReadonlyMap<string, Sent>;

/** Asks for every part once. */
export function createLane(source: LiveSource): Lane {
  let id = 1;
  const texts = new Map<SinglePart, string>();
  const sent = new Map<ListPart, SentList>();
  for (const part of singles) texts.set(part, JSON.stringify(source[part]()));
  for (const part of lists) sent.set(part, readList(source[part](), new Map()));

  const changedSingle = (part: SinglePart): readonly string[] => {
    const text = JSON.stringify(source[part]());
    if (text === texts.get(part)) return [];
    texts.set(part, text);
    return [`"${part}":${text}`];
  };
  const changedList = (part: ListPart): readonly string[] => {
    const before = sent.get(part) ?? new Map<string, Sent>();
    const now = readList(source[part](), before);
    sent.set(part, now);
    const fresh = [...now].filter(([key, { text }]) => before.get(key)?.text !== text);
    const ended = [...before.keys()].filter((key) => !now.has(key));
    const endedKey = endedKeys[part];
    return [
      ...(fresh.length === 0 ? [] : [`"${part}":${joined(fresh.map(([, one]) => one))}`]),
      ...(ended.length === 0 || endedKey === undefined
        ? []
        : [`"${endedKey}":${JSON.stringify(ended)}`]),
    ];
  };

  return {
    snapshot: (role) => {
      const fields = [
        `"version":${JSON.stringify(source.version)}`,
        `"role":${JSON.stringify(role)}`,
        ...singles.map((part) => `"${part}":${texts.get(part) ?? 'null'}`),
        ...lists.map((part) => `"${part}":${joined([...(sent.get(part)?.values() ?? [])])}`),
      ];
      return eventText('snapshot', id, `"view":{${fields.join(',')}}`);
    },
    change: (parts) => {
      const fields = [
        ...singles.filter((part) => parts.includes(part)).flatMap(changedSingle),
        ...lists.filter((part) => parts.includes(part)).flatMap(changedList),
      ];
      if (fields.length === 0) return undefined;
      id += 1;
      return eventText('change', id, `"change":{${fields.join(',')}}`);
    },
  };
}

/** By id; an item that is the very same object as before is not written out again. */
function readList(items: readonly { readonly id: string }[], before: SentList): SentList {
  return new Map(
    items.map((item) => {
      const known = before.get(item.id);
      return [item.id, known?.item === item ? known : { item, text: JSON.stringify(item) }];
    }),
  );
}

function joined(list: readonly Sent[]): string {
  return `[${list.map(({ text }) => text).join(',')}]`;
}

/** JSON has no line breaks of its own, so it is one `data` line. */
function eventText(type: LiveEvent['type'], id: number, body: string): string {
  return `event: ${type}\nid: ${id}\ndata: {"type":"${type}","id":${id},${body}}\n\n`;
}

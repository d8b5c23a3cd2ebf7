// The line protocol between the tray and a helper that draws it with a system's own scripting (macOS, Windows):
// one JSON object a line each way. PURE. Ids only grow, so that a click that was on its way when the menu
// changed never means another thing, and every line of the helper names the run it belongs to.
//
//   tray -> helper   {"v":1,"run":R,"type":"hello"}
//                    {"v":1,"run":R,"type":"show","state":S,"badge":B,"tooltip":T,"menu":[…],"notice":N|null}
//                    {"v":1,"run":R,"type":"close"}
//   helper -> tray   {"v":1,"run":R,"type":"ready"}
//                    {"v":1,"run":R,"type":"click","id":12}
//                    {"v":1,"run":R,"type":"menu","open":true}
//                    {"v":1,"run":R,"type":"problem","text":"…"}
//
//   menu entry       {"id":12,"label":"Deny"} | {"label":"text"} | {"separator":true} | {"label":"…","entries":[…]}
//   notice           {"title":"…","body":"…","click":13,"isNew":true}
import type { MenuEntry, NotificationModel, TrayAction, TrayModel, TrayState } from './adapter.ts';

/** The protocol's version, in every line. */
export const protocolVersion = 1;
/** Longest line either side takes, in UTF-16 units. */
export const longestLine = 256 * 1024;

/** A menu entry as it travels. */
export type WireEntry =
  | { readonly separator: true }
  | { readonly label: string }
  | { readonly label: string; readonly id: number }
  | { readonly label: string; readonly entries: readonly WireEntry[] };

/** What the helper is told to show. */
export interface ShowLine {
  readonly v: typeof protocolVersion;
  readonly run: string;
  readonly type: 'show';
  readonly state: TrayState;
  readonly badge: string;
  readonly tooltip: string;
  readonly menu: readonly WireEntry[];
  /** `isNew`: it is to draw attention; otherwise it only stands where it stood. */
  readonly notice: {
    readonly title: string;
    readonly body: string;
    readonly click: number;
    readonly isNew: boolean;
  } | null;
}

/** What the helper tells. */
export type HelperLine =
  | { readonly type: 'ready' }
  | { readonly type: 'click'; readonly id: number }
  | { readonly type: 'menu'; readonly open: boolean }
  | { readonly type: 'problem'; readonly text: string };

/** Models to lines, with the meaning of every id that is on the screen. */
export interface HelperBook {
  readonly lineOf: (model: TrayModel) => ShowLine;
  /** What an id means; undefined for one that is not on the screen any more. */
  readonly actionOf: (id: number) => TrayAction | undefined;
  /** All that can be clicked now. */
  readonly shown: () => readonly TrayAction[];
}

/** An empty book; `run` is a secret of this run, fresh for every helper. */
export function createHelperBook(run: string): HelperBook {
  let nextId = 1;
  let actions = new Map<number, TrayAction>();
  let ids = new Map<string, number>();
  let noticed = '';

  function lineOf(model: TrayModel): ShowLine {
    const known = ids;
    actions = new Map();
    ids = new Map();
    /** The same action keeps its id as long as it stays on the screen. */
    const idOf = (action: TrayAction): number => {
      const name = JSON.stringify(action);
      const id = ids.get(name) ?? known.get(name) ?? nextId++;
      ids.set(name, id);
      actions.set(id, action);
      return id;
    };
    const menu = model.menu.map((entry) => wireEntry(entry, idOf));
    const { state, badge, tooltip, notification } = model;
    const notice = notification && noticeOf(notification, idOf);
    return {
      v: protocolVersion,
      run,
      type: 'show',
      state,
      badge,
      tooltip: tooltip.join('\n'),
      menu,
      notice,
    };
  }

  function noticeOf(
    { about, title, lines, click }: NotificationModel,
    idOf: (action: TrayAction) => number,
  ): ShowLine['notice'] {
    const name = JSON.stringify([about, title, lines]);
    const isNew = name !== noticed;
    noticed = name;
    return { title, body: lines.join('\n'), click: idOf(click), isNew };
  }

  return { lineOf, actionOf: (id) => actions.get(id), shown: () => [...actions.values()] };
}

function wireEntry(entry: MenuEntry, idOf: (action: TrayAction) => number): WireEntry {
  switch (entry.kind) {
    case 'separator':
      return { separator: true };
    case 'text':
      return { label: entry.label };
    case 'item':
      return { label: entry.label, id: idOf(entry.action) };
    case 'submenu':
      return { label: entry.label, entries: entry.entries.map((one) => wireEntry(one, idOf)) };
    default:
      return entry satisfies never;
  }
}

/** Reads one line of the helper; undefined for anything that is not of this run and form. */
export function readHelperLine(text: string, run: string): HelperLine | undefined {
  const value = parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map(Object.entries(value));
  if (fields.get('v') !== protocolVersion || fields.get('run') !== run) return undefined;
  const [id, open, problem] = [fields.get('id'), fields.get('open'), fields.get('text')];
  switch (fields.get('type')) {
    case 'ready':
      return { type: 'ready' };
    case 'click':
      return isId(id) ? { type: 'click', id } : undefined;
    case 'menu':
      return typeof open === 'boolean' ? { type: 'menu', open } : undefined;
    case 'problem':
      return typeof problem === 'string'
        ? { type: 'problem', text: problem.slice(0, 200) }
        : undefined;
    default:
      return undefined;
  }
}

function parse(text: string): unknown {
  if (text.length > longestLine) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

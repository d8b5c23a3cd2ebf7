// What a desktop must be able to show, as data, and the interface that each desktop implements: Linux over
// D-Bus, macOS and Windows over a helper process. Types and closed lists only; what is shown is model.ts's.

/** What the icon says, the calmest first. */
export const trayStates = ['idle', 'paused', 'waiting', 'warning', 'panic', 'unreachable'] as const;
/** One of `trayStates`. */
export type TrayState = (typeof trayStates)[number];

/** How a question can be answered here: once, or for an hour; everything wider is the page's. */
export type TrayVerb = 'deny' | 'allow-once' | 'allow-1h';

/** What a click means; answers quote the revision that was on the screen. */
export type TrayAction =
  | {
      readonly kind: 'answer';
      readonly id: string;
      readonly revision: number;
      readonly verb: TrayVerb;
    }
  | { readonly kind: 'open' }
  | { readonly kind: 'details'; readonly id: string }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'panic' }
  | { readonly kind: 'reopen' }
  /** Takes back the answer to this question. */
  | { readonly kind: 'undo'; readonly id: string }
  /** Lets a program tree ask again that asked for too much. */
  | { readonly kind: 'lift'; readonly id: string }
  /** Ends a policy change that widens, before or after it came into force. */
  | { readonly kind: 'change'; readonly id: string; readonly verb: 'reject' | 'undo' };

/** One line of a menu. `key` names what it means: two entries with one key may stand for each other. */
export type MenuEntry =
  | { readonly kind: 'separator'; readonly key: string }
  | { readonly kind: 'text'; readonly key: string; readonly label: string }
  | {
      readonly kind: 'item';
      readonly key: string;
      readonly label: string;
      readonly action: TrayAction;
    }
  | {
      readonly kind: 'submenu';
      readonly key: string;
      readonly label: string;
      /** Never submenus themselves. */
      readonly entries: readonly MenuEntry[];
    };

/** One button of a notification. */
export interface NotificationButton {
  readonly label: string;
  readonly action: TrayAction;
}

/** The one live notification. All text is plain: an adapter escapes it for its desktop. */
export interface NotificationModel {
  /** What it is about, such as questions' ids; once dismissed it stays away until something new is among them. */
  readonly about: readonly string[];
  readonly title: string;
  readonly lines: readonly string[];
  /** In the order to offer them; never the dangerous one first. */
  readonly buttons: readonly NotificationButton[];
  /** What a click beside the buttons does; never an answer. */
  readonly click: TrayAction;
  readonly urgent: boolean;
}

/** Everything the desktop shows, at one moment. All text has its control characters made visible. */
export interface TrayModel {
  readonly state: TrayState;
  /** Drawn on the icon: '' for nothing, `1` to `9`, `9+` or `!`. */
  readonly badge: string;
  /** Lines of plain text, the first being the summary. */
  readonly tooltip: readonly string[];
  readonly menu: readonly MenuEntry[];
  readonly notification: NotificationModel | null;
}

/** What a desktop tells. */
export interface DesktopEvents {
  /** A person clicked; called only for what this run has shown for at least `deadTimeMs`. */
  readonly onAction: (action: TrayAction) => void;
  /** What cannot be shown here, in one sentence; null once all is well. */
  readonly onProblem: (problem: string | null) => void;
  /** Another tray has this desktop: this one must end. */
  readonly onTaken: () => void;
}

/** One desktop session. */
export interface DesktopAdapter {
  /** Shows this instead of what was shown before. Never throws and never waits; the latest wins. */
  readonly show: (model: TrayModel) => void;
  /** Takes everything off the screen; resolves when that is done, within 2 s, and never rejects. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a desktop. It never fails: what is missing is told by `onProblem` and tried again with growing pauses,
 * and nothing is called after `close`.
 */
export type OpenDesktop = (events: DesktopEvents) => DesktopAdapter;

/** Milliseconds for which a new button or menu item does nothing, so that no click meant for another hits it. */
export const deadTimeMs = 500;

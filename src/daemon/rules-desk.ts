// Answers the routes about rules: the lists in force, the files they stand in, and for admins drafts, saving and
// undoing. Only files that are configuration layers of this daemon can be named, so nothing else can be written.
import type { Config } from '../config/config.ts';
import { findConflicts } from '../config/conflicts.ts';
import { diffConfigs, diffLines } from '../config/diff.ts';
import { createEditHistory, type KeptEdit } from '../config/edit-history.ts';
import { type Finding } from '../config/finding.ts';
import { diffTexts, keepLineEnds } from '../config/line-diff.ts';
import { loadConfig, type LoadOptions, type LoadResult } from '../config/load.ts';
import { applyEdits } from '../config/rule-edit.ts';
import {
  findRuleFiles,
  lookAt,
  sizeProblem,
  type RuleFile,
  type SeenFile,
} from '../config/rule-files.ts';
import { absent, etagOf, hidden, inspectFile, replaceFile } from '../config/save.ts';
import type {
  ReloadResponse,
  Role,
  RuleFileView,
  RulesCheckResponse,
  RulesDraft,
  RulesHistoryResponse,
  RulesResponse,
  RulesSaveResponse,
} from '../control/messages.ts';
import { SallyportError } from '../errors.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { State } from '../state.ts';

/** Why nothing was done: `forbidden` 403, `changed` 409, `bad` 400, `unknown` 404, `failed` 503. */
export interface RulesProblem {
  readonly status: 'forbidden' | 'changed' | 'bad' | 'unknown' | 'failed';
  readonly problem: string;
}

/** A saved edit, for the audit trail; no text of the file. */
export interface RulesEdited {
  readonly id: string;
  readonly file: string;
  readonly approver: ApproverRef;
  /** The edit that this one took back. */
  readonly undoes: string | undefined;
  readonly linesAdded: number;
  readonly linesRemoved: number;
  readonly widens: boolean;
}

/** What the desk is made of. */
export interface RulesDeskParts {
  /** What the daemon itself loads with. */
  readonly load: Omit<LoadOptions, 'drafts'>;
  /** The configuration in force. */
  readonly config: () => Config;
  readonly state: Pick<State, 'read' | 'writeAtomic'>;
  /** Loads the files now. `by` saw the difference and saved it, so that it needs no second word. */
  readonly reload: (by: ApproverRef) => ReloadResponse | Promise<ReloadResponse>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onEdited: (edited: RulesEdited) => void;
}

/** The desk. Roles of callers other than of `rules` are the routes' to check: all of it is for admins. */
export interface RulesDesk {
  readonly rules: (role: Role) => RulesResponse;
  /** Reads the files, writes none. */
  readonly check: (draft: RulesDraft) => RulesCheckResponse | RulesProblem;
  readonly save: (
    draft: RulesDraft,
    approver: ApproverRef,
  ) => Promise<RulesSaveResponse | RulesProblem>;
  /** Newest first; empty when what is kept of it is damaged, which `save` then says. */
  readonly history: () => RulesHistoryResponse;
  /** Puts back what stood before an edit, while the file is still as that edit left it. */
  readonly undo: (id: string, approver: ApproverRef) => Promise<RulesSaveResponse | RulesProblem>;
}

const ruleLimit = 5000;
const effectLimit = 200;
const editLimit = 500;

/** Opens the desk; nothing is read before it is asked. */
export function createRulesDesk(parts: RulesDeskParts): RulesDesk {
  const history = createEditHistory({
    load: () => parts.state.read('edits.json'),
    save: (text) => parts.state.writeAtomic('edits.json', text),
  });
  const desk: Desk = { ...parts, history };
  return {
    rules: (role) => listRules(desk, role),
    check: (draft) => guarded(() => checkDraft(desk, draft)),
    save: async (draft, approver) => {
      const saved = guarded(() => saveDraft(desk, readDraft(desk, draft), approver, undefined));
      return await afterSaving(desk, saved, approver);
    },
    history: () => {
      const edits = guarded(() => listEdits(desk));
      return isProblem(edits) ? { edits: [] } : edits;
    },
    undo: async (id, approver) => {
      const saved = guarded(() => undoEdit(desk, id, approver));
      return await afterSaving(desk, saved, approver);
    },
  };
}

interface Desk extends RulesDeskParts {
  readonly history: ReturnType<typeof createEditHistory>;
}

/** The answer of `act`, or what the state folder has against it. */
function guarded<T>(act: () => T | RulesProblem): T | RulesProblem {
  try {
    return act();
  } catch (error) {
    if (error instanceof SallyportError) return problem('failed', error.message);
    throw error;
  }
}

function problem(status: RulesProblem['status'], words: string): RulesProblem {
  return { status, problem: words };
}

function isProblem(value: object): value is RulesProblem {
  return 'problem' in value;
}

function listRules(desk: Desk, role: Role): RulesResponse {
  const { rules } = desk.config();
  const seen = findRuleFiles(desk.load)
    .filter(
      ({ source: { format, file } }) => format === 'toml' || inspectFile(file).etag !== absent,
    )
    .map(lookAt);
  const findings = role === 'admin' ? findingsOf(loadConfig(desk.load), seen) : [];
  return {
    files: seen.map((one) => (role === 'admin' ? viewOf(one, findings) : hiddenView(one))),
    rules: rules.slice(0, ruleLimit).map(({ pattern, ref: { outcome, origin } }) => {
      const { layer, file, line } = origin;
      return { text: pattern.text, outcome, layer, file, line };
    }),
    total: rules.length,
  };
}

function viewOf(
  { place, text, etag, obstacle }: SeenFile,
  findings: readonly Finding[],
): RuleFileView {
  const { file, layer } = place.source;
  return {
    file,
    layer,
    text: text ?? (etag === absent ? place.starter : null),
    etag,
    editable: obstacle === undefined,
    findings: findings.filter((finding) => finding.file === file),
  };
}

/** For those who may not edit: that the file counts, not what it says. */
function hiddenView({ place: { source } }: SeenFile): RuleFileView {
  const { file, layer } = source;
  return { file, layer, text: null, etag: hidden, editable: false, findings: [] };
}

/** What loading said, and, when it all loads, what contradicts itself in the files that were looked at. */
function findingsOf(result: LoadResult, seen: readonly SeenFile[]): readonly Finding[] {
  if (!result.ok) return result.findings;
  const doubts = seen.flatMap(({ place }) => findConflicts(result.config.rules, place.source.file));
  return [...result.warnings, ...doubts];
}

/** A draft that may be judged. */
interface Draft {
  readonly seen: SeenFile;
  readonly next: string;
}

function readDraft(desk: Desk, draft: RulesDraft): Draft | RulesProblem {
  const { file, etag, text, edits } = draft;
  const seen = findEditable(desk, file);
  if (isProblem(seen)) return seen;
  if (seen.etag !== etag)
    return problem('changed', `${file}: has changed since you saw it; look again`);
  if ((text === undefined) === (edits === undefined)) {
    return problem('bad', 'send either the text or edits to it');
  }
  if (text !== undefined) return asDraft(seen, keepLineEnds(seen.text ?? '', text));
  if (edits === undefined || edits.length > editLimit) {
    return problem('bad', `at most ${editLimit} edits at once; edit the text`);
  }
  const { source, starter } = seen.place;
  const edited = applyEdits(seen.text ?? starter, edits, source.dialect);
  return edited.ok ? asDraft(seen, edited.value) : problem('bad', `${file}: ${edited.problem}`);
}

function findEditable(desk: Desk, file: string): SeenFile | RulesProblem {
  const places = findRuleFiles(desk.load);
  const place = places.find(({ source }) => source.file === file);
  if (place === undefined) {
    return problem(
      'forbidden',
      'this is not a configuration file of this daemon; see "files" of its rules',
    );
  }
  const seen = lookAt(place);
  return seen.obstacle === undefined ? seen : problem('forbidden', `${file}: ${seen.obstacle}`);
}

function asDraft(seen: SeenFile, next: string): Draft | RulesProblem {
  const large = sizeProblem(next);
  if (large !== undefined) return problem('bad', large);
  // Such text has no bytes of its own: another text would be written than was shown.
  if (!next.isWellFormed()) return problem('bad', 'the text holds half of a surrogate pair');
  return { seen, next };
}

function checkDraft(desk: Desk, draft: RulesDraft): RulesCheckResponse | RulesProblem {
  const read = readDraft(desk, draft);
  return isProblem(read) ? read : judge(desk, read);
}

function judge({ load, config }: Desk, { seen, next }: Draft): RulesCheckResponse {
  const drafts = new Map([[seen.place.source.file, next]]);
  const result = loadConfig({ ...load, drafts });
  const change = result.ok ? diffConfigs(config(), result.config) : undefined;
  const lines = change === undefined ? [] : diffLines(change);
  const more = lines.length - effectLimit;
  return {
    text: next,
    findings: findingsOf(result, [seen]),
    diff: diffTexts(seen.text ?? '', next),
    effect: more > 0 ? [...lines.slice(0, effectLimit - 1), `and ${more + 1} more`] : lines,
    widens: change?.widens ?? false,
  };
}

/** A file that has been written; what it is worth is seen when it is loaded. */
interface Saved {
  readonly place: RuleFile;
  readonly edit: KeptEdit;
}

function saveDraft(
  desk: Desk,
  draft: Draft | RulesProblem,
  approver: ApproverRef,
  undoes: string | undefined,
): Saved | RulesProblem {
  if (isProblem(draft)) return draft;
  const { history, now, onEdited } = desk;
  const { seen, next } = draft;
  const { place, text, etag } = seen;
  const { file } = place.source;
  if (next === text) return problem('bad', `${file}: the text is what the file already says`);
  const { findings, diff, widens } = judge(desk, draft);
  const mistake = findings.find(({ severity }) => severity === 'error');
  if (mistake !== undefined) {
    const { file: where, line, column, message } = mistake;
    return problem('bad', `not saved: ${where}:${line}:${column}: ${message}`);
  }
  const edit = history.add({
    at: new Date(now()).toISOString(),
    file,
    by: approver.name,
    surface: approver.surface,
    before: text ?? place.starter,
    afterEtag: etagOf(next),
    diff,
  });
  const replaced = replaceFile(file, etag, next);
  if (replaced.status !== 'done') {
    history.drop(edit.id);
    return replaced;
  }
  const count = (kind: string): number => diff.filter((line) => line.kind === kind).length;
  const [linesAdded, linesRemoved] = [count('added'), count('removed')];
  onEdited({ id: edit.id, file, approver, undoes, linesAdded, linesRemoved, widens });
  return { place, edit };
}

async function afterSaving(
  desk: Desk,
  saved: Saved | RulesProblem,
  approver: ApproverRef,
): Promise<RulesSaveResponse | RulesProblem> {
  if (isProblem(saved)) return saved;
  const reload = await desk.reload(approver);
  const { place, edit } = saved;
  // The user's own file has taken the place of the shipped default by now.
  const seen = lookAt({ ...place, starter: '' });
  const file = viewOf(seen, findingsOf(loadConfig(desk.load), [seen]));
  return { file, reload, edit: edit.id };
}

function listEdits(desk: Desk): RulesHistoryResponse {
  const etags = new Map(
    findRuleFiles(desk.load)
      .map(lookAt)
      .filter(({ obstacle }) => obstacle === undefined)
      .map(({ place, etag }) => [place.source.file, etag]),
  );
  const edits = desk.history.list().map(({ id, at, file, by, surface, diff, afterEtag }) => {
    return { id, at, file, by, surface, diff, undoable: etags.get(file) === afterEtag };
  });
  return { edits };
}

function undoEdit(desk: Desk, id: string, approver: ApproverRef): Saved | RulesProblem {
  const edit = desk.history.find(id);
  if (edit === undefined) return problem('unknown', 'no such edit; only the last 50 are kept');
  const seen = findEditable(desk, edit.file);
  if (isProblem(seen)) return seen;
  if (seen.etag !== edit.afterEtag) {
    return problem('changed', `${edit.file}: has changed since that edit; edit the text instead`);
  }
  return saveDraft(desk, asDraft(seen, edit.before), approver, id);
}

// What a viewer is shown: everything but command lines, folders, requests and notes. Pure.
import type {
  AskerView,
  FloodView,
  GateView,
  GrantView,
  GroupView,
  HistoryEntry,
  LiveView,
  PolicyChangeView,
  AnswerView,
  Role,
} from './messages.ts';

/** Where the parts of a live view are asked for. */
export interface LiveSource {
  readonly version: string;
  readonly gate: () => GateView;
  /** In the order they are to stand in: new ones last. */
  readonly groups: () => readonly GroupView[];
  readonly floods: () => readonly FloodView[];
  readonly grants: () => readonly GrantView[];
  /** Newest first, at most 50. */
  readonly answers: () => readonly AnswerView[];
  readonly policyChange: () => PolicyChangeView | null;
}

/** A source that shows no more than this role may see. */
export function sourceFor(source: LiveSource, role: Role): LiveSource {
  if (role !== 'viewer') return source;
  return {
    ...source,
    groups: () => source.groups().map(redactGroup),
    grants: () => source.grants().map(redactGrant),
  };
}

/** Everything this role may see, at this moment. */
export function viewFor(source: LiveSource, role: Role): LiveView {
  const { version, gate, groups, floods, grants, answers, policyChange } = sourceFor(source, role);
  return {
    version,
    role,
    gate: gate(),
    groups: groups(),
    floods: floods(),
    grants: grants(),
    answers: answers(),
    policyChange: policyChange(),
  };
}

/** A question without what tells of folders, command lines and requests; the programs' names stay. */
export function redactGroup(group: GroupView): GroupView {
  return {
    ...group,
    request: null,
    // its title begins with words of a command line
    bundle: group.bundle === null ? null : { ...group.bundle, title: 'questions asked together' },
    askers: group.askers.map(redactAsker),
  };
}

function redactAsker(asker: AskerView): AskerView {
  return { ...asker, executable: null, commandLine: [], cwd: null, repository: null };
}

/** A grant without its note and without the folders it is bound to. */
export function redactGrant(grant: GrantView): GrantView {
  const programs = grant.programs?.map(({ executable }) => ({
    executable: baseName(executable),
    folder: null,
  }));
  return { ...grant, note: null, programs: programs ?? null };
}

/** A decision whose program is its name alone. */
export function redactEntry(entry: HistoryEntry): HistoryEntry {
  return { ...entry, program: entry.program === null ? null : baseName(entry.program) };
}

function baseName(path: string): string {
  return path.replace(/^.*[/\\](?=.)/s, '');
}

// The configuration files an admin may look at and edit: those that layers of this daemon are read from, and no other.
import { findSources, type LoadOptions } from './load.ts';
import { hidden, inspectFile, type FileState } from './save.ts';
import { readTextFile, type Source } from './sources.ts';

const lineLimit = 50_000;
const charLimit = 1024 * 1024;

/** A configuration file that may be looked at, and what a new one would start from. */
export interface RuleFile {
  readonly source: Source;
  readonly starter: string;
}

/** The files of every layer, lowest first; the user's own also while the shipped default stands in for it. */
export function findRuleFiles(load: Omit<LoadOptions, 'drafts'>): readonly RuleFile[] {
  const { sources, awaited } = findSources(load);
  return sources.flatMap((source) => {
    const place = { source, starter: '' };
    if (source.layer !== 'default') return [place];
    const starter = starterOf(source.file);
    const own = awaited.map((file): RuleFile => ({
      source: { ...source, layer: 'user', file },
      starter,
    }));
    return [place, ...own];
  });
}

/** The shipped default without the words about itself: a new file must not drop what has been in force. */
function starterOf(file: string): string {
  const read = readTextFile(file);
  return read.kind === 'text' ? read.text.replace(/^(?:#.*\n|\n)*/, '') : '';
}

/** A file as it stands, and why it is not for editing, if so. */
export interface SeenFile extends FileState {
  readonly place: RuleFile;
}

/** Looks at one. Never throws. */
export function lookAt(place: RuleFile): SeenFile {
  const { layer, format, file } = place.source;
  const seen = inspectFile(file);
  const isLarge = seen.text !== undefined && sizeProblem(seen.text) !== undefined;
  const state = isLarge ? { ...seen, text: undefined, etag: hidden } : seen;
  const obstacle =
    (layer === 'default' ? 'is part of sallyport; write a file of your own' : undefined) ??
    (format === 'plist' ? 'is kept by the device management; change it there' : undefined) ??
    (isLarge ? 'is too large for this; use a text editor' : undefined) ??
    seen.obstacle;
  return { ...state, place, obstacle };
}

/** Why a text is not for editing here, as a whole sentence; undefined when it is. */
export function sizeProblem(text: string): string | undefined {
  if (text.length > charLimit || Buffer.byteLength(text) > charLimit) {
    return 'the text is larger than 1 MiB; use a text editor';
  }
  const lines = text.split('\n').length;
  return lines > lineLimit
    ? `the text has more than ${lineLimit} lines; use a text editor`
    : undefined;
}

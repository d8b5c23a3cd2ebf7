// What a person would call a running program: `npm install` and not `node`. From its argument list, which
// the program can choose itself, so it names a card and decides nothing. Pure.
import { basename } from 'node:path/posix';
import type { ProcessInfo } from './process-tree.ts';
import { programOf } from './process-tree.ts';

const namesIn = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Programs that run a script: the script's name says more than theirs. */
const interpreters =
  /^(?:node(?:js)?|bun|deno|python[\d.]*|pypy[\d.]*|ruby[\d.]*|perl[\d.]*|php[\d.]*|bash|sh|dash|zsh)$/;
/** Programs whose first word says what they do. */
const withVerb = namesIn(
  `npm npx pnpm yarn bun deno pip pip3 pipx uv poetry conda mamba cargo rustup go git gh glab docker podman
  apt apt-get brew bundle gem composer mvn gradle terraform kubectl helm aws gcloud az dotnet nix hf`,
);
/** Helpers that a program starts to do its talking. */
const helperOf: ReadonlyMap<string, string> = new Map([
  ['git-remote-http', 'git'],
  ['git-remote-https', 'git'],
  ['npm-cli', 'npm'],
  ['npx-cli', 'npx'],
]);

/** The program's everyday name without what it does: `npm`, `pip`, `curl`; not escaped. */
export function programNameOf(
  process: Pick<ProcessInfo, 'executable' | 'name' | 'commandLine'>,
): string {
  return wordsOf(process)[0] ?? programOf(process);
}

/** The name and, where programs of that name have one, the verb: `npm install`; not escaped. */
export function programPhrase(
  process: Pick<ProcessInfo, 'executable' | 'name' | 'commandLine'>,
): string {
  const [name = programOf(process), ...rest] = wordsOf(process);
  const verb = withVerb.has(name) ? rest.find((word) => !word.startsWith('-')) : undefined;
  return verb !== undefined && /^[a-z][a-z-]{1,15}$/.test(verb) ? `${name} ${verb}` : name;
}

/** Everyday name first, then the arguments after it. */
function wordsOf(process: Pick<ProcessInfo, 'executable' | 'name' | 'commandLine'>): string[] {
  const program = programOf(process);
  if (process.executable?.includes('/apt/methods/') === true) return ['apt'];
  const [own = '', ...given] = process.commandLine;
  const helped = helperOf.get(program);
  if (helped !== undefined) return [helped];
  if (!interpreters.test(program)) return [program, ...given];
  // npm and others replace their argument list by a title: one word with blanks in it.
  if (own.includes(' ')) {
    const [first = '', ...rest] = own.split(' ');
    return [scriptName(first) ?? program, ...rest];
  }
  const at = given.findIndex((word) => !word.startsWith('-'));
  const script = given[at];
  const isInline = given.slice(0, at).some((word) => /^-(?:c|e|p|-eval|-print)$/.test(word));
  if (script === undefined || isInline) return [program];
  return [scriptName(script) ?? program, ...given.slice(at + 1)];
}

/** Undefined for a name that could pass for a sentence: whoever starts a script chooses it. */
function scriptName(path: string): string | undefined {
  const name = basename(path).replace(/\.(?:[cm]?[jt]s|py|rb|pl|sh|php)$/, '');
  return /^[\w.+-]{1,32}$/.test(name) ? (helperOf.get(name) ?? name) : undefined;
}

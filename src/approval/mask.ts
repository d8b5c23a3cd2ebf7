// Hides what looks like a secret in a command line, so that an approver sees the command and not the key.
// A guess by shape: it errs towards hiding. Command lines are shown live only and never recorded. They are chosen
// by the program that asks, so no expression here may take more than a moment for 4 KiB of anything.

const mask = '***';
const secretName =
  /(?:pass(?:wd|word|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|auth(?:orization)?|credential|cookie|bearer|session)s?$/i;
const secretHeader =
  /^((?:proxy-)?authorization|cookie|set-cookie|x-[a-z-]{0,40}(?:key|token|secret|auth)[a-z-]{0,40}|[a-z-]{0,40}api-?key)(\s*:\s*).+$/is;
const knownShapes =
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}|\bgh[a-z]_[A-Za-z0-9]{8,}|\bgithub_pat_\w{8,}|\bglpat-[\w-]{8,}|\bxox[a-z]-[\w-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bnpm_[A-Za-z0-9]{8,}|\beyJ[\w-]{8,}\.[\w.-]+|\bBearer\s+\S+|\bBasic\s+[A-Za-z0-9+/=]{8,}/g;
/** A header as an option carries it: `-HCookie: x`, `--header=X-Api-Key: x`. */
const attached = /^(-H|--(?:proxy-)?header=)(.+)$/s;
/** curl's `-uname:password`. */
const attachedUser = /^-u[^\s:=]+:.+$/s;
const innerName =
  '(?:pass(?:wd|word|phrase)|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)s?';
/** Inside of scripts and JSON: `TOKEN=x`, `"secret": "x"`. */
const innerValue = new RegExp(`(${innerName}["']?\\s*[=:]\\s*["']?)[^\\s"'&;|,}]+`, 'gi');
/** Inside of scripts: `--password x`. */
const innerOption = new RegExp(`(-${innerName}\\s+["']?)[^\\s"'-][^\\s"']*`, 'gi');
const userInfo = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@]+@/gi;
const query = /([?&][^=&?#\s]*(?:token|key|secret|pass|sig|auth|code)[^=&?#\s]*=)[^&#\s]+/gi;

/** The same arguments with secret-looking parts replaced by `***`; as many as went in. */
export function maskArguments(argv: readonly string[]): string[] {
  return argv.map((word, index) =>
    isNamedByPrevious(word, argv[index - 1]) ? mask : maskWord(word),
  );
}

/** `--token VALUE`, `--password VALUE`, and curl's `-u user:password` and `-b name=value`. */
function isNamedByPrevious(word: string, previous: string | undefined): boolean {
  if (previous === undefined) return false;
  if (previous === '-b') return word.includes('=');
  if (previous === '-u' || previous === '--user' || previous === '--proxy-user') return true;
  return /^--?[A-Za-z]/.test(previous) && !previous.includes('=') && secretName.test(previous);
}

function maskWord(word: string): string {
  if (attachedUser.test(word)) return `-u${mask}`;
  const [, option = '', value = word] = attached.exec(word) ?? [];
  const header = value.replace(secretHeader, `$1$2${mask}`);
  if (header !== value) return option + header;
  const assigned = /^([^=\s]{1,128})=(.+)$/s.exec(word);
  if (assigned?.[1] !== undefined && secretName.test(assigned[1])) {
    return `${assigned[1].replace(userInfo, `$1${mask}@`)}=${mask}`;
  }
  return word
    .replace(userInfo, `$1${mask}@`)
    .replace(query, `$1${mask}`)
    .replace(innerValue, `$1${mask}`)
    .replace(innerOption, `$1${mask}`)
    .replace(knownShapes, mask)
    .replace(/[A-Za-z0-9+/_-]{32,}={0,2}/g, (run) => (looksRandom(run) ? mask : run));
}

/** Long runs with letters of both cases and digits: keys are, file names and hashes of commits are not. */
function looksRandom(run: string): boolean {
  return !run.includes('/') && /[a-z]/.test(run) && /[A-Z]/.test(run) && /[0-9]/.test(run);
}

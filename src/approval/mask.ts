// Hides what looks like a secret in a command line, so that an approver sees the command and not the key.
// A guess by shape: it errs towards hiding. Command lines are shown live only and never recorded.

const mask = '***';
const secretName =
  /(?:pass(?:wd|word|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|auth(?:orization)?|credential|cookie|bearer|session)s?$/i;
const secretHeader =
  /^((?:proxy-)?authorization|cookie|set-cookie|x-[a-z-]*(?:key|token|secret|auth)[a-z-]*|[a-z-]*api-?key)(\s*:\s*).+$/is;
const knownShapes =
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}|\bgh[a-z]_[A-Za-z0-9]{8,}|\bgithub_pat_\w{8,}|\bglpat-[\w-]{8,}|\bxox[a-z]-[\w-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bnpm_[A-Za-z0-9]{8,}|\beyJ[\w-]{8,}\.[\w.-]+|\bBearer\s+\S+|\bBasic\s+[A-Za-z0-9+/=]{8,}/g;
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi;
const query = /([?&][^=&#\s]*(?:token|key|secret|pass|sig|auth|code)[^=&#\s]*=)[^&#\s]+/gi;

/** The same arguments with secret-looking parts replaced by `***`; as many as went in. */
export function maskArguments(argv: readonly string[]): string[] {
  return argv.map((word, index) => (isNamedByPrevious(argv[index - 1]) ? mask : maskWord(word)));
}

/** `--token VALUE`, `--password VALUE`, and curl's `-u user:password`. */
function isNamedByPrevious(previous: string | undefined): boolean {
  if (previous === undefined) return false;
  if (previous === '-u' || previous === '--user' || previous === '--proxy-user') return true;
  return /^--?[A-Za-z]/.test(previous) && !previous.includes('=') && secretName.test(previous);
}

function maskWord(word: string): string {
  const header = word.replace(secretHeader, `$1$2${mask}`);
  if (header !== word) return header;
  const assigned = /^([^=\s]{1,128})=(.+)$/s.exec(word);
  if (assigned?.[1] !== undefined && secretName.test(assigned[1])) return `${assigned[1]}=${mask}`;
  return word
    .replace(userInfo, `$1${mask}@`)
    .replace(query, `$1${mask}`)
    .replace(knownShapes, mask)
    .replace(/[A-Za-z0-9+/_-]{32,}={0,2}/g, (run) => (looksRandom(run) ? mask : run));
}

/** Long runs with letters of both cases and digits: keys are, file names and hashes of commits are not. */
function looksRandom(run: string): boolean {
  return !run.includes('/') && /[a-z]/.test(run) && /[A-Z]/.test(run) && /[0-9]/.test(run);
}

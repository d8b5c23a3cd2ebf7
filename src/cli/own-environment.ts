// Which of the user's variables must not reach our own process, and how they get past us to a child.
// The launcher (src/sallyport) moves each aside as SALLYPORT_SAVED_NAME before Node starts; started as
// `node src/main.ts`, main.ts starts itself over with this file's result. A test keeps both lists equal.

/** An environment as Node gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables that change what Node verifies, loads, prints or connects to (design S8). Proxy variables are not
 * among them: Node reads those only under NODE_USE_ENV_PROXY, and the daemon finds its upstream proxy in them.
 */
export const withheldVariables = [
  'NODE_OPTIONS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'NODE_PATH',
  'NODE_PRESERVE_SYMLINKS',
  'NODE_PRESERVE_SYMLINKS_MAIN',
  'NODE_COMPILE_CACHE',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'NODE_REDIRECT_WARNINGS',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
  'DEBUG',
] as const;

const savedPrefix = 'SALLYPORT_SAVED_';
/** The launcher's base64 copy of the whole original environment (Linux, `exec` only). */
const wholeName = 'SALLYPORT_SAVED_ENVIRON';

/** The launcher's copy of the kernel's mask of ignored signals, in hexadecimal (Linux, `exec` only). */
const ignoredName = 'SALLYPORT_SAVED_IGNORED';

/** Of HUP, INT and QUIT those that we were started to ignore: by nohup, or in the background of a script. */
export function ignoredSignals(env: Environment): readonly string[] {
  const mask = Number.parseInt(env[ignoredName]?.slice(-1) ?? '0', 16);
  return ['HUP', 'INT', 'QUIT'].filter((_, bit) => (mask & (1 << bit)) !== 0);
}

/** The withheld variables that are set in this environment; empty when it is fit for our own process. */
export function foundWithheld(env: Environment): string[] {
  return withheldVariables.filter((name) => env[name] !== undefined);
}

/** The environment for our own process: withheld variables moved aside under their saved names. */
export function ownEnvironment(env: Environment): Record<string, string> {
  const own = defined(env);
  for (const name of foundWithheld(env)) {
    own[savedPrefix + name] = own[name] ?? '';
    delete own[name];
  }
  return own;
}

/** The environment the user had: saved variables under their own names again, and no trace of the saving. */
export function userEnvironment(env: Environment): Record<string, string> {
  const user: Record<string, string> = {};
  for (const [name, value] of Object.entries(decodeWhole(env[wholeName]) ?? defined(env))) {
    if (!name.startsWith(savedPrefix)) user[name] = value;
    else if (isWithheld(name.slice(savedPrefix.length)))
      user[name.slice(savedPrefix.length)] = value;
  }
  return user;
}

function isWithheld(name: string): boolean {
  return withheldVariables.some((known) => known === name);
}

/** The kernel's `NAME=value` blocks, among them names that `sh` drops on its way, such as exported functions. */
function decodeWhole(encoded: string | undefined): Record<string, string> | undefined {
  if (encoded === undefined || encoded === '') return undefined;
  const entries = Buffer.from(encoded, 'base64').toString('utf8').split('\0');
  const pairs = entries.flatMap((entry) => {
    const at = entry.indexOf('=', 1);
    return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
  });
  return Object.fromEntries(pairs);
}

function defined(env: Environment): Record<string, string> {
  const set = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(set);
}

// Finds the running daemon through the state folder for `exec` and `env`, which must start fast and so never
// load the configuration while a daemon can be asked.
import { SallyportError } from '../errors.ts';
import { findState, stateFolder, type State } from '../state.ts';
import type { DaemonAddress } from './environment.ts';
import type { Environment } from './own-environment.ts';

/** What the daemon writes to `<state>/control.json` at its start and removes at its end. */
export interface ControlFile {
  readonly pid: number;
  readonly http: string;
  readonly socks: string;
  readonly gateway: string | null;
  readonly control: string | null;
  readonly socket: string;
  /** `[exec] no_proxy` of the configuration in force; `local` when it is missing. */
  readonly noProxy?: 'local' | 'none';
}

/** The running daemon's addresses, undefined when none runs on this state folder. ERR_STATE_* when it is unsafe. */
export async function findDaemon(user: Environment): Promise<DaemonAddress | undefined> {
  const state = findState(stateFolder(user));
  const text = state?.read('control.json');
  if (state === undefined || text === undefined) return undefined;
  const { pid, http, gateway, noProxy } = readControlFile(text, state);
  if (!isAlive(pid) || !(await isAnswering(state))) return undefined;
  return { http, gateway, noProxy: noProxy ?? 'local' };
}

/** The text says for whom nobody answers, so that a second state folder is not a riddle. */
export function notRunning(user: Environment): SallyportError {
  const message = `no daemon answers for the state folder ${stateFolder(user)}; start it with "sallyport run"`;
  return new SallyportError('ERR_CONTROL_UNREACHABLE', message);
}

function readControlFile(text: string, state: State): ControlFile {
  try {
    const file = JSON.parse(text) as Partial<ControlFile>; // checked field by field below
    const { pid, http, gateway = null } = file;
    if (
      typeof pid === 'number' &&
      isLoopbackUrl(http) &&
      (gateway === null || isLoopbackUrl(gateway))
    ) {
      return file as ControlFile;
    }
  } catch {
    // falls through to the one message below
  }
  const message = `${state.folder}/control.json: does not name the daemon's listeners; stop the daemon, remove the file, start it again`;
  throw new SallyportError('ERR_STATE_CORRUPT', message);
}

/** A child's traffic goes where this says; anything but a listener of this machine is not ours. */
function isLoopbackUrl(url: unknown): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, hostname, port } = new URL(url);
  return protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) && port !== '';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** After a power loss the file may name a pid that is somebody else's by now. */
async function isAnswering(state: State): Promise<boolean> {
  const { createControlClient } = await import('../control/client.ts');
  const client = createControlClient({ state: state.folder }, { surface: 'cli', timeoutMs: 3000 });
  return await client.health().then(
    () => true,
    () => false,
  );
}

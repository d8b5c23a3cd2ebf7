// The control client of the commands: the state folder is checked before its token is used.
import { createControlClient, type ControlClient } from '../control/client.ts';
import { findState, stateFolder } from '../state.ts';
import { notRunning } from './daemon-address.ts';
import type { Environment } from './own-environment.ts';

/** A client of the daemon on this state folder; the audit trail names the surface. ERR_CONTROL_UNREACHABLE when there is none, ERR_STATE_UNSAFE. */
export function openClient(
  env: Environment,
  surface: 'cli' | 'watch' | 'tray' = 'cli',
): ControlClient {
  const state = findState(stateFolder(env));
  if (state?.read('control.json') === undefined) throw notRunning(env);
  return createControlClient({ state: state.folder }, { surface });
}

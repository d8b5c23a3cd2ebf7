// Finds a program on PATH that takes SSH through an HTTP proxy, for GIT_SSH_COMMAND; undefined where the user has
// an arrangement of their own, which git would otherwise never look at.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import type { SshHelper } from './environment.ts';
import type { Environment } from './own-environment.ts';

/** In order of how well they do it; `nc` last, since its kinds differ. */
const candidates = ['ncat', 'connect-proxy', 'corkscrew', 'socat', 'nc'] as const;

/** The helper to use, undefined when there is none or the user has set GIT_SSH_COMMAND, GIT_SSH or core.sshCommand. */
export function findSshHelper(
  user: Environment,
  platform: NodeJS.Platform = process.platform,
): SshHelper | undefined {
  if (platform === 'win32' || hasOwnCommand(user)) return undefined;
  for (const kind of candidates) {
    const path = findProgram(kind, user);
    if (path === undefined) continue;
    const helper = kind === 'nc' ? netcatAt(path, platform) : { kind, path };
    if (helper !== undefined) return hasConfiguredCommand(user) ? undefined : helper;
  }
  return undefined;
}

function hasOwnCommand(user: Environment): boolean {
  return [user['GIT_SSH_COMMAND'], user['GIT_SSH']].some(
    (value) => value !== undefined && value !== '',
  );
}

/** GIT_SSH_COMMAND beats core.sshCommand, so ours would silently replace it. */
function hasConfiguredCommand(user: Environment): boolean {
  const git = findProgram('git', user);
  if (git === undefined) return false;
  const asked = spawnSync(git, ['config', '--get', 'core.sshCommand'], {
    env: user,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 1000,
  });
  return asked.status === 0 && asked.stdout.length > 0;
}

/** Only OpenBSD's netcat knows `-X connect`; Debian installs it as nc.openbsd, Fedora's nc is ncat. */
function netcatAt(path: string, platform: NodeJS.Platform): SshHelper | undefined {
  const real = basename(realpathSync(path));
  if (real === 'ncat') return { kind: 'ncat', path };
  const isOpenBsd = real === 'nc.openbsd' || ['darwin', 'openbsd', 'freebsd'].includes(platform);
  return isOpenBsd ? { kind: 'nc', path } : undefined;
}

/** The absolute path of a program on the user's PATH; entries that are not absolute do not count. */
export function findProgram(name: string, user: Environment): string | undefined {
  const folders = (user['PATH'] ?? '').split(':').filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

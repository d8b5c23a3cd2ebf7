// The environment that points a program and everything it starts at the daemon. Pure: what the user has and where
// the daemon is go in, what to set and what to say come out. The list is Codex's own for its managed proxy, without
// npm_config_http_proxy, which npm warns about on every call (it reads the other two).
import type { Environment } from './own-environment.ts';
import { quoteWord } from './render.ts';

/** Where the daemon listens, as its ready line says it. */
export interface DaemonAddress {
  /** `http://127.0.0.1:4128`. */
  readonly http: string;
  /** `http://127.0.0.1:4130/v1`, null when the gateway is off. */
  readonly gateway: string | null;
  /** `local`: loopback goes direct; `none`: everything through the daemon, and then nothing uses the gateway. */
  readonly noProxy: 'local' | 'none';
}

/** A program on PATH that reaches an SSH server through an HTTP proxy. */
export interface SshHelper {
  readonly kind: 'ncat' | 'connect-proxy' | 'corkscrew' | 'socat' | 'nc';
  readonly path: string;
}

/** What to set, in the order `env` prints it, and what a person must be told; no notes for an untouched user. */
export interface ChildEnvironment {
  readonly set: Readonly<Record<string, string>>;
  /** Lower-case sentences without a full stop. Names of variables only: their values may hold passwords. */
  readonly notes: string[];
}

const bothCases = ['http_proxy', 'https_proxy', 'all_proxy', 'ws_proxy', 'wss_proxy', 'ftp_proxy'];
const proxyNames = [
  ...bothCases.flatMap((name) => [name.toUpperCase(), name]),
  'NPM_CONFIG_PROXY',
  'NPM_CONFIG_HTTPS_PROXY',
  'npm_config_proxy',
  'npm_config_https_proxy',
  'YARN_HTTP_PROXY',
  'YARN_HTTPS_PROXY',
  'BUNDLE_HTTP_PROXY',
  'BUNDLE_HTTPS_PROXY',
  'PIP_PROXY',
  'DOCKER_HTTP_PROXY',
  'DOCKER_HTTPS_PROXY',
  'CARGO_HTTP_PROXY',
];
const noProxyNames = [
  'NO_PROXY',
  'no_proxy',
  'NPM_CONFIG_NOPROXY',
  'npm_config_noproxy',
  'BUNDLE_NO_PROXY',
];
const localHosts = 'localhost,127.0.0.1,::1';

/**
 * Where a program could press the approver's buttons: the session bus and that of assistive technology, X, Wayland,
 * and the sockets by which some window managers are steered, which also start programs outside of any tree.
 */
const desktopNames = [
  'DBUS_SESSION_BUS_ADDRESS',
  'DBUS_STARTER_ADDRESS',
  'AT_SPI_BUS_ADDRESS',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'WAYLAND_SOCKET',
  'XAUTHORITY',
  'I3SOCK',
  'SWAYSOCK',
  'HYPRLAND_INSTANCE_SIGNATURE',
  'NIRI_SOCKET',
];

/** Variables that a program behind the gate has no business with: the desktop's, unless kept, and ours. */
export function withheldFromChild(user: Environment, keepDesktop: boolean): string[] {
  // all of ours: the state folder holds the token, and the configuration is the person's to name
  const ours = Object.keys(user).filter((name) => /^SALLYPORT_/i.test(name));
  const desktop = keepDesktop ? [] : desktopNames.filter((name) => user[name] !== undefined);
  return [...desktop, ...ours];
}

/** The whole list for one user and one daemon. `ssh` is undefined when git shall be left alone. */
export function childEnvironment(
  user: Environment,
  address: DaemonAddress,
  ssh: SshHelper | undefined,
): ChildEnvironment {
  const gateway = address.noProxy === 'local' ? address.gateway : null;
  const forced = forcedVariables(address);
  const replaced = Object.keys(forced).filter((name) => isOther(user[name], forced[name]));
  const set: Record<string, string> = { ...forced, JAVA_TOOL_OPTIONS: javaOptions(user, address) };
  const notes: string[] = [];
  if (replaced.length > 0) {
    notes.push(`replaced your ${replaced.join(', ')}, which would lead around the gate`);
  }
  if (ssh !== undefined) set['GIT_SSH_COMMAND'] = sshCommand(ssh, new URL(address.http));
  if (gateway !== null) {
    if (isOther(user['OPENAI_BASE_URL'], gateway)) {
      notes.push(`left your OPENAI_BASE_URL as it is; the gateway would be ${gateway}`);
    } else set['OPENAI_BASE_URL'] = gateway;
  }
  return { set, notes };
}

function isOther(theirs: string | undefined, ours: string | undefined): boolean {
  return theirs !== undefined && theirs !== '' && theirs !== ours;
}

/** What must be ours for the gate to be a gate. */
function forcedVariables({ http, noProxy }: DaemonAddress): Record<string, string> {
  const direct = noProxy === 'local' ? localHosts : '';
  return {
    ...Object.fromEntries(proxyNames.map((name) => [name, http])),
    ...Object.fromEntries(noProxyNames.map((name) => [name, direct])),
    NODE_USE_ENV_PROXY: '1',
    ELECTRON_GET_USE_PROXY: 'true',
  };
}

/** Java takes the last of equal properties, so ours come after the user's. */
function javaOptions(user: Environment, { http, noProxy }: DaemonAddress): string {
  const { hostname, port } = new URL(http);
  const properties = ['http', 'https'].flatMap((scheme) => [
    `-D${scheme}.proxyHost=${hostname}`,
    `-D${scheme}.proxyPort=${port}`,
  ]);
  const direct = noProxy === 'local' ? 'localhost|127.0.0.1|[::1]' : '';
  const ours = [...properties, `-Dhttp.nonProxyHosts=${direct}`].join(' ');
  const theirs = user['JAVA_TOOL_OPTIONS'] ?? '';
  if (theirs === '' || theirs.endsWith(ours)) return theirs === '' ? ours : theirs;
  return `${theirs} ${ours}`;
}

/** git hands the value to a shell, and ssh its ProxyCommand to another; %h and %p are ssh's. */
function sshCommand({ kind, path }: SshHelper, proxy: URL): string {
  const program = quoteWord(path);
  const [host, port] = [proxy.hostname, proxy.port];
  const commands: Record<SshHelper['kind'], string> = {
    ncat: `${program} --proxy ${host}:${port} --proxy-type http %h %p`,
    'connect-proxy': `${program} -H ${host}:${port} %h %p`,
    corkscrew: `${program} ${host} ${port} %h %p`,
    socat: `${program} - PROXY:${host}:%h:%p,proxyport=${port}`,
    nc: `${program} -X connect -x ${host}:${port} %h %p`,
  };
  return `ssh -o ${quoteWord(`ProxyCommand=${commands[kind]}`)}`;
}

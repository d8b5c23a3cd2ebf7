// Made-up processes, requests and questions for tests of approvals.
import type { ClientAddress, DecisionRequest } from '../../src/policy/decision.ts';
import type { Destination } from '../../src/policy/destination.ts';
import type { Asker, ProcessInfo } from '../../src/approval/process-tree.ts';

/** A process; what matters to the test is given, the rest is plain. */
export function makeProcess(pid: number, given: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid,
    started: String(1000 + pid),
    executable: '/usr/bin/program',
    name: 'program',
    commandLine: ['program'],
    cwd: '/home/dev/app',
    repository: '/home/dev/app',
    hasTerminal: false,
    isExec: false,
    isShell: false,
    uid: 1000,
    proxyPorts: [],
    ...given,
  };
}

/** An interactive shell in a terminal. */
export function makeShell(pid: number): ProcessInfo {
  return makeProcess(pid, {
    executable: '/usr/bin/bash',
    name: 'bash',
    isShell: true,
    hasTerminal: true,
  });
}

/** An asker from its line of processes, itself first. */
export function makeAsker(process: ProcessInfo, ...ancestors: readonly ProcessInfo[]): Asker {
  return { process, ancestors, listenerPort: 4128 };
}

/** A destination by name; `host:port`, https_connect unless said. */
export function makeDestination(
  host: string,
  port = 443,
  given: Partial<Destination> = {},
): Destination {
  return { protocol: 'https_connect', host, kind: 'name', port, ...given };
}

let nextPort = 40_000;

/** A client's end nobody else has. */
export function makeClient(): ClientAddress {
  nextPort += 1;
  return { address: '127.0.0.1', port: nextPort, localPort: 4128 };
}

/** A CONNECT for this destination. */
export function makeRequest(
  destination: Destination,
  given: Partial<DecisionRequest> = {},
): DecisionRequest {
  return {
    destination,
    listener: 'http',
    method: 'CONNECT',
    form: 'tunnel',
    client: makeClient(),
    ...given,
  };
}

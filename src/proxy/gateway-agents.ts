// Keep-alive agents for the gateway whose sockets come from dial. One agent for each set of pinned
// addresses, so that a kept connection is only ever used by a permit that names its address.
import http, { type AgentOptions } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { Permit, Route } from '../policy/decision.ts';

/** Opens the connection a permit permits; aborted by the signal. */
export type Connect = (permit: Permit, signal: AbortSignal) => Promise<Duplex>;

/** What a request's options carry to the agent that opens its connection. */
export interface PinnedOptions {
  /** Under one name of our own: the agent takes `signal` out of the options it is given. */
  readonly pinned: { readonly permit: Permit; readonly signal: AbortSignal };
}

/** Agents by pinned addresses. */
export interface GatewayAgents {
  readonly agentFor: (permit: Permit) => http.Agent;
  /** Another agent in the place of the permit's own, so that a request opens a connection in any case. */
  readonly renew: (permit: Permit) => http.Agent;
  /** Closes idle connections; those in use stay until their request ends. */
  readonly close: () => void;
}

const agentLimit = 8;
// Below what API front ends allow an idle connection (60 s and more), so that it is rarely us who write
// into a connection that is being closed.
const idleMs = 30_000;
const agentOptions: AgentOptions = { keepAlive: true, maxFreeSockets: 16, timeout: idleMs };

/** Makes the agents; `isTls` tells node:http what the sockets of `connect` speak. */
export function createGatewayAgents(isTls: boolean, connect: Connect): GatewayAgents {
  const agents = new Map<string, http.Agent>();
  const put = (key: string, agent: http.Agent): http.Agent => {
    agents.delete(key);
    agents.set(key, agent); // last: the first one is the one used longest ago
    const [oldest] = agents;
    if (agents.size > agentLimit && oldest !== undefined) {
      agents.delete(oldest[0]);
      closeIdle(oldest[1]);
    }
    return agent;
  };
  return {
    agentFor({ route }) {
      const key = keyOf(route);
      return put(key, agents.get(key) ?? createAgent(isTls, connect));
    },
    renew({ route }) {
      const key = keyOf(route);
      const before = agents.get(key);
      if (before !== undefined) closeIdle(before);
      return put(key, createAgent(isTls, connect));
    },
    close() {
      for (const agent of agents.values()) closeIdle(agent);
      agents.clear();
    },
  };
}

function keyOf(route: Route): string {
  switch (route.via) {
    case 'direct':
      return route.addresses.toSorted().join(' ');
    case 'parent':
      return `via ${route.parent.protocol} ${route.parent.host} ${route.parent.port}`;
    case 'nowhere':
      return 'nowhere';
    default:
      return route satisfies never;
  }
}

type Callback = (error: Error | null, stream: Duplex) => void;

function createAgent(isTls: boolean, connect: Connect): http.Agent {
  const agent = isTls ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  // The documented hook of http.Agent; the options are those of the request, with ours among them.
  agent.createConnection = (options: object, callback?: Callback) => {
    const { permit, signal } = (options as PinnedOptions).pinned; // put there by gateway.ts
    connect(permit, signal).then(
      (socket) => callback?.(null, socket),
      // Node's type wants a stream even with an error; none is read then.
      (error: Error) => (callback as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  };
  return agent;
}

function closeIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}

// Opens the listeners in an order that lets nobody in before our own ports are known, and the control API
// behind two of them.
import { userInfo } from 'node:os';
import { approverOf, createAnswers } from '../approval/answers.ts';
import { processRef } from '../approval/process-tree.ts';
import * as events from '../audit/event.ts';
import type { Config } from '../config/config.ts';
import type { ReloadResponse, StatusResponse } from '../control/messages.ts';
import { createPeerFinder } from '../control/peer.ts';
import { createRoutes } from '../control/routes.ts';
import { openControl, type ControlParts, type ControlServer } from '../control/server.ts';
import { SallyportError } from '../errors.ts';
import type { ListenerKind } from '../policy/decision.ts';
import type { DoorParts } from '../proxy/door.ts';
import { createGatewayHandler } from '../proxy/gateway.ts';
import { createHttpHandler } from '../proxy/http-listener.ts';
import { openListener, type Listener, type ListenerOptions } from '../proxy/listener.ts';
import { findPortOwner } from '../proxy/port-owner.ts';
import { createSocksHandler } from '../proxy/socks-listener.ts';
import { noteGrant, type Parts } from './parts.ts';

/** The listeners. */
export interface Doors {
  readonly http: Listener;
  readonly socks: Listener;
  readonly gateway: Listener | undefined;
  readonly control: ControlServer | undefined;
  readonly socket: ControlServer;
  /** What the control routes need of the daemon, filled in once it stands. */
  readonly desk: Desk;
}

/** Answers that only the whole daemon can give. */
export interface Desk {
  status: (() => StatusResponse) | undefined;
  reload: (() => ReloadResponse) | undefined;
}

/** Opens them all; on a failure `undo` closes those that were opened. */
export async function openDoors(parts: Parts, undo: AsyncDisposableStack): Promise<Doors> {
  const { inForce, ownPorts, state } = parts;
  const { config } = inForce;
  const desk: Desk = { status: undefined, reload: undefined };
  const { controlParts, setPort } = openDesk(parts, desk);
  const opened = async (listener: Promise<Listener>): Promise<Listener> => {
    const one = await listener;
    undo.defer(() => one.close(0));
    ownPorts.add(one.port);
    return one;
  };
  // Our own ports must be known before anything can ask for them: the proxies open last.
  const socket = await openControl(controlParts, { path: state.socketPath });
  undo.defer(socket.close);
  const control = config.control.tcp
    ? await openControl(controlParts, {
        port: config.control.port,
        describeOwner: findPortOwner,
      })
    : undefined;
  if (control !== undefined) undo.defer(control.close);
  if (control?.port !== undefined) {
    ownPorts.add(control.port);
    setPort(control.port);
  }
  const gateway = config.gateway.enabled ? await opened(openGateway(parts, config)) : undefined;
  const socks = await opened(openSocks(parts, config));
  const http = await opened(openHttp(parts, config));
  return { http, socks, gateway, control, socket, desk };
}

/** What every door gets. */
function doorParts({ gate, live, outlets, trail, onBug }: Parts): DoorParts {
  return {
    gate,
    live,
    dial: (permit, signal) => outlets.dialer.dial(permit, signal),
    onMalformed: (malformed) => trail.note((uid, at) => events.malformedEvent(uid, at, malformed)),
    onBug,
  };
}

/** What every listener of ours is opened with. */
function listenerParts(
  { log }: Parts,
  kind: ListenerKind,
): Pick<ListenerOptions, 'kind' | 'host' | 'onCapacity'> {
  const onCapacity = (count: number): void =>
    log.warn(
      `the ${kind} listener turned connections away; end programs that keep many open, or raise the limit of open files`,
      { count },
    );
  return { kind, host: '127.0.0.1', onCapacity };
}

function openHttp(parts: Parts, { network }: Config): Promise<Listener> {
  const server = createHttpHandler(doorParts(parts));
  return openListener({ ...listenerParts(parts, 'http'), port: network.httpPort, server });
}

function openSocks(parts: Parts, { network }: Config): Promise<Listener> {
  const onSocket = createSocksHandler(doorParts(parts));
  return openListener({ ...listenerParts(parts, 'socks5'), port: network.socksPort, onSocket });
}

function openGateway(parts: Parts, { gateway }: Config): Promise<Listener> {
  const { outlets, inForce } = parts;
  const server = createGatewayHandler({
    ...doorParts(parts),
    dialTunnel: (permit, signal) => outlets.dialer.dialTunnel(permit, signal),
    dialTls: (permit, target, signal) => outlets.dialer.dialTls(permit, target, signal),
    upstream: () => inForce.config.gateway.upstream,
  });
  return openListener({ ...listenerParts(parts, 'gateway'), port: gateway.port, server });
}

/** The control API over the parts; the port is known only once it is bound. */
function openDesk(
  parts: Parts,
  desk: Desk,
): { readonly controlParts: ControlParts; readonly setPort: (port: number) => void } {
  const { state, holds, grants, live, trail, inForce, findAsker, findProcess, onBug } = parts;
  let port = 0;
  const token = state.createSecret('token');
  const callers = { findAsker, findProcess, userName };
  const routes = createRoutes({
    status: () => ready(desk.status)(),
    reload: async () => ready(desk.reload)(),
    pending: holds.list,
    grants: grants.list,
    answer: createAnswers({
      ...callers,
      holds,
      allowSelfApproval: () => inForce.config.approvals.dangerouslyAllowSelfApproval,
      onSelfApproval: ({ id, destination, outcome, approver, caller, taken }) =>
        void trail.note((uid, at) =>
          events.selfApprovalEvent(uid, at, {
            group: id,
            target: destination,
            outcome,
            approver,
            taken,
            asker: processRef(caller),
          }),
        ),
    }),
    approverOf: (caller, surface) => approverOf(callers, caller, surface),
    revoke: (id, approver) => {
      const known = grants.list().find((grant) => grant.id === id);
      if (known === undefined) return undefined;
      // First: the grant is gone even when its file then cannot be written.
      live.closeGrant(id);
      noteGrant(trail, 'revoked', known, approver);
      return grants.revoke(id);
    },
  });
  return {
    controlParts: {
      routes,
      token: () => token,
      port: () => port,
      peerOf: createPeerFinder(),
      onBug,
    },
    setPort: (bound) => {
      port = bound;
    },
  };
}

function ready<T>(part: T | undefined): T {
  if (part === undefined)
    throw new SallyportError('ERR_CONTROL_REFUSED', 'the daemon is still starting');
  return part;
}

/** The name of a user of this machine; only one's own is known without asking the system's database. */
function userName(uid: number): string {
  const me = userInfo();
  return uid === me.uid ? me.username : `uid ${uid}`;
}

// Opens the listeners in an order that lets nobody in before our own ports are known, and the control API
// behind two of them.
import { join } from 'node:path';
import * as events from '../audit/event.ts';
import type { Config } from '../config/config.ts';
import { createPeerFinder } from '../control/peer.ts';
import { createRoutes } from '../control/routes.ts';
import { openControl, type ControlParts, type ControlServer } from '../control/server.ts';
import { readPage } from '../control/static.ts';
import type { ListenerKind } from '../policy/decision.ts';
import type { DoorParts } from '../proxy/door.ts';
import { createGatewayHandler } from '../proxy/gateway.ts';
import { createHttpHandler } from '../proxy/http-listener.ts';
import { openListener, type Listener, type ListenerOptions } from '../proxy/listener.ts';
import { findPortOwner } from '../proxy/port-owner.ts';
import { createSocksHandler } from '../proxy/socks-listener.ts';
import { openControlDesk } from './control-desk.ts';
import type { Parts } from './parts.ts';

/** The listeners. */
export interface Doors {
  readonly http: Listener;
  readonly socks: Listener;
  readonly gateway: Listener | undefined;
  readonly control: ControlServer | undefined;
  readonly socket: ControlServer;
}

/** Opens them all; on a failure `undo` closes those that were opened. */
export async function openDoors(parts: Parts, undo: AsyncDisposableStack): Promise<Doors> {
  const { inForce, ownPorts, state } = parts;
  const { config } = inForce;
  const controlParts = controlPartsOf(parts);
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
    parts.access.port = control.port;
  }
  const gateway = config.gateway.enabled ? await opened(openGateway(parts, config)) : undefined;
  const socks = await opened(openSocks(parts, config));
  const http = await opened(openHttp(parts, config));
  return { http, socks, gateway, control, socket };
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

/** The control API over the parts. */
function controlPartsOf(parts: Parts): ControlParts {
  const { access, approvals, onBug } = parts;
  const page = readPage(join(import.meta.dirname, '..', 'control', 'page'));
  return {
    routes: createRoutes(openControlDesk(parts, page)),
    find: (secret) => access.tokens.find(secret) ?? access.pages.find(secret),
    onCall: (surface) => approvals.attendance.seen(surface),
    port: () => access.port ?? 0,
    peerOf: createPeerFinder(),
    onBug,
  };
}

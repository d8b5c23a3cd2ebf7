// What leads out of the daemon and a reload may replace: how connections leave, and where records go.
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { createExporter, type Exporter } from '../audit/export.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../log.ts';
import { createDialer, openPac, type Dialer } from '../proxy/dial.ts';
import { createParents, type Parents } from '../proxy/parent.ts';
import type { Resolver } from '../proxy/resolve.ts';
import { readVersion } from '../version.ts';

const pacLimitMs = 10_000;
const exportDrainMs = 1_000;

/** The version of this run: a new package that is put in its place changes nothing of it. */
export const version = readVersion();

/** The outlets in use. Users read the fields each time, since a reload writes them. */
export interface Outlets {
  dialer: Dialer;
  parents: Parents;
  /** Undefined while no exporter is configured. */
  exporter: Exporter | undefined;
}

/** What outlets are opened with. */
export interface OutletParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly resolver: Resolver;
  readonly ownPorts: ReadonlySet<number>;
  /** The exporter's health has changed. */
  readonly onHealth: () => void;
}

/** Opens all of them for a configuration; throws when a certificate file cannot be read. */
export function openOutlets(parts: OutletParts, config: Config): Outlets {
  return { ...openWays(parts, config), exporter: openExporter(parts, config) };
}

/**
 * Replaces them for a new configuration; connections and records under way keep theirs. The ways out are made
 * anew each time, since a certificate may have changed in place. Throws before anything is replaced.
 */
export function replaceOutlets(
  outlets: Outlets,
  parts: OutletParts,
  before: Config,
  next: Config,
): void {
  const ways = openWays(parts, next);
  const isSame = isDeepStrictEqual(
    [before.otel, before.gateway.extraCa],
    [next.otel, next.gateway.extraCa],
  );
  const exporter = isSame ? outlets.exporter : openExporter(parts, next);
  if (!isSame) void outlets.exporter?.close(exportDrainMs); // never rejects; the new one takes over
  Object.assign(outlets, ways, { exporter });
}

/** Gives the collector a last second. */
export async function closeOutlets({ exporter }: Outlets): Promise<void> {
  await exporter?.close(exportDrainMs);
}

function openWays(
  parts: OutletParts,
  { gateway, network }: Config,
): Pick<Outlets, 'dialer' | 'parents'> {
  const { env, log, ownPorts } = parts;
  const { resolve } = parts.resolver;
  const ca = gateway.extraCa === undefined ? [] : [readFileSync(gateway.extraCa, 'utf8')];
  const parents = createParents({
    env,
    allowUpstreamProxy: network.allowUpstreamProxy,
    ownPorts: () => ownPorts,
    warn: (message) => log.warn(message),
    openPac: (uri, functions) => openPac(uri, { functions, ca, limitMs: pacLimitMs }),
    resolve,
  });
  return { dialer: createDialer({ ca, resolve }), parents };
}

function openExporter(
  { log, onHealth }: OutletParts,
  { otel, gateway }: Config,
): Exporter | undefined {
  const { exporter, environment, resourceAttributes } = otel;
  if (exporter.kind === 'none') return undefined;
  const { endpoint, protocol, headers, tls } = exporter;
  const extraCa = [gateway.extraCa, tls.ca]
    .filter((file) => file !== undefined)
    .map((file) => readFileSync(file, 'utf8'));
  const client =
    tls.certificate === undefined || tls.key === undefined
      ? undefined
      : { certificate: readFileSync(tls.certificate, 'utf8'), key: readFileSync(tls.key, 'utf8') };
  return createExporter({
    endpoint,
    protocol,
    headers,
    environment,
    version,
    resourceAttributes,
    extraCa,
    ...(client === undefined ? {} : { client }),
    onProblem: (problem) => {
      onHealth();
      log.warn('audit records do not reach the collector; the journal keeps them', { problem });
    },
    onRecovered: () => {
      onHealth();
      log.info('audit records reach the collector again');
    },
  });
}

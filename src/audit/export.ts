// Audit events to an OpenTelemetry collector over OTLP/HTTP: the only file that imports OpenTelemetry.
// Bounded, never in the way: a dead collector costs records here (counted), not in the journal.
// Its connections are its own: no proxy, no OTEL_* or NODE_* variable, and no policy of ours touches them.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { hostname } from 'node:os';
import { getCACertificates } from 'node:tls';
import type { Logger, LogRecord } from '@opentelemetry/api-logs';
import type { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { AuditEvent } from './draft.ts';
import { escapeText } from './escape.ts';

/** How and where to send. */
export interface ExporterSettings {
  /** The whole address that is posted to, such as `http://localhost:4318/v1/logs`. */
  readonly endpoint: string;
  /** Protobuf or OTLP's JSON. */
  readonly protocol: 'binary' | 'json';
  /** Sent with each request; values are secrets and appear in no message. */
  readonly headers: Readonly<Record<string, string>>;
  /** The resource attributes `env` and `deployment.environment.name`. */
  readonly environment: string;
  /** Version of sallyport, as resource and scope carry it. */
  readonly version: string;
  /** More resource attributes; they cannot replace service and environment. */
  readonly resourceAttributes?: Readonly<Record<string, string>>;
  /** PEM roots that are trusted beside the system's. */
  readonly extraCa?: readonly string[];
  /** PEM certificate chain and key for a collector that asks for one. */
  readonly client?: { readonly certificate: string; readonly key: string };
  /** Longest wait until a batch is sent; default 1000. */
  readonly delayMs?: number;
  /** For one batch with its retries; default 10,000. */
  readonly timeoutMs?: number;
  /** Events kept while the collector does not answer, then new ones are dropped; default 4096. */
  readonly queueLimit?: number;
  /** Told once when sending stops working. Must not throw. */
  readonly onProblem?: (problem: string) => void;
  /** Told once when it works again. Must not throw. */
  readonly onRecovered?: () => void;
}

/** What `status` shows of an exporter. */
export interface ExporterHealth {
  readonly ok: boolean;
  /** Events that the collector took. */
  readonly delivered: number;
  /** Events that were given up: queue full, collector refused, or stopped too early. */
  readonly dropped: number;
  /** Why the last batch was not delivered; null when it was. */
  readonly problem: string | null;
}

/** An exporter as its users see it; nothing here throws or rejects. */
export interface Exporter {
  readonly emit: (event: AuditEvent) => void;
  /** Resolves when everything emitted before has been delivered or given up. */
  readonly flush: () => Promise<void>;
  /** Flushes for at most so long, then gives up the rest and frees every socket. */
  readonly close: (deadlineMs: number) => Promise<void>;
  readonly health: () => ExporterHealth;
}

type ExportBatch = Parameters<LogRecordExporter['export']>[0];
type ExportDone = Parameters<LogRecordExporter['export']>[1];

type ExportCode = Parameters<ExportDone>[0]['code'];
const delivered: ExportCode = 0; // an enum of a package that is not ours to import
const failed: ExportCode = 1;

type OtlpOptions = ConstructorParameters<typeof OTLPLogExporter>[0];
type FullSettings = Required<Omit<ExporterSettings, 'client'>>;

interface Pipeline {
  readonly logger: Logger;
  readonly forceFlush: () => Promise<void>;
}

/** Begins to load OpenTelemetry, which is slow, beside the rest of the start; events wait meanwhile. */
export function createExporter(settings: ExporterSettings): Exporter {
  const sender = new Sender(settings);
  return {
    emit: (event) => sender.emit(event),
    flush: () => sender.flush(),
    close: (deadlineMs) => sender.close(deadlineMs),
    health: () => sender.health(),
  };
}

class Sender {
  readonly #settings: FullSettings;
  readonly #agent: HttpAgent;
  readonly #ready: Promise<void>;
  #pipeline: Pipeline | undefined;
  /** What was emitted before the pipeline was there. */
  #backlog: AuditEvent[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #emitted = 0;
  #delivered = 0;
  #dropped = 0;
  #problem: string | undefined;
  #closed = false;

  constructor(settings: ExporterSettings) {
    this.#settings = {
      resourceAttributes: {},
      extraCa: [],
      delayMs: 1000,
      timeoutMs: 10_000,
      queueLimit: 4096,
      onProblem: () => undefined,
      onRecovered: () => undefined,
      ...settings,
    };
    this.#agent = createAgent(settings);
    this.#ready = this.#open();
  }

  emit(event: AuditEvent): void {
    this.#emitted += 1;
    const waiting = this.#emitted - this.#delivered - this.#dropped;
    if (this.#closed || waiting > this.#settings.queueLimit) {
      this.#dropped += 1;
      return;
    }
    if (this.#pipeline === undefined) this.#backlog.push(event);
    else this.#pipeline.logger.emit(toRecord(event));
  }

  /** One at a time: OpenTelemetry's own flush returns at once while another is under way. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flushOnce());
    return this.#flushing;
  }

  async close(deadlineMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    await Promise.race([this.flush(), late]);
    clearTimeout(timer);
    this.#closed = true;
    this.#agent.destroy();
    this.#agent.createConnection = () => {
      throw new Error('stopped'); // a retry that is still scheduled must not connect again
    };
    const left = this.#emitted - this.#delivered - this.#dropped;
    if (left > 0) this.#settle(left, `stopped with ${left} events undelivered`);
  }

  health(): ExporterHealth {
    return {
      ok: this.#problem === undefined,
      delivered: this.#delivered,
      dropped: this.#dropped,
      problem: this.#problem ?? null,
    };
  }

  async #flushOnce(): Promise<void> {
    await this.#ready;
    try {
      await this.#pipeline?.forceFlush();
    } catch (error) {
      this.#fail(textOf(error));
    }
  }

  async #open(): Promise<void> {
    try {
      const pipeline = await createPipeline(this.#settings, this.#agent, (inner) =>
        this.#watch(inner),
      );
      this.#pipeline = pipeline;
      for (const event of this.#backlog) pipeline.logger.emit(toRecord(event));
    } catch (error) {
      this.#settle(this.#backlog.length, textOf(error));
    }
    this.#backlog = [];
  }

  /** Counts what becomes of each batch, and gives one up that the library waits too long for. */
  #watch(inner: LogRecordExporter): LogRecordExporter {
    const send = (batch: ExportBatch, done: ExportDone): void => {
      let isOpen = true;
      const end: ExportDone = (result) => {
        if (!isOpen) return; // given up before; the sum must stay right
        isOpen = false;
        clearTimeout(timer);
        const refused = result.error ?? 'the collector refused';
        const problem = result.code === delivered ? undefined : textOf(refused);
        if (!this.#closed) this.#settle(batch.length, problem);
        done(result);
      };
      // The library's own limit is on silence, so a server that sends a byte now and then evades it.
      const timer = setTimeout(() => {
        this.#agent.destroy(); // or the request would go on holding its socket
        end({ code: failed, error: new Error('the collector took too long') });
      }, this.#settings.timeoutMs * 1.5);
      timer.unref();
      inner.export(batch, end);
    };
    return {
      export: send,
      forceFlush: () => inner.forceFlush(),
      shutdown: () => inner.shutdown(),
    };
  }

  /** Books `count` events as delivered, or with a problem as dropped. */
  #settle(count: number, problem: string | undefined): void {
    if (problem !== undefined) {
      this.#dropped += count;
      this.#fail(problem);
      return;
    }
    this.#delivered += count;
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#settings.onRecovered();
  }

  #fail(problem: string): void {
    const isNew = this.#problem === undefined;
    this.#problem = this.#tidy(problem);
    if (isNew) this.#settings.onProblem(this.#problem);
  }

  /** A collector's words may be hostile, or may echo what we sent. */
  #tidy(text: string): string {
    const secrets = Object.values(this.#settings.headers).filter((value) => value !== '');
    const clean = secrets.reduce((words, secret) => words.replaceAll(secret, '***'), text);
    return escapeText(clean, 200);
  }
}

/** Always verifying, whatever NODE_TLS_REJECT_UNAUTHORIZED says; an own agent takes no proxy variable. */
function createAgent({ endpoint, extraCa = [], client }: ExporterSettings): HttpAgent {
  const common = { keepAlive: true, maxSockets: 4 };
  if (!endpoint.toLowerCase().startsWith('https:')) return new HttpAgent(common);
  const roots = [...getCACertificates('default'), ...getCACertificates('system'), ...extraCa];
  return new HttpsAgent({
    ...common,
    ca: [...new Set(roots)],
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
  });
}

/** Loads the library, which takes longer than all of ours, and puts the chain together. */
async function createPipeline(
  settings: FullSettings,
  agent: HttpAgent,
  watch: (inner: LogRecordExporter) => LogRecordExporter,
): Promise<Pipeline> {
  const [sdk, resources, otlp] = await Promise.all([
    import('@opentelemetry/sdk-logs'),
    import('@opentelemetry/resources'),
    settings.protocol === 'json'
      ? import('@opentelemetry/exporter-logs-otlp-http')
      : import('@opentelemetry/exporter-logs-otlp-proto'),
  ]);
  const { endpoint, headers, timeoutMs, version } = settings;
  const options = {
    url: endpoint,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    userAgent: `sallyport/${version}`,
    httpAgentOptions: () => agent,
    compression: 'none' as NonNullable<OtlpOptions>['compression'], // an enum that is not exported
  } as NonNullable<OtlpOptions>;
  const exporter = withoutOtelVariables(() => new otlp.OTLPLogExporter(options));
  const provider = new sdk.LoggerProvider({
    resource: resources
      .defaultResource()
      .merge(resources.resourceFromAttributes(resourceAttributes(settings))),
    processors: [
      new sdk.BatchLogRecordProcessor({
        exporter: watch(exporter),
        scheduledDelayMillis: settings.delayMs,
        exportTimeoutMillis: timeoutMs * 2, // never reached: `watch` gives up before
        maxQueueSize: settings.queueLimit, // never full: `emit` counts what waits
        maxExportBatchSize: Math.min(512, settings.queueLimit),
      }),
    ],
  });
  return {
    logger: provider.getLogger('sallyport', version),
    forceFlush: () => provider.forceFlush(),
  };
}

/** As Codex writes them (`env`), with the name of the OpenTelemetry convention beside it. */
function resourceAttributes(settings: FullSettings): Readonly<Record<string, string>> {
  return {
    'host.name': hostname(),
    ...settings.resourceAttributes,
    'service.name': 'sallyport',
    'service.version': settings.version,
    env: settings.environment,
    'deployment.environment.name': settings.environment,
  };
}

/** The library mixes OTEL_* variables into what it is given, such as headers; ours are read by config. */
function withoutOtelVariables<T>(make: () => T): T {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_'));
  for (const [name] of hidden) delete process.env[name];
  try {
    return make();
  } finally {
    Object.assign(process.env, Object.fromEntries(hidden));
  }
}

/** No body: an event is its name and attributes. Severity INFO, as Codex has it. */
function toRecord({ name, time, attributes }: AuditEvent): LogRecord {
  return {
    eventName: name,
    timestamp: hrTime(Date.parse(time)),
    observedTimestamp: hrTime(Date.now()),
    severityNumber: 9,
    severityText: 'INFO',
    attributes,
  };
}

/** Seconds and nanoseconds: a plain number from before the start of the process would be misread. */
function hrTime(timeMs: number): [number, number] {
  return [Math.floor(timeMs / 1000), (timeMs % 1000) * 1_000_000];
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { readonly code?: string | number }; // a status in the library's errors
  const isNew = code !== undefined && !error.message.includes(String(code));
  return isNew ? `${code} ${error.message}`.trimEnd() : error.message;
}

// A small real OTLP/HTTP logs collector for tests. It decodes JSON and protobuf by itself, from the
// published field numbers, and shares no code with the exporter.
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A value with the OTLP type it had on the wire. */
export type OtlpValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'other'; readonly value: unknown };

/** One log record with what stood around it. */
export interface OtlpRecord {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly eventName: string;
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  readonly severityNumber: number;
  readonly severityText: string;
  /** Undefined when there was none. */
  readonly body: OtlpValue | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The OTLP type of each attribute. */
  readonly types: Readonly<Record<string, OtlpValue['type']>>;
}

/** One request as it came in. */
export interface OtlpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly contentType: string | undefined;
  readonly bytes: number;
  readonly records: readonly OtlpRecord[];
}

/** How the collector answers: a status, a status with its words, or never (`hang`). */
export type OtlpAnswer = number | { readonly status: number; readonly words: string } | 'hang';

/** How a receiver is set up. */
export interface OtlpReceiverOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Decides each answer; records count as received only when it is 200. Default 200. */
  readonly answer?: (request: OtlpRequest) => OtlpAnswer;
}

/** A running collector. */
export interface OtlpReceiver {
  /** What an exporter is configured with; ends in `/v1/logs`. */
  readonly url: string;
  readonly port: number;
  /** Every request, also refused ones. */
  readonly requests: readonly OtlpRequest[];
  /** Records of the requests that were answered with 200. */
  readonly records: readonly OtlpRecord[];
  /** Resolves when at least so many records fit; by default all fit. */
  readonly waitFor: (
    count: number,
    fits?: (record: OtlpRecord) => boolean,
  ) => Promise<readonly OtlpRecord[]>;
  /** Resolves when at least so many requests have come in. */
  readonly waitForRequests: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts a collector on a free port of 127.0.0.1. */
export async function startOtlpReceiver(options: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
  const requests: OtlpRequest[] = [];
  const records: OtlpRecord[] = [];
  const news = new EventEmitter({ captureRejections: true }).setMaxListeners(0);
  const take = async (message: IncomingMessage): Promise<OtlpAnswer> => {
    const body = Buffer.concat(await Array.fromAsync<Buffer>(message));
    const request = readRequest(message, body);
    requests.push(request);
    const answer = options.answer?.(request) ?? 200;
    if (answer === 200) records.push(...request.records);
    news.emit('request');
    return answer;
  };
  const listener: RequestListener = (message, response) => {
    take(message).then(
      (answer) => {
        if (answer === 'hang') return;
        const { status, words } =
          typeof answer === 'number' ? { status: answer, words: '' } : answer;
        response.writeHead(status, words === '' ? undefined : words).end();
      },
      (error: unknown) => {
        news.emit('request');
        response.writeHead(400).end(String(error));
      },
    );
  };
  const server = await listen(options.tls, listener);
  const { port } = server.address() as AddressInfo;
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone()) await once(news, 'request');
  };
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/v1/logs`,
    port,
    requests,
    records,
    waitFor: async (count, fits = () => true) => {
      await until(() => records.filter(fits).length >= count);
      return records.filter(fits);
    },
    waitForRequests: (count) => until(() => requests.length >= count),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listen(tls: OtlpReceiverOptions['tls'], listener: RequestListener): Promise<Server> {
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('tlsClientError', () => undefined); // a client that does not trust us is a test's subject
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function readRequest(message: IncomingMessage, body: Buffer): OtlpRequest {
  const type = message.headers['content-type'];
  const records =
    type === 'application/json' ? readJson(body.toString('utf8')) : readProtobuf(type, body);
  return {
    method: message.method ?? '',
    path: message.url ?? '',
    headers: message.headers,
    contentType: type,
    bytes: body.length,
    records,
  };
}

// OTLP/JSON: proto3's JSON mapping with lowerCamelCase names; 64-bit numbers are strings or numbers.

interface JsonValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
}
interface JsonAttribute {
  readonly key: string;
  readonly value: JsonValue;
}
interface JsonRecord {
  readonly timeUnixNano?: string;
  readonly observedTimeUnixNano?: string;
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly body?: JsonValue | null;
  readonly attributes?: readonly JsonAttribute[];
  readonly eventName?: string;
}
interface JsonRequest {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly JsonAttribute[] };
    readonly scopeLogs: readonly {
      readonly scope: { readonly name: string; readonly version?: string };
      readonly logRecords: readonly JsonRecord[];
    }[];
  }[];
}

function readJson(text: string): readonly OtlpRecord[] {
  const request = JSON.parse(text) as JsonRequest; // a wrong shape fails where it is read
  return request.resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ scope, logRecords }) =>
      logRecords.map((record) => ({
        resource: valuesOf(resource.attributes.map(jsonPair)),
        scope: { name: scope.name, version: scope.version ?? '' },
        eventName: record.eventName ?? '',
        timeUnixNano: BigInt(record.timeUnixNano ?? 0),
        observedTimeUnixNano: BigInt(record.observedTimeUnixNano ?? 0),
        severityNumber: record.severityNumber ?? 0,
        severityText: record.severityText ?? '',
        body: present(record.body ? jsonValue(record.body) : undefined),
        ...attributesOf((record.attributes ?? []).map(jsonPair)),
      })),
    ),
  );
}

/** An AnyValue in which nothing is set means the same as none. */
function present(value: OtlpValue | undefined): OtlpValue | undefined {
  return value?.type === 'other' ? undefined : value;
}

type Pair = readonly [string, OtlpValue];

function jsonPair({ key, value }: JsonAttribute): Pair {
  return [key, jsonValue(value)];
}

function jsonValue(value: JsonValue): OtlpValue {
  if (value.stringValue !== undefined) return { type: 'string', value: value.stringValue };
  if (value.boolValue !== undefined) return { type: 'bool', value: value.boolValue };
  if (value.intValue !== undefined) return { type: 'int', value: Number(value.intValue) };
  if (value.doubleValue !== undefined) return { type: 'double', value: value.doubleValue };
  return { type: 'other', value };
}

function valuesOf(pairs: readonly Pair[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(pairs.map(([key, { value }]) => [key, value]));
}

function attributesOf(pairs: readonly Pair[]): Pick<OtlpRecord, 'attributes' | 'types'> {
  const types = Object.fromEntries(pairs.map(([key, { type }]) => [key, type]));
  return { attributes: valuesOf(pairs), types };
}

// Protobuf: opentelemetry/proto/{collector/logs,logs,common,resource}/v1, by field number.

function readProtobuf(type: string | undefined, body: Buffer): readonly OtlpRecord[] {
  if (type !== 'application/x-protobuf') throw new Error(`unexpected content-type ${type}`);
  return subMessages(body, 1).flatMap((resourceLogs) => {
    const resource = valuesOf(subMessages(subMessage(resourceLogs, 1), 1).map(protoPair));
    return subMessages(resourceLogs, 2).flatMap((scopeLogs) => {
      const scope = subMessage(scopeLogs, 1);
      return subMessages(scopeLogs, 2).map((record) => ({
        resource,
        scope: { name: stringField(scope, 1), version: stringField(scope, 2) },
        ...protoRecord(record),
      }));
    });
  });
}

function protoRecord(record: Buffer): Omit<OtlpRecord, 'resource' | 'scope'> {
  const [body] = subMessages(record, 5);
  return {
    eventName: stringField(record, 12),
    timeUnixNano: fixed64Field(record, 1),
    observedTimeUnixNano: fixed64Field(record, 11),
    severityNumber: Number(varintField(record, 2) ?? 0n),
    severityText: stringField(record, 3),
    body: present(body === undefined ? undefined : protoValue(body)),
    ...attributesOf(subMessages(record, 6).map(protoPair)),
  };
}

function protoPair(pair: Buffer): Pair {
  return [stringField(pair, 1), protoValue(subMessage(pair, 2))];
}

function protoValue(value: Buffer): OtlpValue {
  const field = fieldsOf(value).at(-1);
  if (field === undefined) return { type: 'other', value: undefined };
  switch (field.number) {
    case 1:
      return { type: 'string', value: bytesOf(field).toString('utf8') };
    case 2:
      return { type: 'bool', value: field.value === 1n };
    case 3:
      return { type: 'int', value: Number(BigInt.asIntN(64, bigintOf(field))) };
    case 4:
      return { type: 'double', value: bytesOf(field).readDoubleLE() };
    default:
      return { type: 'other', value: field };
  }
}

/** A field: varints as bigint, everything else as its bytes. */
interface Field {
  readonly number: number;
  readonly value: bigint | Buffer;
}

function bytesOf(field: Field): Buffer {
  if (typeof field.value === 'bigint') throw new Error(`field ${field.number} is no byte string`);
  return field.value;
}

function bigintOf(field: Field): bigint {
  if (typeof field.value !== 'bigint') throw new Error(`field ${field.number} is no varint`);
  return field.value;
}

function subMessages(from: Buffer, wanted: number): Buffer[] {
  return fieldsOf(from).flatMap((field) => (field.number === wanted ? [bytesOf(field)] : []));
}

/** The last of its number, or an empty one: proto3's default. */
function subMessage(from: Buffer, wanted: number): Buffer {
  return subMessages(from, wanted).at(-1) ?? Buffer.alloc(0);
}

function stringField(from: Buffer, wanted: number): string {
  return subMessage(from, wanted).toString('utf8');
}

function varintField(from: Buffer, wanted: number): bigint | undefined {
  const found = fieldsOf(from).findLast((field) => field.number === wanted)?.value;
  return typeof found === 'bigint' ? found : undefined;
}

function fixed64Field(from: Buffer, wanted: number): bigint {
  const bytes = subMessage(from, wanted);
  return bytes.length === 8 ? bytes.readBigUInt64LE() : 0n;
}

/** Wire types 0 (varint), 1 (8 bytes), 2 (length and bytes), 5 (4 bytes); others do not exist any more. */
function fieldsOf(from: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = from.at(at);
      if (byte === undefined || at >= from.length) throw new Error('a varint is cut short');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a varint has more than ten bytes');
  };
  const bytes = (count: number): Buffer => {
    if (at + count > from.length) throw new Error('a field is cut short');
    at += count;
    return from.subarray(at - count, at);
  };
  const readValue = (wireType: number): bigint | Buffer => {
    if (wireType === 0) return varint();
    if (wireType === 1) return bytes(8);
    if (wireType === 2) return bytes(Number(varint()));
    if (wireType === 5) return bytes(4);
    throw new Error(`unknown wire type ${wireType}`);
  };
  while (at < from.length) {
    const key = Number(varint());
    fields.push({ number: key >> 3, value: readValue(key & 7) });
  }
  return fields;
}

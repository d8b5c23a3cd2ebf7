// A hook that is an address: JSON is posted there, over verified TLS or to this machine. Its connections are
// its own: no proxy variable, no NODE_* switch and no policy of ours touches them, and no redirect is followed.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import type { Resolution } from '../policy/decision.ts';
import {
  answerLimitBytes,
  failed,
  readAnswer,
  type HookEnd,
  type HookRunner,
} from './hook-answer.ts';

/** Where to post. */
export interface EndpointParts {
  readonly url: string;
  readonly wantsAnswer: boolean;
  readonly extraCa?: readonly string[];
  /** Never rejects. */
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<Resolution>;
}

/** Builds the runner of one address. */
export function createEndpoint(parts: EndpointParts): HookRunner {
  const url = new URL(parts.url);
  const isTls = url.protocol === 'https:';
  let agent: HttpAgent | undefined;
  return async (text, signal) => {
    agent ??= createAgent(isTls, parts.extraCa ?? []);
    const { promise, resolve } = Promise.withResolvers<HookEnd>();
    const outgoing = (isTls ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent,
      signal,
      ...(parts.resolve === undefined ? {} : { lookup: lookupBy(parts.resolve, signal) }),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        accept: 'application/json',
        'user-agent': 'sallyport',
      },
    });
    outgoing.on('error', (error) => resolve(failed(`cannot be reached (${codeOf(error)})`)));
    outgoing.on('response', (incoming) => {
      void readReply(incoming, parts.wantsAnswer).then(resolve); // never rejects
    });
    outgoing.end(text);
    const end = await promise;
    outgoing.destroy();
    return end;
  };
}

/** Our own way to look up names, as a connection asks for it. */
function lookupBy(
  resolve: NonNullable<EndpointParts['resolve']>,
  signal: AbortSignal,
): LookupFunction {
  return (host, { all }, done) => {
    void resolve(host, signal).then((found) => {
      const addresses = found.kind === 'failed' ? [] : found.addresses;
      const [first] = addresses;
      if (first === undefined) done(notFound(), '');
      else if (all !== true) done(null, first, isIP(first));
      else
        done(
          null,
          addresses.map((address) => ({ address, family: isIP(address) })),
        );
    });
  };
}

function notFound(): NodeJS.ErrnoException {
  return Object.assign(new Error('the name is not found'), { code: 'ENOTFOUND' });
}

async function readReply(incoming: IncomingMessage, wantsAnswer: boolean): Promise<HookEnd> {
  incoming.on('error', () => undefined); // the loop below ends with it
  const { statusCode = 0 } = incoming;
  const isTaken = wantsAnswer ? statusCode === 200 : statusCode >= 200 && statusCode < 300;
  if (!isTaken) return failed(`answered with status ${statusCode}`);
  if (!wantsAnswer) return { status: 'done', answer: undefined };
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > answerLimitBytes)
        return failed(`answered with more than ${answerLimitBytes} bytes`);
      chunks.push(chunk);
    }
  } catch {
    return failed('broke off its answer');
  }
  return readAnswer(Buffer.concat(chunks));
}

/** Always verifying, whatever NODE_TLS_REJECT_UNAUTHORIZED says; an own agent takes no proxy variable. */
function createAgent(isTls: boolean, extraCa: readonly string[]): HttpAgent {
  if (!isTls) return new HttpAgent({ keepAlive: false });
  const roots = [...getCACertificates('default'), ...getCACertificates('system'), ...extraCa];
  return new HttpsAgent({
    keepAlive: false,
    ca: [...new Set(roots)],
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  });
}

/** The code alone: a message may name the address, which may hold a secret. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

// A model provider for real Codex turns: the Responses API with server-sent events and WebSocket, over TLS.
// It plays a script: first the commands the agent shall run, one tool call, then a closing message.
import { createServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { WebSocketServer, type WebSocket } from 'ws';

/** What the provider saw. */
export interface ResponsesApi {
  readonly port: number;
  /** How each model request came: `POST` or `WS`, with its path and whether it carried a key. */
  readonly requests: {
    readonly how: 'POST' | 'WS';
    readonly path: string;
    readonly authorization: string;
  }[];
  /** What the agent's commands printed, as the agent sent it back. */
  readonly toolOutputs: string[];
  readonly close: () => Promise<void>;
}

interface ModelRequest {
  readonly model?: string;
  readonly generate?: boolean;
  readonly input?: readonly { readonly type: string; readonly output?: unknown }[];
}

/** Starts the provider on a free loopback port; `webSocket: false` answers upgrades with 426, as the real one may. */
export async function startResponsesApi(options: {
  readonly key: string;
  readonly cert: string;
  readonly command: string;
  readonly webSocket: boolean;
}): Promise<ResponsesApi> {
  const requests: ResponsesApi['requests'] = [];
  const toolOutputs: string[] = [];
  let serial = 0;

  const answer = (body: ModelRequest): object[] => {
    serial += 1;
    const outputs = (body.input ?? []).filter((item) => item.type === 'function_call_output');
    for (const item of outputs)
      toolOutputs.push(typeof item.output === 'string' ? item.output : JSON.stringify(item.output));
    return script(body, `resp_${serial}`, outputs.length > 0 ? undefined : options.command);
  };

  const server = createServer({ key: options.key, cert: options.cert }, (request, response) => {
    void readBody(request).then((text) => {
      const path = request.url ?? '';
      if (request.method !== 'POST' || !path.endsWith('/responses')) {
        response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
        return;
      }
      requests.push({ how: 'POST', path, authorization: request.headers.authorization ?? '' });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of answer(JSON.parse(text) as ModelRequest)) {
        response.write(
          `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`,
        );
      }
      response.end();
    });
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => undefined); // a client that drops its connection is not the provider's fault
    if (!options.webSocket) {
      socket.end('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    requests.push({
      how: 'WS',
      path: request.url ?? '',
      authorization: request.headers.authorization ?? '',
    });
    sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      webSocket.on('message', (data) => {
        const body = JSON.parse((data as Buffer).toString('utf8')) as ModelRequest;
        for (const event of answer(body)) webSocket.send(JSON.stringify(event));
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    toolOutputs,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The events of one answer, in the order the real provider sends them. */
function script(body: ModelRequest, id: string, command: string | undefined): object[] {
  const item =
    command === undefined
      ? {
          type: 'message',
          id: `msg_${id}`,
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'all done', annotations: [] }],
        }
      : {
          type: 'function_call',
          id: `fc_${id}`,
          call_id: `call_${id}`,
          name: 'exec_command',
          status: 'completed',
          arguments: JSON.stringify({ cmd: command, yield_time_ms: 30_000 }),
        };
  const response = (status: string, output: object[]): object => ({
    id,
    object: 'response',
    created_at: 1,
    status,
    model: body.model ?? 'none',
    output,
    usage: {
      input_tokens: 1,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 1,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 2,
    },
  });
  const created = { type: 'response.created', response: response('in_progress', []) };
  const events =
    body.generate === false
      ? [created, { type: 'response.completed', response: response('completed', []) }]
      : [
          created,
          { type: 'response.output_item.added', output_index: 0, item },
          { type: 'response.output_item.done', output_index: 0, item },
          { type: 'response.completed', response: response('completed', [item]) },
        ];
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}

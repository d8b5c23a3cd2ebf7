// A hook that is a program: started without a shell, given JSON on its input, asked for JSON on its output,
// and ended with everything it started once its time is over.
import { spawn, type ChildProcess } from 'node:child_process';
import {
  answerLimitBytes,
  failed,
  readAnswer,
  type HookEnd,
  type HookRunner,
} from './hook-answer.ts';

/** What to start. */
export interface CommandParts {
  readonly argv: readonly string[];
  readonly wantsAnswer: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/** Builds the runner of one program. */
export function createCommand({ argv, wantsAnswer, env, folder }: CommandParts): HookRunner {
  const [program = '', ...words] = argv;
  return async (text, signal) => {
    const { promise, resolve } = Promise.withResolvers<HookEnd>();
    let child: ChildProcess;
    try {
      child = spawn(program, words, {
        cwd: folder,
        env: hookEnvironment(env),
        stdio: ['pipe', wantsAnswer ? 'pipe' : 'ignore', 'ignore'],
        detached: process.platform !== 'win32', // a group of its own, which can be ended as one
        windowsHide: true,
      });
    } catch (error) {
      return notStarted(error); // a word that no argument may be
    }
    const stop = (end: HookEnd): void => {
      endGroup(child);
      resolve(end);
    };
    const onAbort = (): void => stop(failed('was stopped'));
    signal.addEventListener('abort', onAbort, { once: true });
    child.on('error', (error) => resolve(notStarted(error)));
    child.stdin?.on('error', () => undefined); // it may answer without reading
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout?.on('error', () => undefined);
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > answerLimitBytes)
        stop(failed(`answered with more than ${answerLimitBytes} bytes`));
      else chunks.push(chunk);
    });
    // `close` waits for the output; without an answer to wait for, what it left in the background is its own.
    child.on(wantsAnswer ? 'close' : 'exit', (code: number | null, killer: string | null) => {
      if (code !== 0) resolve(failed(`ended with ${killer ?? `status ${code}`}`));
      else resolve(wantsAnswer ? readAnswer(Buffer.concat(chunks)) : done);
    });
    child.stdin?.end(`${text}\n`);
    const end = await promise;
    signal.removeEventListener('abort', onAbort);
    child.stdout?.destroy();
    return end;
  };
}

const done: HookEnd = { status: 'done', answer: undefined };

/** Says which error of the system it was, and not which program: its path may be anybody's business. */
function notStarted(error: unknown): HookEnd {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return failed(`cannot be started (${code})`);
}

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid === undefined) return;
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

/** Ours (places of state and token), what secrets of ours are in, and what makes a Node trust or load anything. */
const withheld =
  /^(?:SALLYPORT_.*|OTEL_EXPORTER_OTLP_.*HEADERS|NODE_OPTIONS|NODE_TLS_REJECT_UNAUTHORIZED)$/i;

/** The user's environment without what is ours: a hook is told of questions, not of how to answer as us. */
export function hookEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: [string, string][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !withheld.test(name)) kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}

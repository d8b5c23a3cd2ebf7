// A git server over HTTP for tests: git's own CGI program behind a Node request handler.
import { execFileSync, spawn } from 'node:child_process';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { plainEnvironment } from './daemon.ts';

const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.test'];

/** Makes `<folder>/<name>.git`, a bare repository with one commit of one file. */
export function makeRepository(folder: string, name: string, file: string, text: string): void {
  const work = join(folder, `${name}-work`);
  const git = (args: readonly string[], input?: string): string =>
    execFileSync('git', [...author, ...args], { cwd: folder, env: plainEnvironment(), input })
      .toString()
      .trim();
  git(['init', '-q', '-b', 'main', work]);
  const blob = git(['-C', work, 'hash-object', '-w', '--stdin'], text);
  const tree = git(['-C', work, 'mktree'], `100644 blob ${blob}\t${file}\n`);
  const commit = git(['-C', work, 'commit-tree', tree, '-m', 'Add a file']);
  git(['-C', work, 'update-ref', 'refs/heads/main', commit]);
  git(['clone', '-q', '--bare', work, join(folder, `${name}.git`)]);
}

/** Serves every repository of a folder below `/git/`, by the smart protocol, read-only. */
export function createGitHandler(folder: string): RequestListener {
  return (request, response) => {
    const child = spawn('git', ['http-backend'], {
      env: plainEnvironment(cgiVariables(folder, request)),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => undefined); // it does not read the body of a request it refuses
    request.pipe(child.stdin);
    void answer(child.stdout, response); // a test sees the broken answer
  };
}

function cgiVariables(folder: string, request: IncomingMessage): NodeJS.ProcessEnv {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://inside');
  return {
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: pathname.replace(/^\/git/, ''),
    QUERY_STRING: searchParams.toString(),
    REQUEST_METHOD: request.method ?? 'GET',
    REMOTE_ADDR: '127.0.0.1',
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
  };
}

/** A CGI answer (RFC 3875 §6): fields, an empty line, the body. */
async function answer(output: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of output) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  const end = whole.indexOf('\r\n\r\n');
  for (const line of whole.toString('latin1', 0, end).split('\r\n')) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.end(whole.subarray(end + 4));
}

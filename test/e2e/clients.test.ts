// Real clients, started the way a developer starts them, through the real daemon: each reaches an allowed
// origin through the right door, and is told of a refusal in the words it can show.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WebSocketServer } from 'ws';
import {
  launcher,
  projectRoot,
  removeFolder,
  run,
  startSallyport,
  type Finished,
  type JournalLine,
  type RunningDaemon,
} from '../support/daemon.ts';
import { createGitHandler, makeRepository } from '../support/git-origin.ts';
import { createNpmHandler } from '../support/npm-origin.ts';
import { createAuthority } from '../support/tls.ts';

/** What a client is given to work with. */
interface Site {
  /** `https://curl-https.allowed.test:40001`, without a slash at its end. */
  readonly base: string;
  /** `socks5h://127.0.0.1:4129`. */
  readonly socks: string;
  /** The test's own root certificate. */
  readonly ca: string;
  /** An empty folder. */
  readonly folder: string;
}

interface Client {
  /** Also the first label of its hosts. */
  readonly name: string;
  readonly scheme: 'http' | 'https';
  readonly words: (site: Site) => readonly string[];
  readonly env?: (site: Site) => NodeJS.ProcessEnv;
  /** Its output, or with `made` what it left in its folder, when all is well. */
  readonly works: string | RegExp;
  readonly made?: string;
  readonly listener: 'http' | 'socks5';
  readonly protocol: 'http' | 'https_connect' | 'socks5_tcp';
  readonly method: string;
  /** How it ends and what it shows on refusal. */
  readonly refused: { readonly status: number; readonly shows: readonly RegExp[] };
}

const greeting = 'hello from the origin\n';
const phrase = /Forbidden by sallyport: \S+ is denied by a rule/;
const tunnel = { listener: 'http', protocol: 'https_connect', method: 'CONNECT' } as const;
const plain = { listener: 'http', protocol: 'http', method: 'GET' } as const;

/** A small program for the Node the tests run under. */
function nodeProgram(text: string, ...args: readonly string[]): string[] {
  return [process.execPath, '--input-type=module', '-e', text, ...args];
}

const fetchProgram = `
try {
  const response = await fetch(process.argv[1]);
  process.stdout.write(response.status + ' ' + (await response.text()));
  process.exitCode = response.ok ? 0 : 22;
} catch (error) {
  for (let cause = error; cause; cause = cause.cause) console.error(cause.code ?? '', cause.message);
  process.exitCode = 7;
}`;

const urllibProgram = `
import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())
`;

/** Node's own WebSocket; it sends ws:// as an upgrade in absolute form. */
const webSocketProgram = `
const socket = new WebSocket(process.argv[1]);
socket.onopen = () => socket.send('over and back');
socket.onmessage = ({ data }) => { console.log(data); socket.close(); };
socket.onerror = () => { console.error('an error, and nothing said of it'); process.exitCode = 7; };
`;

/** The ws package with a plain request to the proxy: an upgrade in absolute form. */
const absoluteUpgradeProgram = `
import net from 'node:net';
import { createRequire } from 'node:module';
const { WebSocket } = createRequire(process.argv[2])('ws');
const proxy = new URL(process.env.HTTP_PROXY);
const target = new URL(process.argv[1]);
const socket = new WebSocket(target, {
  createConnection: () => net.connect(Number(proxy.port), proxy.hostname),
  finishRequest: (request) => {
    request.path = 'http://' + target.host + target.pathname;
    request.end();
  },
});
socket.on('open', () => socket.send('over and back'));
socket.on('message', (data) => { console.log(String(data)); socket.close(); });
socket.on('unexpected-response', (request, response) => {
  console.error(response.statusCode, response.statusMessage);
  process.exitCode = 7;
  request.destroy();
});
socket.on('error', () => { process.exitCode = 7; });
`;

const toWs = (base: string): string => base.replace(/^http/, 'ws');

const clients: readonly Client[] = [
  {
    name: 'curl-https',
    scheme: 'https',
    words: ({ base }) => ['curl', '-sS', `${base}/hello`],
    env: ({ ca }) => ({ CURL_CA_BUNDLE: ca }),
    works: greeting,
    ...tunnel,
    refused: { status: 56, shows: [/CONNECT tunnel failed, response 403/] },
  },
  {
    name: 'curl-http',
    scheme: 'http',
    words: ({ base }) => ['curl', '-sS', '-i', `${base}/hello`],
    works: /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello from the origin\n$/,
    ...plain,
    refused: {
      status: 0,
      shows: [
        /^HTTP\/1\.1 403 /,
        phrase,
        /^x-proxy-error: blocked-by-denylist\r$/m,
        /"status":"blocked".*"reason":"denied","decision":"deny"/,
      ],
    },
  },
  {
    name: 'curl-socks',
    scheme: 'https',
    words: ({ base, socks }) => ['curl', '-sS', '--proxy', socks, `${base}/hello`],
    env: ({ ca }) => ({ CURL_CA_BUNDLE: ca }),
    works: greeting,
    listener: 'socks5',
    protocol: 'socks5_tcp',
    method: 'none',
    refused: { status: 97, shows: [/SOCKS5 connection .*\(2\)/] },
  },
  {
    name: 'git',
    scheme: 'https',
    words: ({ base, folder }) => ['git', 'clone', '-q', `${base}/git/one.git`, `${folder}/clone`],
    env: ({ ca }) => ({ GIT_SSL_CAINFO: ca, GIT_TERMINAL_PROMPT: '0' }),
    works: 'kept in git\n',
    made: 'clone/file.txt',
    ...tunnel,
    refused: { status: 128, shows: [/CONNECT tunnel failed, response 403/] },
  },
  ...(['https', 'http'] as const).map((scheme): Client => ({
    name: `npm-${scheme}`,
    scheme,
    words: ({ base, folder }) => [
      'npm',
      'install',
      'one-package',
      '--fetch-retries=0',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      `--prefix=${folder}`,
      `--cache=${folder}/cache`,
      '--userconfig=/dev/null',
      `--registry=${base}/`,
    ],
    env: ({ ca }) => ({ npm_config_cafile: ca }),
    works: 'module.exports = "kept in npm";\n',
    made: 'node_modules/one-package/index.js',
    ...(scheme === 'https' ? tunnel : plain),
    refused: { status: 1, shows: [/403/, phrase] },
  })),
  ...(['https', 'http'] as const).map((scheme): Client => ({
    name: `fetch-${scheme}`,
    scheme,
    words: ({ base }) => nodeProgram(fetchProgram, `${base}/hello`),
    env: ({ ca }) => ({ NODE_EXTRA_CA_CERTS: ca }),
    works: `200 ${greeting}`,
    ...(scheme === 'https' ? tunnel : plain),
    refused:
      scheme === 'https'
        ? { status: 7, shows: [/Proxy response \(403\)/] }
        : { status: 22, shows: [/^403 \{"status":"blocked".*"reason":"denied"/] },
  })),
  ...(['https', 'http'] as const).map((scheme): Client => ({
    name: `urllib-${scheme}`,
    scheme,
    words: ({ base }) => ['python3', '-c', urllibProgram, `${base}/hello`],
    env: ({ ca }) => ({ SSL_CERT_FILE: ca }),
    works: greeting,
    ...(scheme === 'https' ? tunnel : plain),
    refused: { status: 1, shows: [/403/, phrase] },
  })),
  ...(['https', 'http'] as const).map((scheme): Client => ({
    name: `wget-${scheme}`,
    scheme,
    words: ({ base, ca }) => ['wget', '-nv', `--ca-certificate=${ca}`, '-O', '-', `${base}/hello`],
    works: greeting,
    ...(scheme === 'https' ? tunnel : plain),
    refused: { status: scheme === 'https' ? 4 : 8, shows: [phrase] },
  })),
  ...(['https', 'http'] as const).map((scheme): Client => ({
    name: `websocket-${scheme}`,
    scheme,
    words: ({ base }) => nodeProgram(webSocketProgram, toWs(base)),
    env: ({ ca }) => ({ NODE_EXTRA_CA_CERTS: ca }),
    works: 'over and back\n',
    ...(scheme === 'https' ? tunnel : plain),
    refused: { status: 7, shows: [/nothing said of it/] },
  })),
  {
    name: 'websocket-absolute',
    scheme: 'http',
    words: ({ base }) =>
      nodeProgram(absoluteUpgradeProgram, toWs(base), join(projectRoot, 'package.json')),
    works: 'over and back\n',
    ...plain,
    refused: { status: 7, shows: [/^403 /, phrase] },
  },
];

/** pip gets no source of packages here: only what it says of a refusal is looked at. */
const pip = {
  name: 'pip',
  words: ({ base, folder }: Site): string[] => [
    'python3',
    '-m',
    'pip',
    'download',
    'one-package',
    `--index-url=${base}/simple`,
    '--no-deps',
    '--no-cache-dir',
    '--disable-pip-version-check',
    '--retries=1',
    `--dest=${folder}`,
  ],
};

/** The machine's own sources would answer beside the one of the test; pip takes an empty variable for none. */
const noPipSettings = {
  PIP_CONFIG_FILE: '/dev/null',
  PIP_EXTRA_INDEX_URL: '',
  PIP_FIND_LINKS: '',
  PIP_NO_INDEX: '',
};

describe('real clients', { timeout: 300_000 }, () => {
  let daemon: RunningDaemon;
  let folder = '';
  let ca = '';
  const servers: (http.Server | https.Server)[] = [];
  const ports = { http: 0, https: 0 };
  let accepted = 0;
  /** What the origins saw: `Host` and target of every request. */
  const seen: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-clients-'));
    ca = join(folder, 'root.pem');
    const authority = createAuthority();
    writeFileSync(ca, authority.certificate);
    makeRepository(folder, 'one', 'file.txt', 'kept in git\n');
    const names = clients.map(({ name }) => `${name}.allowed.test`);
    servers.push(http.createServer(), https.createServer(authority.issue(names)));
    for (const [index, scheme] of (['http', 'https'] as const).entries()) {
      const server = servers[index] as Server;
      server.on('connection', () => (accepted += 1));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ports[scheme] = (server.address() as AddressInfo).port;
      serve(servers[index] as http.Server, scheme);
    }
    const denied = [...clients.map(({ name }) => name), pip.name].map(
      (name) => `${name}.denied.test`,
    );
    daemon = await startSallyport({
      hosts: Object.fromEntries([...names, ...denied].map((name) => [name, '127.0.0.1'])),
      config: `[network]
allowed_domains = ["*.allowed.test", "127.0.0.1:${ports.http}", "127.0.0.1:${ports.https}"]
denied_domains = ["*.denied.test"]
`,
    });
  });
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    removeFolder(folder);
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  function serve(server: http.Server, scheme: 'http' | 'https'): void {
    const packages = createNpmHandler(
      folder,
      `${scheme}://npm-${scheme}.allowed.test:${ports[scheme]}`,
      {
        name: 'one-package',
        version: '1.2.3',
        text: 'kept in npm',
      },
    );
    const repositories = createGitHandler(folder);
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket, request) => {
      seen.push(`${request.headers.host} ${request.url}`);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    const handle: RequestListener = (request, response) => {
      seen.push(`${request.headers.host} ${request.url}`);
      if (request.url === '/hello') response.end(greeting);
      else if (request.url?.startsWith('/git/')) repositories(request, response);
      else packages(request, response);
    };
    server.on('request', handle);
  }

  function siteFor(host: string, scheme: 'http' | 'https'): Site {
    const own = join(folder, host);
    mkdirSync(own);
    return {
      base: `${scheme}://${host}:${ports[scheme]}`,
      socks: `socks5h://127.0.0.1:${daemon.socks}`,
      ca,
      folder: own,
    };
  }

  const exec = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
    run(launcher, ['exec', '--', ...words], { env: { ...daemon.env, ...env }, cwd: folder });

  /** The decisions about one host, in the words of the audit trail. */
  const decisionsOn = (host: string): Record<string, unknown>[] =>
    daemon
      .decisions()
      .filter(({ attributes }) => attributes['server.address'] === host)
      .map(inShort);

  for (const { name, scheme, words, env, works, made, refused, ...record } of clients) {
    it(`${name} reaches an allowed host through the gate`, async () => {
      const host = `${name}.allowed.test`;
      const site = siteFor(host, scheme);
      const done = await exec(words(site), env?.(site));
      assert.equal(done.status, 0, `${done.stdout}\n${done.stderr}`);
      const output =
        made === undefined ? done.stdout : readFileSync(join(site.folder, made), 'utf8');
      if (typeof works === 'string') assert.equal(output, works);
      else assert.match(output, works);
      assert.ok(seen.some((request) => request.startsWith(`${host}:${ports[scheme]} /`)));
      const want = { ...record, port: ports[scheme], decision: 'allow', reason: 'allow' };
      const decisions = decisionsOn(host);
      assert.ok(decisions.length > 0, 'the way through the gate is recorded');
      for (const decision of decisions) {
        // npm and git ask several times, git also with POST inside its tunnel.
        assert.deepEqual(decision, want);
      }
    });

    it(`${name} shows that a denied host is refused`, async () => {
      const host = `${name}.denied.test`;
      const acceptedBefore = accepted;
      const site = siteFor(host, scheme);
      const done = await exec(words(site), env?.(site));
      const shown = done.stdout + done.stderr;
      assert.equal(done.status, refused.status, shown);
      for (const pattern of refused.shows) assert.match(shown, pattern);
      assert.equal(accepted, acceptedBefore, 'nothing is dialled');
      const want = { ...record, port: ports[scheme], decision: 'deny', reason: 'denied' };
      assert.deepEqual(decisionsOn(host)[0], want);
    });
  }

  it('pip shows the refusal in words', async () => {
    const site = siteFor(`${pip.name}.denied.test`, 'https');
    const done = await exec(pip.words(site), noPipSettings);
    assert.equal(done.status, 1, done.stderr);
    assert.match(done.stdout + done.stderr, phrase);
  });
});

function inShort({ attributes }: JournalLine): Record<string, unknown> {
  return {
    listener: attributes['sallyport.listener'],
    protocol: attributes['network.transport.protocol'],
    method: attributes['http.request.method'],
    port: attributes['server.port'],
    decision: attributes['network.policy.decision'],
    reason: attributes['network.policy.reason'],
  };
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createAskerFinder, createUserCheck } from '../../../src/approval/asker.ts';
import type { FindAsker } from '../../../src/approval/asker.ts';
import { isInsideTree, programOf, treeOf } from '../../../src/approval/process-tree.ts';
import type { Asker } from '../../../src/approval/process-tree.ts';
import type { ClientAddress } from '../../../src/policy/decision.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-asker-'));
const mainFile = join(folder, 'main.ts');
const client = join(folder, 'client.mjs');
const server = createServer();
const children = new Set<ChildProcess>();
let find: FindAsker;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Stands for src/main.ts: `exec -- CMD …` runs CMD and stays its parent.
  writeFileSync(
    mainFile,
    `import { spawn } from 'node:child_process';
     const [program, ...args] = process.argv.slice(process.argv.indexOf('--') + 1);
     spawn(program, args, { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));`,
  );
  // Opens \`count\` connections and keeps them until the other side closes.
  writeFileSync(
    client,
    `import { connect } from 'node:net';
     const [port, count = '1', host = '127.0.0.1'] = process.argv.slice(2);
     for (let n = 0; n < Number(count); n += 1) connect(Number(port), host).on('error', () => {}).resume();`,
  );
  find = createAskerFinder({ mainFile, now: () => performance.now() });
});

after(() => {
  server.close();
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const port = () => String((server.address() as AddressInfo).port);

function run(command: string, args: readonly string[], input?: string): ChildProcess {
  const child = spawn(command, [...args], { stdio: ['pipe', 'ignore', 'ignore'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  child.stdin.on('error', () => undefined);
  if (input !== undefined) child.stdin.write(input);
  return child;
}

async function accept(count = 1): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly Socket[]>();
  const onConnection = (socket: Socket) => {
    socket.on('error', () => undefined);
    if (sockets.push(socket) === count) resolve(sockets);
  };
  server.on('connection', onConnection);
  try {
    return await promise;
  } finally {
    server.off('connection', onConnection);
  }
}

function addressOf({ remoteAddress = '', remotePort = 0, localPort = 0 }: Socket): ClientAddress {
  return { address: remoteAddress, port: remotePort, localPort };
}

/** Runs the command, waits for its connection and gives who it is. */
async function askerOf(command: string, args: readonly string[], input?: string): Promise<Asker> {
  const accepted = accept();
  const child = run(command, args, input);
  const [socket] = await accepted;
  assert.ok(socket);
  const asker = await find(addressOf(socket));
  socket.destroy();
  child.stdin?.end();
  assert.ok(asker, 'the asker is found');
  return asker;
}

/** A shell as a person has it: interactive, on a terminal of its own. */
async function askerFromTerminal(command: string): Promise<Asker> {
  const shell = 'bash --norc --noprofile -i';
  return await askerOf('script', ['-qec', shell, '/dev/null'], `${command}\n`);
}

const curl = () => `curl -s --max-time 20 http://127.0.0.1:${port()}/`;

describe('createAskerFinder', () => {
  it('finds the process, its command line and its parents', async () => {
    const args = ['-s', '-H', 'Authorization: Bearer secret', `http://me:pw@127.0.0.1:${port()}/`];
    const { process: found, ancestors } = await askerOf('curl', args);
    assert.deepEqual(
      [programOf(found), found.commandLine, found.cwd, found.uid, found.isExec, found.isShell],
      [
        'curl',
        ['curl', '-s', '-H', 'Authorization: ***', `http://***@127.0.0.1:${port()}/`],
        process.cwd(),
        process.getuid?.(),
        false,
        false,
      ],
    );
    assert.equal(ancestors[0]?.pid, process.pid);
    assert.match(found.started, /^[0-9]+$/);
  });

  it('finds the owner of each of 300 connections that come at once', async () => {
    const accepted = accept(300);
    const child = run(process.execPath, [client, port(), '300']);
    const sockets = await accepted;
    const askers = await Promise.all(sockets.map(async (socket) => await find(addressOf(socket))));
    for (const socket of sockets) socket.destroy();
    assert.deepEqual(new Set(askers.map((asker) => asker?.process.pid)), new Set([child.pid]));
  });

  it('finds a client whose socket is IPv6 though the connection is IPv4', async () => {
    const { process: found } = await askerOf(process.execPath, [
      client,
      port(),
      '1',
      '::ffff:127.0.0.1',
    ]);
    assert.equal(basename(found.commandLine[1] ?? ''), 'client.mjs');
  });

  it('finds a client in a session of its own', async () => {
    const { process: found } = await askerOf('setsid', [
      '--wait',
      process.execPath,
      client,
      port(),
    ]);
    assert.equal(basename(found.commandLine[1] ?? ''), 'client.mjs');
  });

  it('finds nobody for a connection that is not there', async () => {
    assert.equal(
      await find({ address: '127.0.0.1', port: 1, localPort: Number(port()) }),
      undefined,
    );
    assert.equal(await find({ address: 'nonsense', port: 1, localPort: 2 }), undefined);
  });

  it('finds nobody once the client has gone', async () => {
    const accepted = accept();
    const child = run(process.execPath, [client, port()]);
    const [socket] = await accepted;
    assert.ok(socket);
    const address = addressOf(socket);
    const closed = once(socket, 'close');
    socket.resume();
    child.kill('SIGKILL');
    await closed;
    assert.equal(await find(address), undefined);
  });

  it('gives up at its deadline', async (context) => {
    const accepted = accept();
    const child = run(process.execPath, [client, port()]);
    const [socket] = await accepted;
    assert.ok(socket);
    const timeout = context.mock.method(AbortSignal, 'timeout', () => AbortSignal.abort());
    assert.equal(await find(addressOf(socket)), undefined);
    timeout.mock.restore();
    assert.equal((await find(addressOf(socket)))?.process.pid, child.pid, 'it was there to find');
    socket.destroy();
  });

  it('finds nobody where the platform does not tell', async () => {
    const elsewhere = createAskerFinder({ mainFile, now: () => 0, platform: 'darwin' });
    assert.equal(await elsewhere({ address: '127.0.0.1', port: 1, localPort: 2 }), undefined);
  });
});

describe('trees of real processes', () => {
  const exec = (main: string) => [main, 'exec', '--', 'sh', '-c', `${curl()}; true`];

  it('end at the exec, by whatever path it was started', async () => {
    const link = join(folder, 'linked');
    symlinkSync(folder, link);
    for (const main of [mainFile, join(link, 'main.ts')]) {
      const asker = await askerOf(process.execPath, exec(main));
      const { members } = treeOf(asker);
      assert.deepEqual(
        members.map((process) => process.isExec),
        [false, false, true],
      );
    }
  });

  it('do not end at another program of that name', async () => {
    const impostor = join(mkdtempSync(join(folder, 'other-')), 'main.ts');
    writeFileSync(
      impostor,
      "import { spawn } from 'node:child_process'; spawn(process.argv[4], process.argv.slice(5));",
    );
    const asker = await askerOf(process.execPath, exec(impostor));
    assert.equal(
      asker.ancestors.some((process) => process.isExec),
      false,
    );
  });

  it('end below an interactive shell, so that its owner may answer from it', async () => {
    const agent = await askerFromTerminal(`sh -c '${curl()}; true'`);
    const { members } = treeOf(agent);
    assert.deepEqual(members.map(programOf).at(0), 'curl');
    assert.equal(
      members.some((process) => process.isShell && process.hasTerminal),
      false,
    );
    assert.equal(
      agent.ancestors.some((process) => process.isShell && process.hasTerminal),
      true,
    );
  });

  it('keep another terminal outside and everything of the agent inside', async () => {
    const agentScript = `sh -c '${curl()}; sh -c "${curl()}; true"; true'`;
    const first = accept();
    const child = run(
      'script',
      ['-qec', 'bash --norc --noprofile -i', '/dev/null'],
      `${agentScript}\n`,
    );
    const [asking] = await first;
    assert.ok(asking);
    const asker = await find(addressOf(asking));
    const second = accept();
    asking.destroy();
    const [answering] = await second;
    assert.ok(answering);
    const caller = await find(addressOf(answering));
    const person = await askerFromTerminal(curl());
    answering.destroy();
    child.stdin?.end();
    assert.ok(asker && caller);
    assert.deepEqual([isInsideTree(caller, asker), isInsideTree(person, asker)], [true, false]);
  });

  it('know a program that cut itself off from its parents by the proxy it was started with', async () => {
    const asker = await askerOf(process.execPath, exec(mainFile));
    const detached = ['setsid', '-f', process.execPath, client, port()];
    const orphan = await askerOf('env', [`HTTPS_PROXY=http://127.0.0.1:${port()}`, ...detached]);
    const service = await askerOf('env', detached);
    assert.deepEqual(orphan.process.proxyPorts, [Number(port())]);
    assert.deepEqual([isInsideTree(orphan, asker), isInsideTree(service, asker)], [true, false]);
  });
});

describe('createUserCheck', () => {
  it('tells our own connections from those of another user, and knows none that is not there', async () => {
    const accepted = accept();
    run(process.execPath, [client, port()]);
    const [socket] = await accepted;
    assert.ok(socket);
    const address = addressOf(socket);
    const own = process.geteuid?.() ?? 0;
    assert.equal(await createUserCheck('linux', own)?.(address), false);
    assert.equal(await createUserCheck('linux', own + 1)?.(address), true);
    assert.equal(await createUserCheck('linux', own + 1, [own])?.(address), false);
    assert.equal(await createUserCheck('linux', own + 1)?.({ ...address, localPort: 1 }), false);
    socket.destroy();
  });

  it('is not there where the system has no tables', () =>
    assert.equal(createUserCheck('darwin'), undefined));
});

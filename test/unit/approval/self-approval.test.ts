import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createAnswers } from '../../../src/approval/answers.ts';
import type { SelfApproval } from '../../../src/approval/answers.ts';
import { createAskerFinder } from '../../../src/approval/asker.ts';
import { createHolds } from '../../../src/approval/holds.ts';
import type { Holds } from '../../../src/approval/holds.ts';
import { openBench, token } from '../../support/control.ts';
import { makeDestination, makeRequest } from '../../support/asking.ts';
import { makeHoldsParts } from '../../support/holds.ts';

const clientModule = new URL('../../../src/control/client.ts', import.meta.url).href;

/** A program that answers the question and prints what became of it. */
const approveText = `
  import { createControlClient } from ${JSON.stringify(clientModule)};
  export async function approve(url, id, lasts) {
    const client = createControlClient({ url, token: ${JSON.stringify(token)} });
    const { outcome } = await client.answer(id, { outcome: 'allow', for: lasts }).catch((error) => ({ outcome: error.reason }));
    return outcome;
  }
  if (process.argv[1] === import.meta.filename) console.log(await approve(...process.argv.slice(2)));`;

/** The agent: asks the door, waits for its line (the question's id), tries to answer it itself, then waits. */
const agentText = (folder: string) => `
  import { connect } from 'node:net';
  import { execFileSync } from 'node:child_process';
  const [door, url] = process.argv.slice(2);
  const socket = connect(Number(door), '127.0.0.1');
  socket.setEncoding('utf8').once('data', (id) => {
    const said = execFileSync(process.execPath, [${JSON.stringify(join(folder, 'approve.mjs'))}, url, id, 'once']);
    socket.write(said);
  });`;

const execText = `
  import { spawn } from 'node:child_process';
  spawn(process.execPath, process.argv.slice(3), { stdio: 'inherit' }).on('exit', () => process.exit());`;

interface Scene {
  readonly holds: Holds;
  readonly told: SelfApproval[];
  /** What the agent was told when it answered for itself. */
  readonly agentSaid: string;
  readonly person: (lasts: string) => Promise<string>;
}

/** An agent under `exec` asks and answers for itself; everything is real but the daemon around it. */
async function play(context: TestContext, allowSelf: boolean): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-self-'));
  const mainFile = join(folder, 'main.ts');
  writeFileSync(mainFile, execText);
  writeFileSync(join(folder, 'approve.mjs'), approveText);
  writeFileSync(join(folder, 'agent.mjs'), agentText(folder));
  const told: SelfApproval[] = [];
  const findAsker = createAskerFinder({ mainFile, now: () => performance.now() });
  const holds = createHolds(
    makeHoldsParts({ findAsker, onBug: (error) => assert.fail(String(error)) }),
  );
  const answer = createAnswers({
    holds,
    findAsker,
    findProcess: () => Promise.resolve(undefined),
    userName: String,
    allowSelfApproval: () => allowSelf,
    onSelfApproval: (self) => told.push(self),
  });
  const { url } = await openBench(context, { answer });
  const said = Promise.withResolvers<string>();
  const door = createServer((socket) => {
    const client = {
      address: '127.0.0.1',
      port: socket.remotePort ?? 0,
      localPort: socket.localPort ?? 0,
    };
    socket.on('error', () => undefined);
    void holds.hold(
      makeRequest(makeDestination('a.example'), { client }),
      new AbortController().signal,
    );
    socket.setEncoding('utf8').once('data', (text) => {
      said.resolve(String(text).trim());
    });
    socket.write('a1');
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  const { port } = door.address() as AddressInfo;
  const agent = spawn(
    process.execPath,
    [mainFile, 'exec', join(folder, 'agent.mjs'), String(port), url],
    { stdio: ['ignore', 'ignore', 'inherit'], detached: true },
  );
  context.after(() => {
    if (agent.pid !== undefined) process.kill(-agent.pid, 'SIGKILL');
    door.close();
    holds.stop();
    rmSync(folder, { recursive: true });
  });
  const agentSaid = await said.promise;
  const person = async (lasts: string) => {
    const args = [join(folder, 'approve.mjs'), url, 'a1', lasts];
    return (await promisify(execFile)(process.execPath, args)).stdout.trim();
  };
  return { holds, told, agentSaid, person };
}

describe('an answer over the control port', () => {
  it('is refused and told when it comes from the asking tree, and taken from elsewhere', async (context) => {
    const { holds, told, agentSaid, person } = await play(context, false);
    assert.equal(agentSaid, 'self_approval');
    assert.deepEqual(
      told.map(({ id, outcome, taken }) => [id, outcome, taken]),
      [['a1', 'allow', false]],
    );
    assert.equal(holds.counts().holds, 1);
    assert.equal(await person('once'), 'allow');
    assert.equal(holds.counts().holds, 0);
    assert.equal(await person('once'), 'gone');
  });
  it('is taken and told where the configuration says so', async (context) => {
    const { holds, told, agentSaid } = await play(context, true);
    assert.equal(agentSaid, 'allow');
    assert.deepEqual(
      told.map(({ taken }) => taken),
      [true],
    );
    assert.equal(holds.counts().holds, 0);
  });
});

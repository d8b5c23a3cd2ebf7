// What the running daemon says of questions: what a host looks like, what became of it before, which card it
// stands on, and that a program which asks for too much is refused until a person lifts it.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { createControlClient } from '../../src/control/client.ts';
import type { GroupView } from '../../src/control/messages.ts';
import {
  eventually,
  launcher,
  projectRoot,
  removeFolder,
  startSallyport,
  type RunningDaemon,
} from '../support/daemon.ts';

const config = '[network]\nallowed_domains = ["files.example.net"]\n';

interface Asking {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly end: () => Promise<void>;
}

/** One curl for all of these, under `sallyport exec`, so that it is a tree of its own. */
function ask(daemon: RunningDaemon, ...urls: readonly string[]): Asking {
  const words = ['exec', '--', 'curl', '-s', '-Z', '--parallel-immediate', '--parallel-max', '60'];
  const child = spawn(launcher, [...words, ...urls], {
    cwd: projectRoot,
    env: daemon.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const closed = once(child, 'close');
  const end = async (): Promise<void> => {
    child.kill();
    await closed;
  };
  return { child, output: () => stdout, end };
}

async function pending(daemon: RunningDaemon): Promise<readonly GroupView[]> {
  return (await createControlClient({ state: daemon.state }).pending()).groups;
}

describe('a question on the running daemon', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startSallyport({ config });
  });
  after(async () => {
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  it('says what its host looks like, and may not be allowed by one click', async () => {
    const asking = ask(daemon, 'http://files.exarnple.net/up/token/abcd1234?q=secret');
    const view = await daemon.question('files.exarnple.net');
    const { facts, warnings, quickAllow, request, wildcards, why } = view;
    const sentence = 'files.exarnple.net looks like files.example.net: "rn" for "m".';
    assert.deepEqual(
      { lookAlike: facts.lookAlike, warnings, quickAllow, request, why },
      {
        lookAlike: { of: 'files.example.net', kind: 'confusable', sentence },
        warnings: [sentence],
        quickAllow: false,
        request: 'GET /up/token/***',
        why: 'no_rule',
      },
    );
    assert.deepEqual(wildcards, [{ host: '*.exarnple.net', covers: ['files.exarnple.net'] }]);
    const [curl] = await eventually('curl is known', async () => {
      const [group] = await pending(daemon);
      return group !== undefined && group.askers.length > 0 ? group.askers : undefined;
    });
    assert.deepEqual([curl?.program, curl?.repository === null], ['curl', false]);
    await asking.end();
  });

  it('says that a person denied it before, also after a restart', async () => {
    const asking = ask(daemon, 'https://api.quiet.test/');
    const { id } = await daemon.question('api.quiet.test');
    assert.equal((await daemon.sallyport(['deny', id])).status, 0);
    await asking.end();
    await daemon.sallyport(['undo', id]); // or the next try would be refused for a minute
    const again = ask(daemon, 'https://api.quiet.test/');
    const asked = await daemon.question('api.quiet.test');
    assert.equal(asked.why, 'denied_before');
    assert.match(asked.whySentence, /^It was denied once before, at \d\d:\d\d\.$/);
    await again.end();
    await daemon.stop();
    daemon = await startSallyport({ config, folder: daemon.folder });
    const later = ask(daemon, 'https://api.quiet.test/');
    await daemon.question('api.quiet.test');
    const view = await eventually('the journal has been read', async () => {
      const group = (await pending(daemon)).find(({ host }) => host === 'api.quiet.test');
      return group?.why === 'denied_before' ? group : undefined;
    });
    assert.equal(view.facts.denied, 1);
    await later.end();
  });

  it('stands on one card with what the same program asks at once', async () => {
    const hosts = ['one.quiet.test', 'two.other.test', 'three.third.test'];
    const asking = ask(daemon, ...hosts.map((host) => `https://${host}/`));
    const cards = await eventually('all stand on a card', async () => {
      const groups = (await pending(daemon)).filter(({ host }) => hosts.includes(host));
      const found = groups.map(({ bundle }) => bundle);
      return found.length === 3 && found.every((card) => card !== null) ? found : undefined;
    });
    assert.equal(new Set(cards.map((card) => card.id)).size, 1);
    assert.equal(cards[0]?.title, 'curl asks for 3 new hosts');
    await asking.end();
  });

  it('is suggested to be denied when its name may carry data', async () => {
    const hosts = Array.from({ length: 9 }, (_, n) => `chunk${n}.leak.test`);
    const asking = ask(daemon, ...hosts.map((host) => `https://${host}/`));
    const groups = await eventually('nine names', async () => {
      const found = (await pending(daemon)).filter(({ host }) => hosts.includes(host));
      return found.length === 9 && found[0]?.bundle?.suggests === 'deny' ? found : undefined;
    });
    const titles = new Set(groups.map(({ bundle }) => bundle?.title));
    assert.deepEqual([...titles], ['9 names below leak.test: names may carry data']);
    assert.ok(groups.every(({ quickAllow }) => !quickAllow));
    await asking.end();
  });
});

describe('a program that asks for too much', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startSallyport({ config });
  });
  after(async () => {
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  it('is refused without a question until it is lifted, and leaves others alone', async () => {
    const hosts = Array.from({ length: 25 }, (_, n) => `many${n}.domain${n}.test`);
    const flood = ask(daemon, ...hosts.map((host) => `http://${host}/`));
    await eventually('five are refused', () => {
      const told = /asked for too many new destinations and is refused until a person looks/g;
      return flood.output().match(told)?.length === 5 || undefined;
    });
    assert.equal((await pending(daemon)).length, 20);
    const other = ask(daemon, 'https://another.quiet.test/');
    await daemon.question('another.quiet.test');
    const client = createControlClient({ state: daemon.state });
    assert.equal((await client.pending()).groups.length, 21);
    await client.lift('f1');
    await assert.rejects(client.lift('f1'), { code: 'ERR_CONTROL_REFUSED', status: 404 });
    await Promise.all([flood.end(), other.end()]);
  });
});

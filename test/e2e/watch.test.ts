// `sallyport watch` in a real terminal, against a real daemon: what waits appears, only two steps answer it, and
// the terminal comes back as it was.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { GroupView } from '../../src/control/messages.ts';
import {
  eventually,
  launcher,
  removeFolder,
  run,
  startSallyport,
  type Finished,
  type RunningDaemon,
} from '../support/daemon.ts';
import { openTerminal, terminalEnvironment, type Terminal } from '../support/terminal.ts';

const names = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'].map(
  (name) => `${name}.test`,
);

describe('watch', { timeout: 180_000 }, () => {
  let origin: Server;
  let port: number;
  let daemon: RunningDaemon;
  let terminal: Terminal;

  before(async () => {
    origin = createServer((_request, response) => response.end('origin\n'));
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    ({ port } = origin.address() as AddressInfo);
    daemon = await start();
    terminal = openTerminal(terminalEnvironment(daemon.state));
    terminal.type('echo "before the watch"');
    terminal.keys('Enter');
    await terminal.shows(/^before the watch$/m);
    await startWatch();
  });

  after(async () => {
    terminal.close();
    await daemon.stop();
    origin.closeAllConnections();
    origin.close();
    removeFolder(daemon.folder);
  });

  async function start(folder?: string): Promise<RunningDaemon> {
    return await startSallyport({
      hosts: Object.fromEntries(names.map((name) => [name, '127.0.0.1'])),
      config: `[network]\nallowed_domains = ["127.0.0.1:${port}"]\n`,
      ...(folder === undefined ? undefined : { folder }),
    });
  }

  async function startWatch(): Promise<void> {
    terminal.type(`'${launcher}' watch; echo "ended $?"`);
    terminal.keys('Enter');
    await terminal.shows(/^sallyport · nothing waits[^]*^ready /m);
  }

  /** A curl that asks for this host from inside `sallyport exec`; resolves with the status it got. */
  function ask(host: string): Promise<Finished> {
    const words = ['curl', '-sS', '-m', '90', '-o', '/dev/null', '-w', '%{http_code}'];
    return run(launcher, ['exec', '--', ...words, `http://${host}:${port}/`], {
      env: daemon.env,
      timeoutMs: 100_000,
    });
  }

  /** Its line is on the screen, and keys that answer would count. */
  async function isShown(host: string): Promise<void> {
    await terminal.shows(new RegExp(`${host}:${port}[^]*^ready `, 'm'));
  }

  async function question(host: string): Promise<GroupView | undefined> {
    const { stdout } = await daemon.sallyport(['pending', '--json']);
    const { groups } = JSON.parse(stdout) as { groups: GroupView[] };
    return groups.find((group) => group.host === host);
  }

  it('shows a held curl, lets no stray key answer it, and lets it go by two steps', async () => {
    const asking = ask('first.test');
    await isShown('first.test');
    terminal.keep('watch-list');
    for (const key of ['Enter', 'y', 'a', 'd', 'Space', 't', 'h', 'p', 'g', 'x', 'Tab', 'Enter']) {
      terminal.keys(key);
    }
    await terminal.shows(/choose a question first/);
    assert.equal((await question('first.test'))?.waiting, 1);

    terminal.keys('j');
    await terminal.shows(/^> [a-z]\d+ .*first\.test/m);
    // as somebody types who does not look: the verb, and Enter right behind it
    terminal.keys('a', 'Enter', 'Enter');
    await terminal.shows(/Allow [^]*first\.test[^]*^ready /m);
    assert.equal((await question('first.test'))?.waiting, 1, 'Enter within the dead time answers');
    terminal.paste('\r');
    terminal.keep('watch-answer');
    terminal.keys('Enter');
    await terminal.shows(/allowed [a-z]\d+: 1 connection goes on; u undoes it/);
    assert.equal((await asking).stdout, '200');
    await terminal.shows(/allowed once · first\.test:\d+ · .* \(watch\)/);
  });

  it('takes the answer back', async () => {
    terminal.keys('u');
    await terminal.shows(/undone [a-z]\d+: allow first\.test/);
    await terminal.shows(/allowed once, undone since · first\.test/);
  });

  it('denies, and never moves the choice to another question', async () => {
    const asking = ask('second.test');
    await isShown('second.test');
    terminal.keys('Escape');
    await terminal.shows(/j\/k choose {2}\? help/);
    terminal.keys('k');
    await terminal.shows(/^> [a-z]\d+ .*second\.test/m);
    const other = ask('third.test');
    await isShown('third.test');
    await terminal.shows(/^> [a-z]\d+ .*second\.test/m);
    terminal.keys('d');
    await terminal.shows(/^Deny [a-z]\d+: second\.test[^]*^ready /m);
    terminal.keys('Enter');
    await terminal.shows(/denied [a-z]\d+: 1 connection refused/);
    assert.equal((await asking).stdout, '403');
    assert.equal((await question('third.test'))?.waiting, 1, 'the other one still waits');
    // what is answered from elsewhere while its panel is open closes the panel
    terminal.keys('j');
    await terminal.shows(/^> [a-z]\d+ .*third\.test/m);
    terminal.keys('a');
    await terminal.shows(/^Allow [a-z]\d+: third\.test[^]*^ready /m);
    const { id = '' } = (await question('third.test')) ?? {};
    assert.equal((await daemon.sallyport(['allow', id])).status, 0);
    await terminal.shows(/[a-z]\d+ was allowed once by .* \(cli\)/);
    terminal.keys('Enter', 'Escape');
    assert.equal((await other).stdout, '200');
  });

  it('holds a question longer', async () => {
    const asking = ask('fourth.test');
    await isShown('fourth.test');
    terminal.keys('j');
    await terminal.shows(/^> [a-z]\d+ .*fourth\.test/m);
    await terminal.shows(/^ready /m);
    terminal.keys('+');
    await terminal.shows(/[a-z]\d+ waits until \d\d:\d\d/);
    const { id = '' } = (await question('fourth.test')) ?? {};
    assert.equal((await daemon.sallyport(['deny', id])).status, 0);
    assert.equal((await asking).stdout, '403');
  });

  it('fits 40 columns and 10 rows, and what it had before', async () => {
    terminal.keys('Escape');
    await terminal.shows(/^ready j\/k choose {2}\? help/m);
    terminal.resize(40, 10);
    const small = await terminal.shows(/^ready j\/k choose.*…$/m);
    assert.equal(small.trimEnd().split('\n').length, 10);
    assert.match(small, /^sallyport · nothing waits$/m);
    terminal.keys('?');
    await terminal.shows(/^d a +deny or allow/m);
    terminal.keys('x');
    terminal.resize(80, 24);
    const large = await terminal.shows(/^ready j\/k choose.*! panic$/m);
    assert.equal(large.trimEnd().split('\n').length, 24);
  });

  it('panics and reopens, asking each time', async () => {
    terminal.keys('!');
    await terminal.shows(/Panic: deny everything/);
    terminal.keys('Enter');
    await terminal.shows(/nothing was done/);
    terminal.keys('!', 'y');
    await terminal.shows(/^sallyport · PANIC since/m);
    terminal.keep('watch-panic');
    await terminal.shows(/^ready /m);
    terminal.keys('!', 'y');
    await terminal.shows(/^sallyport · nothing waits/m);
  });

  it('says that the daemon is away, and goes on when it is back', async () => {
    await daemon.stop();
    await terminal.shows(/^sallyport · trying again/m);
    daemon = await start(daemon.folder);
    await terminal.shows(/^sallyport · nothing waits/m);
    const asking = ask('fifth.test');
    await isShown('fifth.test');
    const { id = '' } = (await question('fifth.test')) ?? {};
    assert.equal((await daemon.sallyport(['deny', id])).status, 0);
    assert.equal((await asking).stdout, '403');
  });

  async function isBack(ended: RegExp): Promise<void> {
    await terminal.shows(ended);
    await terminal.shows(/^before the watch$/m);
    terminal.keys('C-l');
    terminal.type('stty -a | tr " ;" "\\n\\n" | grep -xE -- "-?(echo|icanon|isig)" | xargs');
    terminal.keys('Enter');
    const text = await terminal.shows(/^-?isig .*$/m);
    assert.match(text, /^isig icanon echo$/m);
    terminal.type('clear; echo "before the watch"');
    terminal.keys('Enter');
    await terminal.shows(/^before the watch$/m);
  }

  it('gives the terminal back at q, Ctrl-C and a signal', async () => {
    terminal.keys('q');
    await isBack(/^ended 0$/m);
    await startWatch();
    terminal.keys('C-c');
    await isBack(/^ended 0$/m);
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      await startWatch();
      const pid = await eventually('the watch runs', () => terminal.child());
      process.kill(pid, signal);
      await isBack(new RegExp(`^ended ${status}$`, 'm'));
    }
  });

  it('has a plain brother that prints what comes and goes', async () => {
    const printing = spawn(launcher, ['pending', '--watch'], {
      env: daemon.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    printing.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const asking = ask('sixth.test');
    await eventually('it is printed', () => (/sixth\.test/.test(printed) ? true : undefined));
    const { id = '' } = (await question('sixth.test')) ?? {};
    assert.equal((await daemon.sallyport(['deny', id])).status, 0);
    await eventually('its end is printed', () => (/is denied/.test(printed) ? true : undefined));
    assert.equal((await asking).stdout, '403');
    printing.kill();
    assert.match(
      printed,
      new RegExp(`^${id} asks: sixth.test:${port} for curl [^\n]*\n${id} is denied once by `),
    );
  });

  it('needs a terminal', async () => {
    const { status, stderr } = await daemon.sallyport(['watch']);
    assert.equal(status, 2);
    assert.match(stderr, /without one use "sallyport pending --watch"/);
  });
});

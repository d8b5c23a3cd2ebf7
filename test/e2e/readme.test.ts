// The README's words are run as written, on the ports it names, in a network namespace of their own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { commands } from '../../src/cli/cli.ts';
import { plainEnvironment, projectRoot, run } from '../support/daemon.ts';

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');

describe('the README', { timeout: 60_000 }, () => {
  let home = '';
  before(() => (home = mkdtempSync(join(tmpdir(), 'sallyport-readme-'))));
  after(() => rmSync(home, { recursive: true, force: true }));

  it('names commands that exist', () => {
    const named = [
      ...readme.matchAll(/`(?:src\/)?sallyport ([a-z]+)/g),
      ...readme.matchAll(/^(?:src\/)?sallyport ([a-z]+)/gm),
    ];
    const known = new Set(Object.keys(commands));
    const unknown = named.map(([, name]) => name ?? '').filter((name) => !known.has(name));
    assert.ok(named.length >= 8);
    assert.deepEqual(unknown, []);
  });

  it('gives the test command that CI runs', () => {
    const ci = readFileSync(join(projectRoot, '.ci', 'run'), 'utf8');
    assert.match(readme, /^npm ci && npm test$/m);
    assert.match(ci, /^npm ci && npm test$/m);
    assert.match(readme, /^npm ci && npm start$/m);
  });

  it('starts with the shipped configuration, opens every door, and runs a command through it', async () => {
    // What `npm start` becomes once `npm ci` has run; the second terminal is a shell in the same namespace.
    const env = plainEnvironment({
      HOME: home,
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CONFIG_HOME: home,
    });
    const inside = ['-n', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
    const daemon = spawn('unshare', [...inside, 'npm', 'start', '--silent'], {
      cwd: projectRoot,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: daemon.stdout }), 'line')) as [string];
    try {
      const doors =
        /http http:\/\/127\.0\.0\.1:4128, socks5 socks5h:\/\/127\.0\.0\.1:4129, gateway http:\/\/127\.0\.0\.1:4130\/v1, control http:\/\/127\.0\.0\.1:4131; run a command through it: (.*sallyport) exec -- CMD$/;
      const found = doors.exec(line);
      assert.ok(found !== null, line);
      assert.equal(found[1], join(projectRoot, 'src', 'sallyport'));
      const second = ['-t', String(daemon.pid), '-n', found[1], 'exec', '--'];
      const curl = await run(
        'nsenter',
        [...second, 'curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.9:9/'],
        { env },
      );
      assert.deepEqual(
        { status: curl.status, stdout: curl.stdout },
        { status: 0, stdout: '403' },
        curl.stderr,
      );
      const status = await run('nsenter', [...second.slice(0, -2), 'status'], { env });
      assert.match(status.stdout, /config\/default\.toml/);
    } finally {
      daemon.kill('SIGTERM'); // npm alone: what it started has to end with it
      await once(daemon, 'close');
    }
  });
});

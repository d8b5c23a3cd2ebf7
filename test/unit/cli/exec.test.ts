import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { execCommand } from '../../../src/cli/exec.ts';
import { launch, launcherFile, makeFolder, recordIo, startStandIn } from '../../support/command.ts';

/** A program that prints its words one a line as JSON, and its node. */
const printWords = ['/usr/bin/python3', '-c', 'import sys, json; print(json.dumps(sys.argv[1:]))'];

/** Starts `sallyport exec -- sh -c SCRIPT`; the script's first line must be `up` and the pid of its parent, us. */
async function startScript(t: TestContext, script: string) {
  const daemon = await startStandIn(t);
  const child = spawn('setsid', ['-w', launcherFile, 'exec', '--', 'sh', '-c', script], {
    env: daemon.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  const [up, pid] = (await next()).split(' ');
  assert.equal(up, 'up');
  return { pid: Number(pid), closed, next };
}

describe('the launcher', () => {
  it('works where node is an old one, from any folder, through symbolic links', async (t) => {
    const folder = makeFolder(t);
    mkdirSync(join(folder, 'bin'));
    symlinkSync(launcherFile, join(folder, 'direct'));
    symlinkSync('../direct', join(folder, 'bin', 'sallyport'));
    const { out: version } = await launch([launcherFile, '--version']);
    assert.match(version, /^sallyport \d+\.\d+\.\d+\n$/);
    const ways = [
      await launch([join(folder, 'bin', 'sallyport'), '--version']),
      await launch(['./direct', '--version'], {}, { cwd: folder }),
      await launch(['sallyport', '--version'], { PATH: `${folder}/bin:/usr/bin:/bin` }),
      await launch(['sh', 'sallyport', '--version'], {}, { cwd: join(folder, 'bin') }),
      await launch(['sh', 'direct', '--version'], { CDPATH: '/tmp' }, { cwd: folder }),
    ];
    for (const way of ways) assert.deepEqual(way, { code: 0, signal: null, out: version, err: '' });
  });

  it('says what to do where the packages are missing', async (t) => {
    const folder = makeFolder(t);
    const copy = join(folder, 'src');
    spawnSync('cp', ['-r', join(launcherFile, '..'), copy]);
    const { code, err } = await launch([join(copy, 'sallyport'), 'run']);
    const want = `sallyport: its packages are not installed in ${folder}; run: (cd '${folder}' && npm ci)\n`;
    assert.deepEqual([code, err], [1, want]);
  });

  for (const words of [[launcherFile], [process.execPath, join(launcherFile, '..', 'main.ts')]]) {
    const how = words.length === 1 ? 'the launcher' : 'main.ts itself';
    it(`keeps what would weaken us out of our process, and gives it to the child: ${how}`, async (t) => {
      const daemon = await startStandIn(t);
      const script = join(makeFolder(t), 'show.sh');
      writeFileSync(
        script,
        'tr "\\0" "\\n" < /proc/$PPID/environ | grep -E "^(NODE_|DEBUG)"\necho --\nenv\n',
      );
      const user = {
        NODE_OPTIONS: '--no-warnings --title=x',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
        NODE_EXTRA_CA_CERTS: '/nowhere.pem',
        DEBUG: '',
      };
      const { out, code } = await launch([...words, 'exec', 'sh', script], {
        ...daemon.env,
        ...user,
      });
      assert.equal(code, 0);
      const [ours = '', theirs = ''] = out.split('--\n');
      assert.equal(ours, 'NODE_EXTRA_CA_CERTS=/nowhere.pem\n');
      for (const [name, value] of Object.entries(user))
        assert.ok(theirs.includes(`${name}=${value}\n`), name);
      assert.doesNotMatch(theirs, /SALLYPORT_SAVED/);
    });
  }

  it('hands on variables that a shell cannot name, and its own working names untouched', async (t) => {
    const daemon = await startStandIn(t);
    const user = {
      'A.B': '1',
      'BASH_FUNC_f%%': '() { echo hi; }',
      name: 'n',
      node: 'x',
      self: 'y',
    };
    const { out } = await launch([launcherFile, 'exec', '/usr/bin/env'], {
      ...daemon.env,
      ...user,
    });
    for (const [name, value] of Object.entries(user))
      assert.ok(out.includes(`${name}=${value}\n`), name);
  });
});

describe('exec', () => {
  it('sets the environment of the running daemon', async (t) => {
    const daemon = await startStandIn(t);
    const { out, err } = await launch([launcherFile, 'exec', '--', 'env'], daemon.env);
    assert.match(out, /^https_proxy=http:\/\/127\.0\.0\.1:4128$/m);
    assert.equal(err, '');
  });

  it('says what it replaced, once', async (t) => {
    const daemon = await startStandIn(t);
    const env = { ...daemon.env, ALL_PROXY: 'socks5h://u:pass@p.example:1' };
    const { err } = await launch([launcherFile, 'exec', '--', 'true'], env);
    assert.equal(err, 'sallyport: replaced your ALL_PROXY, which would lead around the gate\n');
  });

  it('does not tell the program where the desktop and the state folder are', async (t) => {
    const daemon = await startStandIn(t);
    const env = { ...daemon.env, DISPLAY: ':7', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
    const quiet = await launch([launcherFile, 'exec', '--', 'env'], env);
    assert.doesNotMatch(quiet.out, /^(SALLYPORT_|DISPLAY|DBUS_)/m);
    assert.equal(quiet.err, '');
    const told = await launch([launcherFile, 'exec', '-v', '--keep-desktop', 'env'], env);
    assert.match(told.out, /^DISPLAY=:7$/m);
    assert.doesNotMatch(told.out, /^SALLYPORT_/m);
    assert.equal(
      told.err,
      `sallyport: the program is told where your desktop is, and could press its buttons
sallyport: took away SALLYPORT_STATE
`,
    );
  });

  it('keeps every word', async (t) => {
    const daemon = await startStandIn(t);
    const words = [
      '',
      'a b',
      "it's",
      '"',
      '*',
      '$HOME',
      'a\nb\n',
      '--help',
      '--',
      '-h',
      'grüße',
      '\ufffd',
      '\\',
    ];
    const { out } = await launch([launcherFile, 'exec', '--', ...printWords, ...words], daemon.env);
    assert.deepEqual(JSON.parse(out), words);
  });

  it('keeps words that are not UTF-8, byte by byte', async (t) => {
    const daemon = await startStandIn(t);
    // only a shell can write such words here
    const python = 'import sys, os; print([list(os.fsencode(word)) for word in sys.argv[1:]])';
    const script = `exec '${launcherFile}' exec -- python3 -c "$0" "$(printf 'caf\\351')" 'ü' "$(printf '\\377x')"`;
    const { out } = await launch(['sh', '-c', script, python], daemon.env);
    assert.deepEqual(JSON.parse(out), [
      [99, 97, 102, 233],
      [195, 188],
      [255, 120],
    ]);
  });

  it('gives the child its input and output', async (t) => {
    const daemon = await startStandIn(t);
    const input = 'line\n'.repeat(50_000);
    const { out, code } = await launch([launcherFile, 'exec', 'cat'], daemon.env, { input });
    assert.deepEqual([out === input, code], [true, 0]);
  });

  it('leaves a pipe that it shares with the child as it was', async (t) => {
    const daemon = await startStandIn(t);
    const flags = `import fcntl, os; print(bool(fcntl.fcntl(1, fcntl.F_GETFL) & os.O_NONBLOCK))`;
    const script = `('${launcherFile}' exec true; python3 -c '${flags}') | cat`;
    assert.equal((await launch(['sh', '-c', script], daemon.env)).out, 'False\n');
  });

  for (const code of [0, 1, 7, 255]) {
    it(`ends with the child's exit code ${code}`, async (t) => {
      const daemon = await startStandIn(t);
      const ended = await launch([launcherFile, 'exec', 'sh', '-c', `exit ${code}`], daemon.env);
      assert.deepEqual(ended, { code, signal: null, out: '', err: '' });
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGPIPE'] as const) {
    it(`ends by ${signal} when the child did`, async (t) => {
      const daemon = await startStandIn(t);
      const script = `kill -${signal.slice(3)} $$`;
      const ended = await launch([launcherFile, 'exec', 'sh', '-c', script], daemon.env);
      const byNumber = { code: 128 + constants.signals[signal], signal: null };
      // Node ignores SIGPIPE from its start on, so there only the number can say it
      const want = signal === 'SIGPIPE' ? byNumber : { code: null, signal };
      assert.deepEqual(ended, { ...want, out: '', err: '' });
    });
  }

  it('ends with 128 + n, and no core file of its own, when the child crashed', async (t) => {
    const daemon = await startStandIn(t);
    const ended = await launch(
      [launcherFile, 'exec', 'sh', '-c', 'ulimit -c 0; kill -SEGV $$'],
      daemon.env,
    );
    assert.deepEqual([ended.code, ended.signal], [139, null]);
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
    it(`passes ${signal} on, and the child decides what comes of it`, async (t) => {
      const name = signal.slice(3);
      const script = `trap 'echo got ${name}; exit 9' ${name}; echo up $PPID; for n in 1 2 3 4 5 6 7 8 9; do sleep 0.5; done; exit 8`;
      const running = await startScript(t, script);
      process.kill(running.pid, signal);
      assert.equal(await running.next(), `got ${name}`);
      assert.deepEqual(await running.closed, [9, null]);
    });
  }

  it('delivers Ctrl-C of a terminal once', async (t) => {
    const daemon = await startStandIn(t);
    const folder = makeFolder(t);
    const script = join(folder, 'count.py');
    // counts for a while after the first, so that a second one would be seen
    writeFileSync(
      script,
      `import signal, time, sys
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print('up', flush=True)
while not seen: time.sleep(0.02)
time.sleep(0.4)
print('times', len(seen), flush=True)
`,
    );
    // python's pty module is the terminal: it types Ctrl-C once the program is up
    const terminal = `import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
text = b''
typed = False
while True:
    try: part = os.read(fd, 1000)
    except OSError: break
    if not part: break
    text += part
    if b'up' in text and not typed:
        typed = True
        os.write(fd, b'\\x03')
sys.stdout.buffer.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
    const words = ['python3', '-c', terminal, launcherFile, 'exec', '--', 'python3', script];
    const { out, code } = await launch(words, daemon.env);
    assert.match(out, /times 1\r\n$/);
    assert.equal(code, 0);
  });

  it('lets nohup reach the program', async (t) => {
    const daemon = await startStandIn(t);
    const words = ['nohup', launcherFile, 'exec', 'sh', '-c', 'kill -HUP $$; echo lives'];
    const { out, code } = await launch(words, daemon.env);
    assert.deepEqual([out, code], ['lives\n', 0]);
  });

  it('adds the gateway to Codex', async (t) => {
    const daemon = await startStandIn(t);
    const folder = makeFolder(t);
    const codex = join(folder, 'codex');
    writeFileSync(codex, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    const env = { ...daemon.env, PATH: `${folder}:/usr/bin:/bin` };
    const { out } = await launch([launcherFile, 'exec', '--', 'codex', 'exec', 'hi'], env);
    assert.equal(out, '-c\nopenai_base_url="http://127.0.0.1:4130/v1"\nexec\nhi\n');
    mkdirSync(join(folder, 'home'));
    writeFileSync(
      join(folder, 'home', 'config.toml'),
      'openai_base_url = "https://m.example/v1"\n',
    );
    const own = await launch([launcherFile, 'exec', 'codex'], {
      ...env,
      CODEX_HOME: join(folder, 'home'),
    });
    assert.equal(own.out, '\n');
    assert.match(
      own.err,
      /^sallyport: left the openai_base_url of your Codex configuration as it is; /,
    );
    const atHome = { ...env, HOME: join(folder, 'account'), CODEX_HOME: '' };
    mkdirSync(join(folder, 'account', '.codex'), { recursive: true });
    writeFileSync(join(folder, 'account', '.codex', 'config.toml'), 'openai_base_url = "x"\n');
    const unnamed = await launch([launcherFile, 'exec', 'codex'], atHome);
    assert.deepEqual([unnamed.out, unnamed.err], [own.out, own.err]);
  });

  it('leaves Codex alone when nothing goes direct', async (t) => {
    const daemon = await startStandIn(t, undefined, { noProxy: 'none' });
    const { out } = await launch([launcherFile, 'exec', 'echo', 'codex'], daemon.env);
    assert.equal(out, 'codex\n');
  });

  const failures = [
    { words: ['no-such-program'], code: 127, err: 'sallyport: no-such-program was not found\n' },
    { words: ['/tmp'], code: 126, err: 'sallyport: cannot run /tmp: EACCES\n' },
    {
      words: ['/etc/passwd/x'],
      code: 126,
      err: 'sallyport: cannot run /etc/passwd/x: ENOTDIR\n',
    },
    {
      words: [],
      code: 2,
      err: 'sallyport: exec needs a program to run\nsallyport: "sallyport exec --help" says how it is used\n',
    },
    {
      words: ['--shell'],
      code: 2,
      err: 'sallyport: "--shell" is not an option of exec\nsallyport: "sallyport exec --help" says how it is used\n',
    },
  ];
  for (const { words, code, err } of failures) {
    it(`ends with ${code} for: exec ${words.join(' ')}`, async (t) => {
      const daemon = await startStandIn(t);
      const ended = await launch([launcherFile, 'exec', ...words], daemon.env);
      assert.deepEqual(ended, { code, signal: null, out: '', err });
    });
  }

  it('starts nothing while no daemon runs', async (t) => {
    const folder = makeFolder(t);
    const run = execCommand.run(
      ['touch', join(folder, 'ran')],
      recordIo({ SALLYPORT_STATE: folder }),
    );
    const message = `no daemon answers for the state folder ${folder}; start it with "sallyport run"`;
    await assert.rejects(run, { code: 'ERR_CONTROL_UNREACHABLE', message });
    assert.equal(spawnSync('ls', [folder]).stdout.toString(), '');
  });
});

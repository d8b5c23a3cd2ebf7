import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { SallyportError } from '../../src/errors.ts';
import { findState, openState, stateFolder } from '../../src/state.ts';
import { makeFolder } from '../support/command.ts';

/** The code and message of what a call throws. */
function refusalOf(call: () => unknown): readonly [string, string] {
  try {
    call();
  } catch (error) {
    const { code, message } = error as SallyportError;
    return [code, message];
  }
  return ['none', ''];
}

const modeOf = (path: string) => lstatSync(path).mode & 0o777;
const user = process.geteuid?.() ?? 0;

describe('openState', () => {
  it('creates the folder and its parents for this user only', (t) => {
    const folder = join(makeFolder(t), 'a', 'b');
    assert.equal(openState(folder).folder, folder);
    assert.deepEqual([modeOf(folder), modeOf(join(folder, '..'))], [0o700, 0o700]);
  });

  it('refuses a symbolic link', (t) => {
    const base = makeFolder(t);
    mkdirSync(join(base, 'real'), { mode: 0o700 });
    symlinkSync(join(base, 'real'), join(base, 'link'));
    const message = `${base}/link: is a symbolic link; name the folder it points to, or remove the link`;
    assert.deepEqual(
      refusalOf(() => openState(join(base, 'link'))),
      ['ERR_STATE_UNSAFE', message],
    );
  });

  it('refuses a folder that others can enter, and names the mend', (t) => {
    const folder = makeFolder(t);
    chmodSync(folder, 0o755);
    const message = `${folder}: others can get at it (mode 0755); run: chmod 700 '${folder}'`;
    assert.deepEqual(
      refusalOf(() => openState(folder)),
      ['ERR_STATE_UNSAFE', message],
    );
  });

  it('refuses a folder of another user, also as root', (t) => {
    const folder = join(makeFolder(t), 'theirs');
    mkdirSync(folder, { mode: 0o700 });
    if (user === 0) {
      chownSync(folder, 12_345, 12_345);
      const message = `${folder}: belongs to user 12345, but sallyport runs as user 0; run it as its owner, or set SALLYPORT_STATE to a folder of your own`;
      assert.deepEqual(
        refusalOf(() => openState(folder)),
        ['ERR_STATE_UNSAFE', message],
      );
    } else {
      // any folder of root does for somebody else
      const [code, message] = refusalOf(() => openState('/'));
      assert.deepEqual([code, message.includes('belongs to user 0')], ['ERR_STATE_UNSAFE', true]);
    }
  });

  it('refuses a file in the place of the folder', (t) => {
    const file = join(makeFolder(t), 'file');
    writeFileSync(file, '', { mode: 0o600 });
    const message = `${file}: is not a folder; set SALLYPORT_STATE to a folder of your own`;
    assert.deepEqual(
      refusalOf(() => openState(file)),
      ['ERR_STATE_UNSAFE', message],
    );
  });

  it('names SALLYPORT_STATE when the socket path is too long to bind', (t) => {
    const folder = join(makeFolder(t), 'x'.repeat(100));
    const state = openState(folder);
    const [code, message] = refusalOf(() => state.socketPath);
    const length = Buffer.byteLength(join(folder, 'control.sock'));
    const limit = process.platform === 'linux' ? 107 : 103;
    assert.deepEqual(
      [code, message],
      [
        'ERR_STATE_UNSAFE',
        `${folder}/control.sock: the path of the control socket has ${length} bytes, and the system takes ${limit}; set SALLYPORT_STATE to a shorter folder`,
      ],
    );
  });

  it('gives the path of the control socket', (t) => {
    const folder = makeFolder(t);
    assert.equal(openState(folder).socketPath, join(folder, 'control.sock'));
  });
});

describe('findState', () => {
  it('creates nothing', (t) => {
    const folder = join(makeFolder(t), 'none');
    assert.deepEqual([findState(folder), existsSync(folder)], [undefined, false]);
  });

  it('checks what is there', (t) => {
    const folder = makeFolder(t);
    chmodSync(folder, 0o711);
    assert.equal(refusalOf(() => findState(folder))[0], 'ERR_STATE_UNSAFE');
  });
});

describe('a folder that cannot be reached', () => {
  it('is a refusal with its reason when a part of its path is a file', (t) => {
    const file = join(makeFolder(t), 'file');
    writeFileSync(file, '');
    const [code, message] = refusalOf(() => findState(join(file, 'state')));
    assert.equal(code, 'ERR_STATE_UNSAFE');
    assert.match(
      message,
      /^\/.*\/file\/state: enotdir: .*; set SALLYPORT_STATE to a folder of your own$/,
    );
  });

  // Nobody can make a folder in /proc, root included; a recursive mkdir of Node's never comes back from there.
  it('is a refusal at once when the system lets nobody make it', () => {
    if (process.platform !== 'linux') return;
    const [code, message] = refusalOf(() => openState('/proc/sallyport/a/b'));
    assert.deepEqual(
      [code, message],
      [
        'ERR_STATE_UNSAFE',
        "/proc/sallyport/a/b: enoent: no such file or directory, mkdir '/proc/sallyport'; set SALLYPORT_STATE to a folder of your own",
      ],
    );
  });
});

describe('a folder that cannot be made', () => {
  it('is refused in words that say why', (t) => {
    const file = join(makeFolder(t), 'file');
    writeFileSync(file, '');
    const [code, message] = refusalOf(() => openState(join(file, 'below')));
    assert.equal(code, 'ERR_STATE_UNSAFE');
    assert.match(message, /below: enotdir: .*; set SALLYPORT_STATE to a folder of your own$/);
  });
});

describe('the files of a state', () => {
  it('are written whole, 0600, and leave nothing beside them', (t) => {
    const folder = makeFolder(t);
    const state = openState(folder);
    state.writeAtomic('grants.json', 'one');
    state.writeAtomic('grants.json', 'two');
    assert.equal(state.read('grants.json'), 'two');
    assert.equal(modeOf(join(folder, 'grants.json')), 0o600);
    assert.deepEqual(readdirSync(folder), ['grants.json']);
  });

  it('replace a symbolic link rather than follow it', (t) => {
    const folder = makeFolder(t);
    const outside = join(makeFolder(t), 'outside');
    writeFileSync(outside, 'kept');
    symlinkSync(outside, join(folder, 'grants.json'));
    openState(folder).writeAtomic('grants.json', 'ours');
    assert.equal(readFileSync(outside, 'utf8'), 'kept');
    assert.equal(lstatSync(join(folder, 'grants.json')).isSymbolicLink(), false);
  });

  it('keep the old text when the new one cannot be put in place', (t) => {
    const folder = makeFolder(t);
    const state = openState(folder);
    mkdirSync(join(folder, 'taken'));
    assert.equal(refusalOf(() => state.writeAtomic('taken', 'text'))[0], 'ERR_STATE_UNSAFE');
    assert.deepEqual(readdirSync(folder), ['taken']);
  });

  it('are undefined when absent, and gone after remove', (t) => {
    const state = openState(makeFolder(t));
    assert.equal(state.read('token'), undefined);
    state.writeAtomic('token', 'x');
    state.remove('token');
    state.remove('token');
    assert.equal(state.read('token'), undefined);
  });

  it('take no name with a path in it', (t) => {
    const state = openState(makeFolder(t));
    for (const name of ['../x', 'a/b', '.x', '', 'A']) {
      assert.throws(() => state.read(name), { name: 'TypeError' });
      assert.throws(() => state.writeAtomic(name, ''), { name: 'TypeError' });
    }
  });

  const unsafe = [
    {
      name: 'a symbolic link',
      place: (path: string) => symlinkSync('/etc/hostname', path),
      want: 'is a symbolic link; remove it',
    },
    {
      name: 'a named pipe, without waiting for a writer',
      place: (path: string) => spawnSync('mkfifo', ['-m', '600', path]),
      want: 'is not a regular file; remove it',
    },
    {
      name: 'a folder',
      place: (path: string) => mkdirSync(path, { mode: 0o700 }),
      want: 'is not a regular file; remove it',
    },
    {
      name: 'a file that others can read',
      place: (path: string) => {
        writeFileSync(path, '');
        chmodSync(path, 0o644);
      },
      want: `others can get at it (mode 0644); run: chmod 600 'PATH'`,
    },
  ];
  for (const { name, place, want } of unsafe) {
    it(`are not read when one is ${name}`, (t) => {
      const folder = makeFolder(t);
      const path = join(folder, 'token');
      place(path);
      const message = `${path}: ${want.replace('PATH', path)}`;
      assert.deepEqual(
        refusalOf(() => openState(folder).read('token')),
        ['ERR_STATE_UNSAFE', message],
      );
    });
  }

  it('are not read when they are not UTF-8', (t) => {
    const folder = makeFolder(t);
    writeFileSync(join(folder, 'grants.json'), Uint8Array.of(0xff), { mode: 0o600 });
    const message = `${folder}/grants.json: is not UTF-8 text; restore it, or move it away`;
    const refusal = refusalOf(() => openState(folder).read('grants.json'));
    assert.deepEqual(refusal, ['ERR_STATE_CORRUPT', message]);
  });

  it('are not read when they are beyond all measure', (t) => {
    const folder = makeFolder(t);
    writeFileSync(join(folder, 'grants.json'), Buffer.alloc(16 * 1024 * 1024 + 1), { mode: 0o600 });
    const message = `${folder}/grants.json: is larger than 16 MiB; restore it, or move it away`;
    const refusal = refusalOf(() => openState(folder).read('grants.json'));
    assert.deepEqual(refusal, ['ERR_STATE_CORRUPT', message]);
  });
});

describe('createSecret', () => {
  it('makes one line of 32 random bytes, once', (t) => {
    const folder = makeFolder(t);
    const secret = openState(folder).createSecret('token');
    assert.equal(Buffer.from(secret, 'base64url').length, 32);
    assert.equal(readFileSync(join(folder, 'token'), 'utf8'), `${secret}\n`);
    assert.equal(modeOf(join(folder, 'token')), 0o600);
    assert.equal(openState(folder).createSecret('token'), secret);
    assert.deepEqual(readdirSync(folder), ['token']);
  });

  it('refuses what is not such a line', (t) => {
    const folder = makeFolder(t);
    writeFileSync(join(folder, 'token'), 'guess\n', { mode: 0o600 });
    const message = `${folder}/token: is not one line of 43 base64url characters; remove it to have a new one made`;
    const refusal = refusalOf(() => openState(folder).createSecret('token'));
    assert.deepEqual(refusal, ['ERR_STATE_CORRUPT', message]);
  });
});

describe('stateFolder', () => {
  const home = '/home/ann';
  const cases = [
    {
      name: 'is what SALLYPORT_STATE names',
      env: { SALLYPORT_STATE: '/s', XDG_STATE_HOME: '/x' },
      platform: 'linux',
      want: '/s',
    },
    {
      name: 'is the XDG state folder',
      env: { XDG_STATE_HOME: '/x' },
      platform: 'linux',
      want: '/x/sallyport',
    },
    {
      name: 'ignores a relative XDG folder',
      env: { XDG_STATE_HOME: 'x' },
      platform: 'linux',
      want: '/home/ann/.local/state/sallyport',
    },
    {
      name: 'is below ~/.local/state',
      env: { SALLYPORT_STATE: '' },
      platform: 'linux',
      want: '/home/ann/.local/state/sallyport',
    },
    {
      name: 'stands below the home of the account when HOME is empty',
      env: { HOME: '' },
      platform: 'linux',
      want: join(userInfo().homedir, '.local/state/sallyport'),
    },
    {
      name: 'stands below the home of the account when HOME is relative',
      env: { HOME: 'home' },
      platform: 'linux',
      want: join(userInfo().homedir, '.local/state/sallyport'),
    },
    {
      name: 'is the Library on macOS',
      env: {},
      platform: 'darwin',
      want: '/home/ann/Library/Application Support/sallyport',
    },
    {
      name: 'is LOCALAPPDATA on Windows',
      env: { LOCALAPPDATA: '/l' },
      platform: 'win32',
      want: '/l/sallyport',
    },
    {
      name: 'stands below the home on Windows when LOCALAPPDATA is empty',
      env: { LOCALAPPDATA: '' },
      platform: 'win32',
      want: '/home/ann/AppData/Local/sallyport',
    },
  ] as const;
  for (const { name, env, platform, want } of cases) {
    it(name, () => assert.equal(stateFolder({ HOME: home, ...env }, platform), want));
  }
});

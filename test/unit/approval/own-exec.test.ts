import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOwnExecCheck } from '../../../src/approval/own-exec.ts';

const mainFile = '/opt/sallyport/src/main.ts';
const never = new Promise<string>(() => undefined);

describe('createOwnExecCheck', () => {
  const links: Readonly<Record<string, string>> = {
    [mainFile]: mainFile,
    '/home/dev/link/main.ts': mainFile,
    '/home/dev/main.ts': '/home/dev/main.ts',
  };
  const follow = (path: string): Promise<string> => {
    const real = links[path];
    return real === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(real);
  };
  const cases = [
    { name: 'knows our own path', argv: ['node', mainFile, 'exec', '--', 'x'], want: true },
    { name: 'follows links', argv: ['node', '/home/dev/link/main.ts', 'exec'], want: true },
    { name: 'takes paths from its folder', argv: ['node', 'link/main.ts', 'exec'], want: true },
    { name: 'knows other files of that name', argv: ['node', 'main.ts', 'exec'], want: false },
    {
      name: 'takes what was moved away for ours',
      argv: ['node', '/x/main.ts', 'exec'],
      want: true,
    },
    { name: 'takes no other command', argv: ['node', mainFile, 'watch'], want: false },
    { name: 'takes no words', argv: [], want: false },
  ];
  for (const { name, argv, want } of cases) {
    it(name, async () => {
      assert.equal(await createOwnExecCheck(mainFile, { follow })(argv, '/home/dev'), want);
    });
  }

  it('waits for no file system that does not answer, asks it once at a time, and is then careful', async () => {
    const asked: string[] = [];
    const check = createOwnExecCheck(mainFile, {
      deadlineMs: 5,
      follow: (path) => {
        asked.push(path);
        return path === mainFile ? Promise.resolve(path) : never;
      },
    });
    const words = (folder: string) => ['node', `${folder}/main.ts`, 'exec'];
    const [first, second] = [check(words('/hangs'), '/'), check(words('/too'), '/')];
    assert.deepEqual([await first, await second], [true, true]);
    assert.equal(await check(words('/later'), '/'), true);
    assert.equal(await check(['node', mainFile, 'exec'], '/'), true);
    assert.equal(await check(['curl', 'x'], '/'), false);
    assert.deepEqual(asked, [mainFile, '/hangs/main.ts']);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  hasLeftItsTree,
  isInsideTree,
  isPromptingShell,
  processRef,
  treeOf,
} from '../../../src/approval/process-tree.ts';
import type { ProcessInfo } from '../../../src/approval/process-tree.ts';
import { makeAsker, makeProcess, makeShell } from '../../support/asking.ts';

const init = makeProcess(1, { executable: undefined, name: 'systemd' });
const terminal = makeProcess(20, {
  executable: '/usr/libexec/gnome-terminal-server',
  name: 'gnome-terminal-',
});
const shell = makeShell(30);
const exec = makeProcess(40, { isExec: true });
const codex = makeProcess(50, { name: 'codex' });
const command = makeProcess(60, { executable: '/usr/bin/bash', name: 'bash' });
const curl = makeProcess(70, { name: 'curl' });
const desk = [shell, terminal, init];

describe('treeOf', () => {
  const named = (name: string, pid = 80) => makeProcess(pid, { executable: undefined, name });
  const listed = (executable: string) => makeProcess(81, { executable });
  const cases: readonly {
    name: string;
    line: readonly [ProcessInfo, ...ProcessInfo[]];
    want: number[];
  }[] = [
    {
      name: 'ends below the interactive shell',
      line: [curl, command, codex, ...desk],
      want: [70, 60, 50],
    },
    {
      name: 'ends at the exec that started it',
      line: [curl, command, codex, exec, ...desk],
      want: [70, 60, 50, 40],
    },
    {
      name: 'takes the outermost exec, over shells in between',
      line: [curl, makeShell(65), makeProcess(45, { isExec: true }), codex, exec, ...desk],
      want: [70, 65, 45, 50, 40],
    },
    { name: 'ends below a terminal', line: [curl, codex, terminal, init], want: [70, 50] },
    {
      name: 'ends below a terminal server that renames itself',
      line: [curl, codex, named('tmux: server'), init],
      want: [70, 50],
    },
    { name: 'ends below a shell of another user', line: [curl, named('sshd'), init], want: [70] },
    {
      name: 'ends below pid 1 whatever it is',
      line: [curl, codex, makeProcess(1, { name: 'node' })],
      want: [70, 50],
    },
    {
      name: 'does not believe a name against the executable',
      line: [curl, makeProcess(66, { name: 'tmux: server' }), codex, ...desk],
      want: [70, 66, 50],
    },
    {
      name: 'goes through a shell that runs a command',
      line: [curl, command, ...desk],
      want: [70, 60],
    },
    {
      name: 'goes through a shell without a terminal',
      line: [curl, makeProcess(61, { isShell: true }), codex, ...desk],
      want: [70, 61, 50],
    },
    { name: 'holds an asker that is itself a boundary', line: [shell, terminal, init], want: [30] },
    {
      name: 'ends below what starts programs for a person on Windows, as it is listed there',
      line: [curl, codex, listed('C:/Program Files/WindowsApps/x/WindowsTerminal.exe'), init],
      want: [70, 50],
    },
    {
      name: 'ends below the desktop of Windows',
      line: [curl, listed('C:/Windows/Explorer.EXE')],
      want: [70],
    },
    { name: 'reaches the end when nothing stops it', line: [curl, codex], want: [70, 50] },
    { name: 'is one process when it has no parent', line: [curl], want: [70] },
  ];
  for (const { name, line, want } of cases) {
    it(name, () => {
      const [first, ...ancestors] = line;
      const tree = treeOf(makeAsker(first, ...ancestors));
      assert.deepEqual(
        tree.members.map(({ pid }) => pid),
        want,
      );
      assert.equal(tree.key, `${want.at(-1)}@${1000 + (want.at(-1) ?? 0)}`);
    });
  }
});

const command2 = (pid: number) => makeProcess(pid, { executable: '/usr/bin/dash' });

describe('isInsideTree', () => {
  const asker = makeAsker(curl, command, codex, ...desk);
  const underExec = makeAsker(curl, codex, exec, ...desk);
  const cli = makeProcess(90);
  const cases = [
    {
      name: 'refuses the asker itself',
      caller: makeAsker(curl, command, codex, ...desk),
      asker,
      want: true,
    },
    {
      name: 'refuses a child of the asker',
      caller: makeAsker(cli, curl, command, codex, ...desk),
      asker,
      want: true,
    },
    {
      name: 'refuses an ancestor of the asker',
      caller: makeAsker(codex, ...desk),
      asker,
      want: true,
    },
    {
      name: 'refuses another command of the same agent',
      caller: makeAsker(cli, makeProcess(61), codex, ...desk),
      asker,
      want: true,
    },
    {
      name: 'refuses an orphan whose line still meets the asker',
      caller: makeAsker(cli, command, init),
      asker,
      want: true,
    },
    {
      name: 'takes the shell that started the agent',
      caller: makeAsker(cli, ...desk),
      asker,
      want: false,
    },
    {
      name: 'takes another terminal',
      caller: makeAsker(cli, makeShell(31), terminal, init),
      asker,
      want: false,
    },
    {
      name: 'takes a process that only has the pid of a dead one',
      caller: makeAsker(cli, makeProcess(50, { started: '9999' }), ...desk),
      asker,
      want: false,
    },
    {
      name: 'refuses everything under the exec',
      caller: makeAsker(cli, makeShell(33), exec, ...desk),
      asker: underExec,
      want: true,
    },
    {
      name: 'takes the shell above the exec',
      caller: makeAsker(cli, ...desk),
      asker: underExec,
      want: false,
    },
  ];
  const proxied = makeProcess(95, { proxyPorts: [4128] });
  const orphans = [
    {
      name: 'refuses an orphan that was started with our proxy',
      caller: makeAsker(proxied, init),
      want: true,
    },
    {
      name: 'refuses one whose other parents died',
      caller: makeAsker(proxied, command2(96), init),
      want: true,
    },
    { name: 'refuses one that nobody took in', caller: makeAsker(proxied), want: true },
    {
      name: 'takes an orphan of another proxy',
      caller: makeAsker(makeProcess(95, { proxyPorts: [3128] }), init),
      want: false,
    },
    {
      name: 'takes an orphan without a proxy, such as a browser',
      caller: makeAsker(makeProcess(95), init),
      want: false,
    },
    {
      name: 'takes a person in a shell with our proxy',
      caller: makeAsker(proxied, ...desk),
      want: false,
    },
  ];
  for (const { name, caller, asker: asking, want } of [
    ...cases,
    ...orphans.map((each) => ({ ...each, asker })),
  ]) {
    it(name, () => assert.equal(isInsideTree(caller, asking), want));
  }
});

describe('isPromptingShell', () => {
  const cases = [
    { argv: ['bash'], want: true },
    { argv: ['-bash'], want: true },
    { argv: ['bash', '-i', '-l'], want: true },
    { argv: ['bash', '--init-file', '/x/shellIntegration-bash.sh'], want: true },
    { argv: ['bash', '-o', 'vi'], want: true },
    { argv: ['bash', '-c', 'curl x'], want: false },
    { argv: ['bash', '-lc', 'curl x'], want: false },
    { argv: ['bash', '-ic', 'curl x'], want: false },
    { argv: ['bash', 'script.sh'], want: false },
    { argv: ['bash', '-x', 'script.sh'], want: false },
    { program: 'fish', argv: ['fish', '--command', 'x'], want: false },
    { program: 'fish', argv: ['fish', '-C', 'init'], want: true },
    { program: 'pwsh', argv: ['pwsh', '-NoLogo'], want: true },
    { program: 'pwsh', argv: ['pwsh', '-noexit', '-command', 'x'], want: true },
    { program: 'pwsh', argv: ['pwsh', '-Command', 'x'], want: false },
    { program: 'node', argv: ['node'], want: false },
  ];
  for (const { program = 'bash', argv, want } of cases) {
    it(`${want ? 'takes' : 'refuses'} ${argv.join(' ')}`, () =>
      assert.equal(isPromptingShell(program, argv), want));
  }
});

describe('processRef', () => {
  it('names the executable, or the program where the system hides it', () => {
    const asker = makeAsker(makeProcess(7, { executable: '/usr/bin/curl', name: 'curl' }));
    assert.deepEqual(processRef(asker), { pid: 7, executable: '/usr/bin/curl' });
    const hidden = makeAsker(makeProcess(8, { executable: undefined, name: 'curl' }));
    assert.deepEqual(processRef(hidden), { pid: 8, executable: 'curl' });
    assert.equal(processRef(undefined), undefined);
  });
});

describe('hasLeftItsTree', () => {
  it('is true of what nobody sits above, unless an exec does', () => {
    const lines = [[curl, init], [curl, exec, init], [curl, codex, ...desk], [curl]] as const;
    const got = lines.map(([first, ...rest]) => hasLeftItsTree(makeAsker(first, ...rest)));
    assert.deepEqual(got, [true, false, false, true]);
  });
});

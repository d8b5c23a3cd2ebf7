// A real terminal for tests: a tmux server of its own, in which a shell runs and is looked at and typed into as by
// a person.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, plainEnvironment, projectRoot } from './daemon.ts';

/** Where runs leave what a person may want to look at; not committed. */
export const artefactFolder = join(projectRoot, 'test', 'artefacts');

/** A terminal with a shell in it. */
export interface Terminal {
  /** Types keys by tmux's names: `j`, `Enter`, `Escape`, `C-c`; all in one write. */
  readonly keys: (...keys: readonly string[]) => void;
  /** Types text as it is. */
  readonly type: (text: string) => void;
  /** Pastes text as a terminal does for a program that asked for brackets. */
  readonly paste: (text: string) => void;
  /** The lines on the screen. */
  readonly screen: () => string;
  /** Waits until the screen fits, and gives it. */
  readonly shows: (what: RegExp) => Promise<string>;
  readonly resize: (columns: number, rows: number) => void;
  /** Keeps the screen, colours and all, as an artefact of the run. */
  readonly keep: (name: string) => void;
  /** The process that the shell runs now. */
  readonly child: () => number | undefined;
  readonly close: () => void;
}

let servers = 0;

/** Starts a tmux server and a bash with this environment; throws when tmux is not there. */
export function openTerminal(env: NodeJS.ProcessEnv, columns = 80, rows = 24): Terminal {
  servers += 1;
  const server = `sallyport-test-${process.pid}-${servers}`;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tmux-')); // for its socket
  const tmux = (...words: readonly string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(
      'tmux',
      ['-L', server, '-f', '/dev/null', ...words],
      {
        encoding: 'utf8',
        env: { ...env, TMUX_TMPDIR: folder, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' },
      },
    );
    if (status !== 0) throw new Error(`tmux ${words[0] ?? ''}: ${error?.message ?? stderr}`);
    return stdout;
  };
  const size = ['-x', String(columns), '-y', String(rows)];
  tmux('new-session', '-d', '-s', 'main', ...size, "env PS1='$ ' bash --norc --noprofile");
  tmux('set-option', '-g', 'window-size', 'manual');
  const screen = (): string => tmux('capture-pane', '-p', '-t', 'main');
  return {
    keys: (...keys) => void tmux('send-keys', '-t', 'main', ...keys),
    type: (text) => void tmux('send-keys', '-t', 'main', '-l', text),
    paste: (text) => {
      tmux('set-buffer', '-b', 'paste', text);
      tmux('paste-buffer', '-p', '-b', 'paste', '-t', 'main');
    },
    screen,
    shows: (what) =>
      eventually(`the terminal shows ${what.source}`, () => {
        const text = screen();
        return what.test(text) ? text : undefined;
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}; it shows:\n${screen()}`, { cause: error });
      }),
    resize: (x, y) => void tmux('resize-window', '-t', 'main', '-x', String(x), '-y', String(y)),
    keep: (name) => {
      mkdirSync(artefactFolder, { recursive: true });
      writeFileSync(
        join(artefactFolder, `${name}.ansi`),
        tmux('capture-pane', '-e', '-p', '-t', 'main'),
      );
    },
    child: () => {
      const shell = tmux('display-message', '-p', '-t', 'main', '#{pane_pid}').trim();
      const pids = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim();
      return pids === '' ? undefined : Number(pids.split(' ')[0]);
    },
    close: () => {
      tmux('kill-server');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The environment of a person's terminal: nothing that points at a proxy, and the state folder of this daemon. */
export function terminalEnvironment(state: string): NodeJS.ProcessEnv {
  const env = plainEnvironment({ SALLYPORT_STATE: state });
  delete env['TMUX'];
  return env;
}

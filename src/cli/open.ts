// `sallyport open`: the page in the person's browser. The address holds a code that works once, for 60 s; the
// opener gets it as one argument, by no shell.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SallyportError } from '../errors.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderJson } from './render.ts';

/** Hands the address to the desktop; false when there is none, or it has no browser. */
export type OpenAddress = (url: string, env: CommandIo['env']) => Promise<boolean>;

const usage = `usage: sallyport open [--print] [--json]

Opens the page in the browser. Its address holds a code that works once and for 60 seconds; with --print, or where
no desktop is found, the address is printed instead.
`;

/** The command. */
export const openCommand: Command = createOpenCommand(openAddress);

/** The command over an opener of the caller's choice. */
export function createOpenCommand(open: OpenAddress): Command {
  return {
    name: 'open',
    summary: 'open the page in the browser',
    usage,
    run: async (args, io) => {
      const { values, positionals } = readOptions(args, {
        print: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      });
      if (positionals.length > 0) throw usageError('open takes no words');
      const { url, expires } = await openClient(io.env).pageCode();
      if (url === null) throw portOff();
      if (values.json) {
        io.stdout(renderJson({ url, expires }));
        return exitCodes.done;
      }
      if (!values.print && (await open(url, io.env))) {
        io.stderr('sallyport: the page opens in your browser\n');
        return exitCodes.done;
      }
      io.stdout(`${escapeText(url)}\n`);
      return exitCodes.done;
    },
  };
}

function portOff(): SallyportError {
  const message = 'the page needs the control port, which is off; set [control] port and restart';
  return new SallyportError('ERR_CONTROL_REFUSED', message);
}

/** A browser may keep the opener running; a failure shows at once. */
const openerLimitMs = 3000;

/** Hands the address to the desktop's browser as one argument; false when there is no desktop or no browser. */
export async function openAddress(url: string, env: CommandIo['env']): Promise<boolean> {
  const words = openerWords(url, env, process.platform);
  if (words === undefined) return false;
  const [program = '', ...args] = words;
  const child = spawn(program, args, { env, stdio: 'ignore', detached: true });
  child.unref();
  try {
    const signal = AbortSignal.timeout(openerLimitMs);
    const [status] = (await once(child, 'exit', { signal })) as [number | null];
    return status === 0;
  } catch (error) {
    return error instanceof Error && error.name === 'AbortError'; // it runs on, or was not found
  }
}

/** The desktop's opener with the address as its one argument; undefined without a desktop. */
export function openerWords(
  url: string,
  env: CommandIo['env'],
  platform: NodeJS.Platform,
): readonly string[] | undefined {
  if (platform === 'darwin') return ['open', url];
  // `start` is a word of cmd.exe, a shell that would read the address
  if (platform === 'win32') return ['rundll32.exe', 'url.dll,FileProtocolHandler', url];
  const hasDesktop = [env['DISPLAY'], env['WAYLAND_DISPLAY']].some(
    (display) => display !== undefined && display !== '',
  );
  return hasDesktop ? ['xdg-open', url] : undefined;
}

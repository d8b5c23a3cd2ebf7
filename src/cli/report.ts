// What a failed command says and the code it ends with.
import { SallyportError } from '../errors.ts';
import { exitCodes, type CommandIo } from './command.ts';
import { escapeLines } from './render.ts';

/** Says what went wrong; gives the exit code. Anything but a SallyportError is a fault of ours: its stack helps. */
export function reportError(error: unknown, name: string, io: CommandIo): number {
  if (!(error instanceof SallyportError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.stderr(escapeLines(`sallyport: this is a fault in sallyport: ${text}\n`));
    return exitCodes.failed;
  }
  if (error.code === 'ERR_CONFIG_INVALID') {
    io.stderr(escapeLines(`${error.message.trimEnd()}\n`)); // one finding a line, each with its place
    return exitCodes.failed;
  }
  io.stderr(escapeLines(`sallyport: ${error.message}\n`));
  if (error.code !== 'ERR_USAGE') return exitCodeOf(error);
  io.stderr(`sallyport: "sallyport ${name} --help" says how it is used\n`);
  return exitCodes.usage;
}

/** Of the daemon's "no"s, by the code of the control API. Read by shape: control/client.ts is not loaded for this. */
function exitCodeOf(error: SallyportError): number {
  switch ('reason' in error ? error.reason : undefined) {
    case 'gone':
    case 'not_found':
      return exitCodes.gone;
    case 'changed':
      return exitCodes.changed;
    case 'forbidden':
    case 'self_approval':
      return exitCodes.refused;
    default:
      return exitCodes.failed;
  }
}

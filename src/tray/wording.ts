// The words a tray uses of a question, an answer and a program. Pure. Everything that came from outside passes
// `shown`, although views are escaped already: a prompt is the last place that may be wrong about that.
import type { AnswerView, AskerView, FloodView, GroupView } from '../control/messages.ts';
import { escapePrintable } from '../policy/printable.ts';

/** The text with what cannot be seen made visible, cut at its end to at most `most` characters. */
export function shown(text: string, most = 200): string {
  const characters = Array.from(escapePrintable(text));
  if (characters.length <= most) return characters.join('');
  return `${characters.slice(0, most - 1).join('')}…`;
}

/** `host:port`, whole, with an IPv6 host in brackets. */
export function wordPlace(place: { readonly host: string; readonly port: number }): string {
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  return escapePrintable(`${host}:${place.port}`);
}

const protocolWords: Readonly<Record<GroupView['protocol'], string>> = {
  http: 'plain HTTP',
  https_connect: 'HTTPS',
  socks5_tcp: 'SOCKS5',
};

/** `HTTPS, 3 connections wait`. */
export function wordWaiting({ protocol, waiting }: GroupView): string {
  const word = protocolWords[protocol];
  if (waiting === 0) return `${word}, the client has gone; an answer holds for its next try`;
  return `${word}, ${waiting === 1 ? '1 connection waits' : `${waiting} connections wait`}`;
}

/** `npm install, pid 4711`, by its command line where that may be shown. */
export function wordAsker({ program, pid, commandLine }: AskerView): string {
  const command = commandLine.length === 0 ? program : commandLine.join(' ');
  return `${shown(command, 90)}, pid ${pid}`;
}

/** `node, pid 7, asked for too much`. */
export function wordFlood({ program, pid }: FloodView): string {
  const who = shown(program, 60);
  return `${pid === null ? who : `${who}, pid ${pid},`} asked for too much`;
}

/** `allowed for 1 hour: api.example.net:443`. */
export function wordAnswer(answer: AnswerView): string {
  const verb = answer.outcome === 'allow' ? 'allowed' : 'denied';
  const spans: Readonly<Record<string, string>> = {
    once: 'once',
    '1h': 'for 1 hour',
    restart: 'until restart',
    always: 'always',
  };
  return `${verb} ${spans[answer.for] ?? `for ${shown(answer.for, 8)}`}: ${wordPlace(answer)}`;
}

/** `1 destination waits`, `5 destinations wait`; with questions whose client has left `1 waits, 6 kept`. */
export function wordCount(groups: readonly Pick<GroupView, 'waiting'>[]): string {
  const waiting = groups.filter((group) => group.waiting > 0).length;
  const kept = groups.length - waiting;
  if (kept === 0) return waiting === 1 ? '1 destination waits' : `${waiting} destinations wait`;
  const who = waiting === 0 ? 'nobody waits' : waiting === 1 ? '1 waits' : `${waiting} wait`;
  return `${who}, ${kept} kept`;
}

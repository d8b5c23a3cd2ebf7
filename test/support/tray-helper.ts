// A helper as macOS or Windows would run one, played by a program: it speaks the recorded lines of the protocol and
// does on its own what its first argument says.
import { createInterface } from 'node:readline';

const [mode = 'at-once', wanted = ''] = process.argv.slice(2);
let run = '';

function say(fields: object): void {
  process.stdout.write(`${JSON.stringify({ v: 1, run, ...fields })}\n`);
}

interface Entry {
  readonly label?: string;
  readonly id?: number;
  readonly entries?: readonly Entry[];
}

function find(entries: readonly Entry[], label: string): number | undefined {
  for (const entry of entries) {
    if (entry.label === label && entry.id !== undefined) return entry.id;
    const inner = find(entry.entries ?? [], label);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

let shows = 0;
let firstId: number | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as { type: string; run: string; menu?: readonly Entry[] };
  if (message.type === 'hello') {
    run = message.run;
    say({ type: 'ready' });
  }
  if (message.type === 'close') process.exit(0);
  if (message.type !== 'show') continue;
  shows += 1;
  const id = find(message.menu ?? [], wanted);
  firstId ??= id;
  say({ type: 'problem', text: `shown ${shows}` });
  switch (mode) {
    case 'at-once':
      say({ type: 'click', id });
      break;
    case 'stale':
      if (shows === 2) say({ type: 'click', id: firstId });
      break;
    case 'forged': {
      const own = run;
      run = 'another run';
      say({ type: 'click', id });
      run = own;
      break;
    }
    case 'freeze':
      if (shows === 1) {
        say({ type: 'menu', open: true });
        process.once('SIGUSR2', () => say({ type: 'menu', open: false })); // before anybody can send it
        say({ type: 'problem', text: `menu open in ${process.pid}` });
      }
      break;
    case 'flood':
      process.stdout.write('x'.repeat(400 * 1024));
      break;
    case 'die':
      process.exit(3);
  }
}

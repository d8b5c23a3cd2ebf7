// A child process that appends to a journal for ever: `node appender.ts FOLDER [LIMIT]`.
// Prints the uid of each acknowledged event, `refused UID` for each other, and what the journal tells.
// Stops after LIMIT turns.
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { createJournal } from '../../src/audit/journal.ts';

const [folder = '', limit = 'Infinity'] = process.argv.slice(2);
const journal = createJournal({
  folder,
  maxBytes: 100_000,
  onProblem: (problem) => writeSync(1, `problem ${problem}\n`),
  onRecovered: () => writeSync(1, 'recovered\n'),
});

async function appendOne(uid: string): Promise<void> {
  const attributes = { padding: 'x'.repeat(700) };
  try {
    await journal.append({ uid, time: '2026-11-20T08:36:41.138Z', name: 'test', attributes });
    writeSync(1, `${uid}\n`);
  } catch {
    writeSync(1, `refused ${uid}\n`);
    await setTimeout(20); // the output stays readable while nothing can be written
  }
}

// A file-size limit announces itself by a signal that would end the process before the error is seen.
process.on('SIGXFSZ', () => undefined);
for (let turn = 0; turn < Number(limit); turn += 1) {
  const width = (turn % 8) + 1;
  await Promise.all(Array.from({ length: width }, (_, index) => appendOne(`${turn}.${index}`)));
}

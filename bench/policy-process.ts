// Measures one size of policy; the arguments are the number of rules and of rounds.
import type { DecisionRequest } from '../src/policy/decision.ts';
import { createDestination, parseHost } from '../src/policy/destination.ts';
import { evaluate } from '../src/policy/evaluate.ts';
import { parsePattern } from '../src/policy/pattern.ts';
import { compilePolicy, type PolicyRule } from '../src/policy/rules.ts';
import type { PolicyReport } from './measure/policy.ts';

const questions = 4096;
const repeats = 100;
const noPorts: ReadonlySet<number> = new Set();
const endings = ['example', 'test', 'co.example', 'dev.test', 'cloud.example'];

/** The same numbers in every run, so that runs can be compared. */
function createRandom(): (below: number) => number {
  let seed = 20_261_120;
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

const random = createRandom();

function word(): string {
  const length = 3 + random(7);
  return Array.from({ length }, () => String.fromCharCode(97 + random(26))).join('');
}

/** Three kinds of rule in turn; one in ten is a deny rule. */
function writeRules(count: number): readonly string[] {
  const texts = new Set<string>();
  while (texts.size < count) {
    const base = `${word()}.${endings[random(endings.length)]}`;
    const kind = texts.size % 3;
    texts.add(kind === 0 ? `${word()}.${base}` : kind === 1 ? `*.${base}` : `**.${base}`);
  }
  return [...texts];
}

function isDeny(index: number): boolean {
  return index % 10 === 9;
}

function makeRule(text: string, index: number): PolicyRule {
  const outcome = isDeny(index) ? 'deny' : 'allow';
  const pattern = parsePattern(text, { outcome, port: true });
  if (!pattern.ok) throw new Error(pattern.problem);
  const origin = { layer: 'user', file: 'config.toml', line: index + 1, column: 1 } as const;
  return { pattern: pattern.value, ref: { text, outcome, origin } };
}

interface Question {
  readonly request: DecisionRequest;
  readonly known: boolean;
}

function ask(host: string, known: boolean): Question {
  const parsed = parseHost(host);
  if (!parsed.ok) throw new Error(parsed.problem);
  return {
    known,
    request: {
      destination: createDestination('https_connect', parsed.value, 443),
      listener: 'http',
      method: 'CONNECT',
      form: 'tunnel',
      client: { address: '127.0.0.1', port: 50_000, localPort: 4128 },
    },
  };
}

function writeQuestions(texts: readonly string[]): readonly Question[] {
  return Array.from({ length: questions }, (_, index) => {
    const text = texts[random(texts.length)] ?? '';
    // No rule ends in `.invalid`, so nothing is known of these.
    if (index % 2 === 0) return ask(`${word()}.${word()}.${word()}.invalid`, false);
    return ask(text.startsWith('*') ? `${word()}.${text.replace(/^\*+\./, '')}` : text, true);
  });
}

const count = Number(process.argv[2]);
const rounds = Number(process.argv[3]);
const texts = writeRules(count);
const rules = texts.map(makeRule);
const from = performance.now();
const policy = compilePolicy({
  enabled: true,
  mode: 'full',
  unknown: 'ask',
  allowLocalBinding: false,
  managedOnly: false,
  rules,
});
const buildMs = performance.now() - from;
const list = writeQuestions(texts);
const decide = ({ request }: Question): string =>
  evaluate(request, policy, () => undefined, noPorts).outcome;

for (const question of list) {
  if ((decide(question) === 'ask') === question.known) {
    throw new Error(`wrong answer for ${question.request.destination.host}`);
  }
}
const nanoseconds: number[] = [];
for (let round = -1; round < rounds; round += 1) {
  let asked = 0;
  const start = performance.now();
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const question of list) if (decide(question) === 'ask') asked += 1;
  }
  const tookMs = performance.now() - start;
  if (asked !== (questions / 2) * repeats) throw new Error('answers changed while they were timed');
  if (round >= 0) nanoseconds.push((tookMs * 1e6) / (questions * repeats)); // the first round only warms up
}
process.send?.({ buildMs, nanoseconds } satisfies PolicyReport, () => process.exit(0));

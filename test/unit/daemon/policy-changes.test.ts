import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../../src/config/config.ts';
import {
  createPolicyChanges,
  type Loaded,
  type PolicyChanges,
} from '../../../src/daemon/policy-changes.ts';
import { loadTexts } from '../../support/layers.ts';

const approver = { name: 'dev', surface: 'page' };

function load(user: string): Loaded {
  const result = loadTexts({ user });
  assert.ok(result.ok);
  return { config: result.config, warnings: result.warnings };
}

const narrow = '[network]\nallowed_domains = ["a.example"]\n';
const wide = '[network]\nallowed_domains = ["a.example", "b.example"]\n';
const wider = '[network]\nallowed_domains = ["a.example", "b.example", "c.example"]\n';
const confirm = '[control]\nconfirm_widening = true\n';

interface Bench {
  readonly changes: PolicyChanges;
  /** Allow rules in force. */
  readonly inForce: () => readonly string[];
  /** `state version by`, a line each. */
  readonly news: string[];
  readonly fail: (error: Error | undefined) => void;
}

function makeBench(first: string): Bench {
  let current = load(first);
  let failure: Error | undefined;
  const news: string[] = [];
  const rulesOf = ({ rules }: Config): readonly string[] => rules.map(({ ref }) => ref.text);
  const changes = createPolicyChanges({
    current: () => current,
    apply: (next) => {
      if (failure !== undefined) throw failure;
      current = next;
    },
    versionOf: (config) => rulesOf(config).join('+'),
    now: () => Date.UTC(2026, 10, 20),
    onNews: ({ view, approver: by }) => {
      news.push(`${view.state} ${view.version}${by === undefined ? '' : ` by ${by.name}`}`);
    },
  });
  return {
    changes,
    inForce: () => rulesOf(current.config),
    news,
    fail: (error) => {
      failure = error;
    },
  };
}

function idOf(changes: PolicyChanges): string {
  return changes.view()?.id ?? assert.fail('there is no change');
}

describe('a reload that widens', () => {
  it('is in force at once, announced with its lines, and undone in one step', () => {
    const { changes, inForce, news } = makeBench(narrow);
    assert.equal(changes.offer(load(wide)), 'applied');
    assert.deepEqual(inForce(), ['a.example', 'b.example']);
    assert.deepEqual(changes.view(), {
      id: idOf(changes),
      at: '2026-11-20T00:00:00.000Z',
      state: 'applied',
      lines: ['+ allow b.example'],
      version: 'a.example+b.example',
    });
    const id = idOf(changes);
    const undone = changes.undo(id, approver);
    assert.equal(undone.status, 'done');
    assert.deepEqual(inForce(), ['a.example']);
    assert.deepEqual(changes.undo(id, approver), { status: 'gone' });
    assert.deepEqual(news, ['applied a.example+b.example', 'undone a.example+b.example by dev']);
  });

  it('waits for an approver under confirm_widening, and nothing of it is in force till then', () => {
    const { changes, inForce, news } = makeBench(narrow + confirm);
    assert.equal(changes.offer(load(wide + confirm)), 'waiting');
    assert.deepEqual(inForce(), ['a.example']);
    assert.equal(changes.accept(idOf(changes), approver).status, 'done');
    assert.deepEqual(inForce(), ['a.example', 'b.example']);
    assert.equal(changes.undo(idOf(changes), approver).status, 'done');
    assert.deepEqual(inForce(), ['a.example']);
    assert.deepEqual(
      news.map((line) => line.split(' ')[0]),
      ['waiting', 'applied', 'undone'],
    );
  });

  it('that would switch confirm_widening off waits, too', () => {
    const { changes, inForce } = makeBench(narrow + confirm);
    assert.equal(changes.offer(load(wide)), 'waiting');
    assert.deepEqual(inForce(), ['a.example']);
  });

  it('rejected never comes into force, and cannot be accepted later', () => {
    const { changes, inForce } = makeBench(narrow + confirm);
    changes.offer(load(wide + confirm));
    const id = idOf(changes);
    assert.equal(changes.reject(id, approver).status, 'done');
    assert.deepEqual(changes.accept(id, approver), { status: 'gone' });
    assert.deepEqual(inForce(), ['a.example']);
  });

  it('gives way, while it waits, to what the file says next', () => {
    const { changes, inForce, news } = makeBench(narrow + confirm);
    changes.offer(load(wide + confirm));
    const first = idOf(changes);
    changes.offer(load(wider + confirm));
    assert.deepEqual(changes.accept(first, approver), { status: 'unknown' });
    changes.accept(idOf(changes), approver);
    assert.deepEqual(inForce(), ['a.example', 'b.example', 'c.example']);
    assert.deepEqual(
      news.map((line) => line.split(' ')[0]),
      ['waiting', 'replaced', 'waiting', 'applied'],
    );
  });

  it('that an admin saved with the difference in sight needs no second word, and can be undone', () => {
    const { changes, inForce } = makeBench(narrow + confirm);
    assert.equal(changes.offer(load(wide + confirm), approver), 'applied');
    assert.deepEqual(inForce(), ['a.example', 'b.example']);
    assert.equal(changes.undo(idOf(changes), approver).status, 'done');
  });

  it('stays undoable when the file is touched without a change, not when it narrows', () => {
    const { changes } = makeBench(narrow);
    changes.offer(load(wide));
    const id = idOf(changes);
    changes.offer(load(wide));
    assert.equal(changes.view()?.id, id);
    changes.offer(load(narrow));
    assert.equal(changes.view(), null);
  });

  it('that cannot be put in force on accepting stays where it was', () => {
    const { changes, inForce, fail } = makeBench(narrow + confirm);
    changes.offer(load(wide + confirm));
    fail(new Error('company-root.pem is gone'));
    assert.deepEqual(changes.accept(idOf(changes), approver), {
      status: 'failed',
      problem: 'company-root.pem is gone',
    });
    assert.equal(changes.view()?.state, 'waiting');
    assert.deepEqual(inForce(), ['a.example']);
    fail(undefined);
    assert.equal(changes.accept(idOf(changes), approver).status, 'done');
  });
});

describe('a reload that narrows', () => {
  it('is in force at once, also under confirm_widening, and is no news', () => {
    const { changes, inForce, news } = makeBench(wide + confirm);
    assert.equal(changes.offer(load(narrow + confirm)), 'applied');
    assert.deepEqual(inForce(), ['a.example']);
    assert.deepEqual(news, []);
    assert.equal(changes.view(), null);
  });

  it('shows only so many lines', () => {
    const { changes } = makeBench('');
    const hosts = Array.from({ length: 300 }, (_, n) => `"h${n}.example"`).join(', ');
    changes.offer(load(`[network]\nallowed_domains = [${hosts}]\n`));
    const lines = changes.view()?.lines ?? [];
    assert.equal(lines.length, 200);
    assert.equal(lines.at(-1), 'and 101 more');
  });
});

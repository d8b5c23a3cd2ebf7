import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderQuestion, showCommand } from '../../../src/cli/show.ts';
import type { AnswerRequest, PreviewResponse } from '../../../src/control/messages.ts';
import { recordIo, startStandIn, type Answer } from '../../support/command.ts';
import { makeGroup } from '../../support/views.ts';

const group = makeGroup({ warnings: ['It looks like b.example.'] });
const preview: PreviewResponse = {
  sentence: 'Deny it.',
  rule: null,
  cautions: ['Think\u202e.'],
  problem: null,
};
const answers: Answer = (method, path, body) => {
  if (method === 'GET') return [200, path === '/v1/pending' ? { groups: [group] } : group];
  const { outcome } = body as AnswerRequest;
  return [200, { ...preview, sentence: outcome === 'deny' ? 'Deny it.' : 'Allow it.' }];
};

describe('show', () => {
  for (const name of ['k3', 'api.example.net', 'api.example.net:443']) {
    it(`finds ${name} and asks what each answer would do, at its revision`, async (t) => {
      const daemon = await startStandIn(t, answers);
      const io = recordIo(daemon.env);
      assert.equal(await showCommand.run([name], io), 0);
      assert.match(io.written.out, /^question k3\n {2}host {8}api\.example\.net\n/);
      assert.match(io.written.out, /\nsallyport deny k3\n {2}Deny it\.\n/);
      assert.match(io.written.out, /\nsallyport allow k3 --for 1h --program this\n/);
      assert.match(io.written.out, /\nsallyport allow k3 --for 1h --host '\*\.example\.net'\n/);
      const asked = daemon.seen.filter(({ method }) => method === 'POST');
      assert.equal(asked[0]?.path, '/v1/pending/k3/preview');
      assert.ok(asked.every(({ body }) => (body as AnswerRequest).revision === 1));
    });
  }

  it('prints JSON', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await showCommand.run(['k3', '--json'], io), 0);
    const shown = JSON.parse(io.written.out) as { group: unknown; choices: unknown[] };
    assert.deepEqual(shown.group, group);
    assert.deepEqual(shown.choices[0], { command: 'sallyport deny k3', preview });
  });

  it('ends with 3 for a question that is gone', async (t) => {
    const daemon = await startStandIn(t, () => [410, { error: { code: 'gone', message: 'gone' } }]);
    await assert.rejects(showCommand.run(['k3'], recordIo(daemon.env)), { reason: 'gone' });
  });

  for (const words of [[], ['k3', 'k4']]) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(showCommand.run(words, recordIo()), { code: 'ERR_USAGE' });
    });
  }
});

describe('renderQuestion', () => {
  it('marks what to beware of, and says why an answer would be refused', () => {
    const refused = { ...preview, problem: 'not this one' };
    const text = renderQuestion(
      group,
      [
        { command: 'sallyport deny k3', preview: { ...preview, rule: 'deny x' } },
        { command: 'sallyport allow k3', preview: refused },
      ],
      Date.parse(group.firstSeen),
    );
    assert.match(text, /\n! beware {6}It looks like b\.example\.\n/);
    assert.match(
      text,
      /sallyport deny k3\n {2}Deny it\.\n {2}remembers: deny x\n {2}- Think\\u202e\.\n/,
    );
    assert.match(text, /sallyport allow k3\n {2}not this one\n$/);
  });
});

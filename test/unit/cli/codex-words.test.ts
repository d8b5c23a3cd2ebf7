import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addCodexBaseUrl } from '../../../src/cli/codex-words.ts';

const gateway = 'http://127.0.0.1:4130/v1';
const added = ['-c', 'openai_base_url="http://127.0.0.1:4130/v1"'];

describe('addCodexBaseUrl', () => {
  const gets = [
    { words: ['codex'], want: ['codex', ...added] },
    {
      words: ['/opt/bin/codex', 'exec', 'do it'],
      want: ['/opt/bin/codex', ...added, 'exec', 'do it'],
    },
    { words: ['codex.exe', '-m', 'x'], want: ['codex.exe', ...added, '-m', 'x'] },
    { words: ['npx', 'codex', 'x'], want: ['npx', 'codex', ...added, 'x'] },
    {
      words: ['npx', '-y', '@openai/codex@0.169.0'],
      want: ['npx', '-y', '@openai/codex@0.169.0', ...added],
    },
    {
      words: ['codex', '--', '-c', 'openai_base_url=x'],
      want: ['codex', ...added, '--', '-c', 'openai_base_url=x'],
    },
    { words: ['codex', '-c', 'model=x'], want: ['codex', ...added, '-c', 'model=x'] },
  ];
  for (const { words, want } of gets) {
    it(`adds to: ${words.join(' ')}`, () => {
      assert.deepEqual(addCodexBaseUrl(words, gateway, undefined), {
        words: want,
        note: undefined,
      });
    });
  }

  const leaves = [
    ['codex', '-c', 'openai_base_url="http://mine"'],
    ['codex', 'exec', '--config', 'openai_base_url="http://mine"'],
    ['codex', '--config=openai_base_url="http://mine"'],
    ['codex', '-copenai_base_url="http://mine"'],
    ['codexx'],
    ['sh', '-c', 'codex'],
    ['npx', 'other', 'codex'],
    [],
  ];
  for (const words of leaves) {
    it(`leaves alone: ${words.join(' ')}`, () => {
      assert.deepEqual(addCodexBaseUrl(words, gateway, undefined), { words, note: undefined });
    });
  }

  it("leaves an address of the user's Codex configuration, and says so", () => {
    const config = 'model = "x"\n openai_base_url = "https://mine.example/v1"\n';
    const note = `left the openai_base_url of your Codex configuration as it is; the gateway would be ${gateway}`;
    assert.deepEqual(addCodexBaseUrl(['codex'], gateway, config), { words: ['codex'], note });
  });

  it('does not take a comment for an address', () => {
    const { words } = addCodexBaseUrl(['codex'], gateway, '# openai_base_url = "x"\n');
    assert.deepEqual(words, ['codex', ...added]);
  });
});

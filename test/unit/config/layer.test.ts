import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyLayer, originOf, report, startWork } from '../../../src/config/layer.ts';
import { createLocator } from '../../../src/config/locate.ts';
import { fakeContext } from '../../support/layers.ts';

describe('a decoding', () => {
  const text = '[network]\nmode = 3\n';
  const layer = { layer: 'user', dialect: 'own', file: 'c.toml', folder: '/', text } as const;

  it('reports at the value or the key, as an error unless told', () => {
    const work = startWork(layer, fakeContext(), createLocator(text), false);
    report(work, ['network', 'mode'], 'a');
    report(work, ['network', 'mode'], 'b', 'key', 'warning');
    assert.deepEqual(work.findings, [
      { severity: 'error', file: 'c.toml', line: 2, column: 8, message: 'a' },
      { severity: 'warning', file: 'c.toml', line: 2, column: 1, message: 'b' },
    ]);
    assert.deepEqual(originOf(work, ['network', 'mode']), {
      layer: 'user',
      file: 'c.toml',
      line: 2,
      column: 8,
    });
  });

  it('starts from nothing', () => {
    const { settings, allow, deny, findings, shape } = emptyLayer({ layer: 'user', file: 'c' });
    assert.deepEqual([settings.size, allow, deny, findings, shape], [0, [], [], [], 'none']);
  });
});

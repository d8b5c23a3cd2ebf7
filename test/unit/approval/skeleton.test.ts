import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMixed, scriptsOf, skeletonOf, toLatin } from '../../../src/approval/skeleton.ts';

describe('toLatin', () => {
  const cases = [
    { name: 'leaves ASCII as it is', label: 'rn-vv_cl01', want: 'rn-vv_cl01' },
    { name: 'drops marks', label: 'éxämplė', want: 'example' },
    { name: 'reads Cyrillic as what it looks like', label: 'аррӏе', want: 'apple' },
    { name: 'reads Greek as what it looks like', label: 'gοοgle', want: 'google' },
    { name: 'reads Armenian as what it looks like', label: 'օpеnаi', want: 'openai' },
    { name: 'reads letters of other shapes', label: 'ɡıthυb', want: 'github' },
    { name: 'takes ligatures apart', label: 'æther', want: 'aether' },
    { name: 'reads long dashes as hyphens', label: 'a‐b', want: 'a-b' },
    { name: 'leaves letters that look like nothing Latin', label: '東京', want: '東京' },
  ];
  for (const { name, label, want } of cases) it(name, () => assert.equal(toLatin(label), want));
});

describe('skeletonOf', () => {
  const alike = [
    ['exarnple', 'example'],
    ['vvebpack', 'webpack'],
    ['clocker', 'docker'],
    ['g00gle', 'google'],
    ['paypa1', 'paypal'],
    ['paypai', 'paypal'],
    ['xn', 'хn'],
    ['modern', 'modem'],
  ] as const;
  for (const [one, other] of alike) {
    it(`takes ${one} for ${other}`, () => assert.equal(skeletonOf(one), skeletonOf(other)));
  }
  it('keeps different names apart', () => {
    const names = ['github', 'gitlab', 'docker', 'rocket', 'pypi', 'pip', 'x', 'w', 'v'];
    assert.equal(new Set(names.map(skeletonOf)).size, names.length);
  });
});

describe('scriptsOf', () => {
  it('names the scripts in a fixed order', () => {
    assert.deepEqual(scriptsOf('aаα東1-'), ['Latin', 'Cyrillic', 'Greek', 'Han']);
  });
});

describe('isMixed', () => {
  const cases = [
    ['example', false],
    ['пример', false],
    ['exаmple', true],
    ['αβγabc', true],
    ['東京tower', false],
    ['東京タワーです', false],
    ['서울漢字abc', false],
    ['서울ひ', true],
    ['123-', false],
  ] as const;
  for (const [label, want] of cases) {
    it(`${want ? 'finds' : 'finds no'} mixture in ${label}`, () =>
      assert.equal(isMixed(label), want));
  }
});

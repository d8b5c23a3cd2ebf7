import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapeMarkup, escapeMnemonic } from '../../../src/tray/markup.ts';

describe('text in markup', () => {
  it('can start no tag and no entity', () => {
    assert.equal(
      escapeMarkup('curl </b><a href="x">&amp;</a>'),
      'curl &lt;/b&gt;&lt;a href="x"&gt;&amp;amp;&lt;/a&gt;',
    );
  });

  it('keeps its underscores in a menu', () => {
    assert.equal(escapeMnemonic('a_b__c'), 'a__b____c');
  });
});

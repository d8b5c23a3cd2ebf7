import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { createReadBufferCollector } from '../../../src/proxy/read-buffers.ts';

const mebibyte = 1024 * 1024;

describe('createReadBufferCollector', () => {
  it('collects once for each 8 MiB, however they are cut', () => {
    let collected = 0;
    const read = createReadBufferCollector(() => (collected += 1));
    for (let index = 0; index < 8 * 16 - 1; index += 1) read(mebibyte / 16);
    assert.equal(collected, 0);
    read(mebibyte / 16);
    assert.equal(collected, 1);
    read(20 * mebibyte);
    assert.equal(collected, 2);
    read(7 * mebibyte);
    assert.equal(collected, 2);
  });

  it('frees the buffers of finished reads, which V8 alone would leave until 64 MiB of them lie about', () => {
    const read = createReadBufferCollector();
    const start = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let index = 0; index < 256 * 16; index += 1) {
      read(Buffer.allocUnsafeSlow(mebibyte / 16).length);
      most = Math.max(most, process.memoryUsage().arrayBuffers - start);
    }
    assert.ok(most < 24 * mebibyte, `${Math.round(most / mebibyte)} MiB lay about`);
  });

  it('leaves the collector to nobody else', () => {
    createReadBufferCollector();
    assert.equal(runInNewContext('typeof gc'), 'undefined');
  });
});

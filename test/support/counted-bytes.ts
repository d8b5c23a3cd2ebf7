// Any number of bytes made from a counter, so that a lost, doubled or swapped piece changes the hash.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

const blockLength = 64 * 1024;
const stride = 512;

/** The bytes from the first on; `bytes` must be a multiple of 64 KiB. */
export function createCountedBytes(bytes: number): Readable {
  let at = 0;
  return new Readable({
    highWaterMark: 4 * blockLength,
    read() {
      if (at >= bytes) {
        this.push(null);
        return;
      }
      this.push(makeBlock(at));
      at += blockLength;
    },
  });
}

/** sha256 of what `createCountedBytes` gives, hexadecimal, with the count before it. */
export function hashOfCounted(bytes: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; at += blockLength) hash.update(makeBlock(at));
  return `${bytes} ${hash.digest('hex')}`;
}

/** Every 512 bytes say where they stand; what lies between is filler. */
function makeBlock(at: number): Buffer {
  const block = Buffer.alloc(blockLength, 0xa5);
  for (let index = 0; index < blockLength; index += stride) block.writeDoubleLE(at + index, index);
  return block;
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findInodes, findUsers, socketKeys } from '../../../src/approval/proc-sockets.ts';

describe('socketKeys', () => {
  const cases = [
    {
      name: 'writes an IPv4 client as both tables would',
      address: '127.0.0.2',
      want: [
        '0200007F:9C41 0100007F:1020',
        '0000000000000000FFFF00000200007F:9C41 0000000000000000FFFF00000100007F:1020',
      ],
    },
    {
      name: 'takes the mapped form for the same',
      address: '::ffff:127.0.0.2',
      want: [
        '0200007F:9C41 0100007F:1020',
        '0000000000000000FFFF00000200007F:9C41 0000000000000000FFFF00000100007F:1020',
      ],
    },
    {
      name: 'writes IPv6 loopback',
      address: '::1',
      want: ['00000000000000000000000001000000:9C41 00000000000000000000000001000000:1020'],
    },
    { name: 'has none for anything else', address: 'localhost', want: [] },
  ];
  for (const { name, address, want } of cases) {
    it(name, () => assert.deepEqual(socketKeys({ address, port: 40_001, localPort: 4128 }), want));
  }
});

describe('findInodes', () => {
  const head =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const row = (n: number, key: string, inode: string) =>
    `${String(n).padStart(4)}: ${key} 01 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000005a3d7a1 20 4 30 10 -1\n`;
  const wanted = new Set(['0100007F:9C41 0100007F:1020']);

  it('takes the client row, not the server row of the same connection', () => {
    const text =
      head +
      row(0, '0100007F:1020 0100007F:9C41', '11') +
      row(12_345, '0100007F:9C41 0100007F:1020', '22');
    assert.deepEqual([...findInodes(text, wanted)], [['0100007F:9C41 0100007F:1020', '22']]);
  });
  it('leaves out a socket that nobody holds', () => {
    assert.equal(findInodes(head + row(0, '0100007F:9C41 0100007F:1020', '0'), wanted).size, 0);
  });
  it('says whose user a socket is, unless it has been closed', () => {
    const key = '0100007F:9C41 0100007F:1020';
    assert.deepEqual([...findUsers(head + row(0, key, '22'), wanted)], [[key, 1000]]);
    assert.deepEqual([...findUsers(head + row(0, key, '0'), wanted)], []);
    assert.deepEqual([...findUsers(head, wanted)], []);
  });
  it('takes any text', () => {
    for (const text of ['', '\n', ': ', '0: 0100007F:9C41 0100007F:1020', head]) {
      assert.equal(findInodes(text, wanted).size, 0);
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reportError } from '../../../src/cli/report.ts';
import { ControlError } from '../../../src/control/client.ts';
import { SallyportError } from '../../../src/errors.ts';
import { recordIo } from '../../support/command.ts';

describe('reportError', () => {
  const cases = [
    {
      error: new ControlError(410, 'gone', 'k3 is answered'),
      code: 3,
      text: 'sallyport: k3 is answered\n',
    },
    { error: new ControlError(404, 'not_found', 'no k9'), code: 3, text: 'sallyport: no k9\n' },
    {
      error: new ControlError(409, 'changed', 'k3 changed'),
      code: 4,
      text: 'sallyport: k3 changed\n',
    },
    { error: new ControlError(403, 'forbidden', 'not you'), code: 5, text: 'sallyport: not you\n' },
    {
      error: new ControlError(403, 'self_approval', 'not it'),
      code: 5,
      text: 'sallyport: not it\n',
    },
    {
      error: new ControlError(401, 'unauthorized', 'no token'),
      code: 1,
      text: 'sallyport: no token\n',
    },
    {
      error: new SallyportError('ERR_PORT_IN_USE', 'port 4128\u001b is taken'),
      code: 1,
      text: 'sallyport: port 4128\\u001b is taken\n',
    },
    {
      error: new SallyportError('ERR_USAGE', 'wrong'),
      code: 2,
      text: 'sallyport: wrong\nsallyport: "sallyport run --help" says how it is used\n',
    },
    {
      error: new SallyportError('ERR_CONFIG_INVALID', 'a.toml:1:2: x: wrong\na.toml:3:4: y: wrong'),
      code: 1,
      text: 'a.toml:1:2: x: wrong\na.toml:3:4: y: wrong\n',
    },
  ];
  for (const { error, code, text } of cases) {
    it(`ends with ${code} for ${error instanceof ControlError ? error.reason : error.code}`, () => {
      const io = recordIo();
      assert.deepEqual([reportError(error, 'run', io), io.written], [code, { out: '', err: text }]);
    });
  }

  it('shows the stack of what nobody expected', () => {
    const io = recordIo();
    assert.equal(reportError(new TypeError('odd'), 'run', io), 1);
    assert.match(
      io.written.err,
      /^sallyport: this is a fault in sallyport: TypeError: odd\n {4}at /,
    );
  });
});

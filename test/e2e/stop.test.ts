// SIGTERM: nothing new is taken, what waits is denied, tunnels close, records reach the collector, and it is gone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { eventually, removeFolder, startSallyport } from '../support/daemon.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { closed, connectThrough } from '../support/proxy-client.ts';

describe('stopping', { timeout: 60_000 }, () => {
  it('denies what waits, closes tunnels, flushes, and ends with 0 in the time promised', async () => {
    await using cleanup = new AsyncDisposableStack();
    const collector = await startOtlpReceiver();
    cleanup.defer(collector.close);
    const origin = net.createServer((socket) => socket.on('error', () => undefined));
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    cleanup.defer(() => void origin.close());
    const { port } = origin.address() as AddressInfo;
    const daemon = await startSallyport({
      config: `[network]\nallowed_domains = ["127.0.0.1:${port}"]\n[otel]\nexporter = { otlp-http = { endpoint = "${collector.url}", protocol = "json" } }\n`,
    });
    cleanup.defer(() => removeFolder(daemon.folder));
    const open = connectThrough(daemon.http, `127.0.0.1:${port}`);
    const idle = net.connect(daemon.socks, '127.0.0.1').on('error', () => undefined);
    const held = connectThrough(daemon.http, 'waits.example:443');
    assert.match(await open.answer, / 200 /);
    await daemon.question('waits.example');

    const begun = process.hrtime.bigint();
    const stopped = daemon.stop();
    assert.match(await held.answer, /^HTTP\/1\.1 403 .*waits\.example:443/);
    await Promise.all([closed(open.socket), closed(idle)]);
    assert.equal(await stopped, 0);
    assert.ok(process.hrtime.bigint() - begun < 5_000_000_000n, 'gone within 5 s');
    await assert.rejects(once(net.connect(daemon.http, '127.0.0.1'), 'connect'), {
      code: 'ECONNREFUSED',
    });

    const journal = daemon.journal();
    const last = daemon.decisions().at(-1)?.attributes ?? {};
    assert.deepEqual(
      [last['server.address'], last['network.policy.reason'], last['network.policy.scope']],
      ['waits.example', 'stopping', 'non_domain'],
    );
    const ends = journal.filter(({ name }) => name === 'sallyport.connection.closed');
    assert.deepEqual(
      ends.map(({ attributes }) => attributes['sallyport.connection.reason']),
      ['stopping'],
    );
    // Nothing that the journal has was left behind.
    await eventually('every record at the collector', () => {
      const arrived = new Set(
        collector.records.map((record) => record.attributes['sallyport.uid']),
      );
      return journal.every(({ uid }) => arrived.has(uid)) ? true : undefined;
    });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { followTrayHosts, watcherName } from '../../../src/tray/tray-hosts.ts';
import { startBroker } from '../../support/broker.ts';

describe('who may draw the tray', () => {
  it('is who owns the watcher or a host name, from before or from now on', async (context) => {
    const broker = await startBroker(context);
    const [panel, late, stranger] = [
      await broker.connect(),
      await broker.connect(),
      await broker.connect(),
    ];
    await panel.ownName(watcherName);
    await stranger.ownName('org.kde.Other');
    const bus = await broker.connect();
    let changes = 0;
    const hosts = await followTrayHosts(bus, () => (changes += 1));
    assert.equal(hosts.watcher(), panel.name);
    await late.ownName('org.kde.StatusNotifierHost-77');
    await stranger.ownName('org.kde.StatusNotifierHostess');
    await bus.listNames();
    assert.deepEqual(
      [panel, late, stranger].map(({ name }) => hosts.has(name)),
      [true, true, false],
    );
    assert.equal(changes, 0);
    await panel.close();
    await late.listNames();
    await bus.listNames();
    assert.deepEqual([hosts.has(panel.name), hosts.watcher(), changes], [false, null, 1]);
  });

  it('is not who says so itself', async (context) => {
    const broker = await startBroker(context);
    const [bus, liar] = [await broker.connect(), await broker.connect()];
    const hosts = await followTrayHosts(bus, () => undefined);
    const said = { path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
    const change = [watcherName, '', liar.name];
    liar.emit(said.path, said.interface, 'NameOwnerChanged', 'sss', change);
    const signal = { ...said, member: 'NameOwnerChanged', signature: 'sss', body: change };
    await broker.sendTo(bus, signal);
    await liar.listNames();
    await bus.listNames();
    assert.equal(hosts.has(liar.name), false);
  });
});

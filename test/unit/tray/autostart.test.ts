import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { autostartFile, entryOf, setAutostart } from '../../../src/tray/autostart.ts';

describe('starting with the desktop', () => {
  it('is an entry in the folder that the environment names', () => {
    const name = 'autostart/sallyport-tray.desktop';
    assert.equal(autostartFile({ XDG_CONFIG_HOME: '/c', HOME: '/h' }), `/c/${name}`);
    assert.equal(autostartFile({ XDG_CONFIG_HOME: 'relative', HOME: '/h' }), `/h/.config/${name}`);
  });

  it('is written, written again and removed, twice if need be', () => {
    const home = mkdtempSync(join(tmpdir(), 'sallyport-home-'));
    const env = { HOME: home };
    for (const words of [['/old'], ['/opt/sallyport', 'tray']]) setAutostart(true, words, env);
    const text = readFileSync(autostartFile(env), 'utf8');
    assert.match(text, /^Exec="\/opt\/sallyport" "tray"$/m);
    setAutostart(false, [], env);
    setAutostart(false, [], env);
    assert.equal(existsSync(autostartFile(env)), false);
    rmSync(home, { recursive: true });
  });

  it('quotes every word so that it stays one', () => {
    const exec = /^Exec=(.*)$/m.exec(entryOf(['a b', '$HOME', '50%', '"`\\']))?.[1];
    assert.equal(exec, String.raw`"a b" "\\$HOME" "50%%" "\\"\\${'`'}\\\\"`);
  });
});

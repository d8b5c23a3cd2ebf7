// The desktop of macOS: a menu bar item drawn by the system's own script host. Not tried on a Mac.
import { join } from 'node:path';
import type { DesktopAdapter, DesktopEvents } from './adapter.ts';
import { openHelperDesktop } from './helper.ts';

/** The helper's script, beside this file. */
export const macosHelperFile = join(import.meta.dirname, 'macos-helper.js');

/** Opens the menu bar item. */
export function openMacosDesktop(events: DesktopEvents): DesktopAdapter {
  const args = ['-l', 'JavaScript', macosHelperFile];
  const name = 'the macOS helper (osascript)';
  return openHelperDesktop({ program: '/usr/bin/osascript', args, name }, events);
}

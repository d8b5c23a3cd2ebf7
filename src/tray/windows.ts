// The desktop of Windows: an icon in the notification area, drawn by Windows PowerShell. Not tried on Windows.
import { join, win32 } from 'node:path';
import type { DesktopAdapter, DesktopEvents } from './adapter.ts';
import { openHelperDesktop } from './helper.ts';

/** The helper's script, beside this file: packaged, since scanners distrust scripts in temporary folders. */
export const windowsHelperFile = join(import.meta.dirname, 'windows-helper.ps1');

/** Opens the icon; `systemRoot` is Windows' own folder. */
export function openWindowsDesktop(systemRoot: string, events: DesktopEvents): DesktopAdapter {
  const program = win32.join(systemRoot, 'System32/WindowsPowerShell/v1.0/powershell.exe');
  const args = ['-NoProfile', '-NonInteractive', '-Sta', '-File', windowsHelperFile];
  return openHelperDesktop({ program, args, name: 'the Windows helper (PowerShell)' }, events);
}

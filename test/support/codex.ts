// The real Codex, pinned, fetched by npm into a cache folder of the project that git ignores.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnvironment, projectRoot, run } from './daemon.ts';

const version = '0.169.0';

/** The path of the pinned Codex; installs it when it is not there, and throws when it cannot be had. */
export async function fetchCodex(): Promise<string> {
  const folder = join(projectRoot, '.cache', `codex-${version}`);
  const manifest = join(folder, 'node_modules', '@openai', 'codex', 'package.json');
  const binary = join(folder, 'node_modules', '.bin', 'codex');
  if (existsSync(manifest) && existsSync(binary)) {
    const installed = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    if (installed.version === version) return binary;
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const words = ['install', '--no-save', '--no-audit', '--no-fund', `@openai/codex@${version}`];
  const done = await run('npm', words, {
    cwd: folder,
    env: plainEnvironment(),
    timeoutMs: 300_000,
  });
  if (done.status !== 0) throw new Error(`codex ${version} cannot be had from npm: ${done.stderr}`);
  return binary;
}

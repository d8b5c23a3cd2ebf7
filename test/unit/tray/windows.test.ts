// No PowerShell is to be had here, so a grammar reads the helper's script, and its promises are read off the text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { openWindowsDesktop, windowsHelperFile } from '../../../src/tray/windows.ts';

/** As much of web-tree-sitter as is used; its package ships its types for another module system. */
interface TreeSitter {
  readonly Parser: {
    new (): {
      setLanguage: (language: unknown) => void;
      parse: (text: string) => { readonly rootNode: Node } | null;
    };
    init: (options: object) => Promise<void>;
  };
  readonly Language: { load: (file: string) => Promise<unknown> };
}
interface Node {
  readonly hasError: boolean;
  readonly type: string;
  readonly text: string;
  readonly children: readonly Node[];
}

const require = createRequire(import.meta.url);
const entry = require.resolve('@vscode/tree-sitter-wasm/wasm/tree-sitter.js');
const { Parser, Language } = require(entry) as TreeSitter;
const script = readFileSync(windowsHelperFile, 'utf8');

async function parse(text: string): Promise<Node> {
  await Parser.init({ locateFile: (name: string) => join(dirname(entry), name) });
  const parser = new Parser();
  parser.setLanguage(await Language.load(join(dirname(entry), 'tree-sitter-powershell.wasm')));
  return parser.parse(text)?.rootNode ?? assert.fail('nothing was parsed');
}

function namesOf(node: Node, type: string): readonly string[] {
  const inner = node.children.flatMap((child) => namesOf(child, type));
  return node.type === type ? [node.text, ...inner] : inner;
}

describe('the Windows helper', () => {
  it('is PowerShell without a mistake', async () => {
    assert.equal((await parse('function f { if ($a { 1 }')).hasError, true, 'the grammar tells');
    assert.equal((await parse(script)).hasError, false);
  });

  it('runs only commands that neither fetch, compile, start nor write anything', async () => {
    const used = new Set(namesOf(await parse(script), 'command_name'));
    assert.deepEqual([...used].sort(), [
      'Add-Entries',
      'Add-Type',
      'ConvertFrom-Json',
      'ConvertTo-Json',
      'New-Object',
      'New-StateIcon',
      'Read-Message',
      'Show-Model',
      'Write-Line',
    ]);
    assert.deepEqual(script.match(/Add-Type .*/g), [
      'Add-Type -AssemblyName System.Windows.Forms',
      'Add-Type -AssemblyName System.Drawing',
    ]);
    assert.doesNotMatch(script, /-ComObject|\bhttp|Net\.Web|IO\.File\b/i);
  });

  it('is ASCII, since Windows PowerShell reads a file without a mark in the code page', () => {
    assert.match(script, /^[\n\x20-\x7e]*$/);
  });
});

describe('the desktop of Windows elsewhere', () => {
  it('says what is missing', async (context) => {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const desktop = openWindowsDesktop('/nowhere', {
      onAction: () => undefined,
      onProblem: resolve,
      onTaken: () => undefined,
    });
    context.after(() => desktop.close());
    assert.match((await promise) ?? '', /the Windows helper \(PowerShell\) cannot be started/);
  });
});

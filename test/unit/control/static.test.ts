import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { readPage } from '../../../src/control/static.ts';
import { openBench, send } from '../../support/control.ts';

const page = join(import.meta.dirname, '..', '..', '..', 'src', 'control', 'page');

/** A folder with these files. */
function folderWith(context: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-page-'));
  context.after(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function fileAt(folder: string, path: string) {
  const route = readPage(folder).find((one) => one.path === path);
  const reply = await route?.handle({} as never); // it looks at nothing of the request
  return reply !== undefined && 'file' in reply
    ? [reply.file.type, Buffer.from(reply.file.bytes).toString()]
    : undefined;
}

describe('readPage', () => {
  const files = {
    'index.html': '<p>',
    'app.js': 'js',
    'app.css': 'css',
    'icon.svg': 'svg',
    'app.test.ts': 'no',
    'types.d.ts': 'no',
    'tsconfig.json': 'no',
    '.hidden.js': 'no',
    'Upper.js': 'no',
    readme: 'no',
  };
  it('serves what a page is made of, and nothing else', (context) => {
    const folder = folderWith(context, files);
    mkdirSync(join(folder, 'more.js.d'));
    const paths = readPage(folder).map(({ path }) => path);
    assert.deepEqual(paths.sort(), [
      '/',
      '/app.css',
      '/app.js',
      '/favicon.ico',
      '/icon.svg',
      '/index.html',
    ]);
  });
  const wanted = [
    { path: '/', want: ['text/html; charset=utf-8', '<p>'] },
    { path: '/index.html', want: ['text/html; charset=utf-8', '<p>'] },
    { path: '/app.js', want: ['text/javascript; charset=utf-8', 'js'] },
    { path: '/app.css', want: ['text/css; charset=utf-8', 'css'] },
    { path: '/icon.svg', want: ['image/svg+xml', 'svg'] },
    { path: '/favicon.ico', want: ['image/svg+xml', 'svg'] },
    { path: '/tsconfig.json', want: undefined },
  ];
  for (const { path, want } of wanted) {
    it(`gives ${want?.[0] ?? 'nothing'} at ${path}`, async (context) =>
      assert.deepEqual(await fileAt(folderWith(context, files), path), want));
  }
  it('reads the files once', async (context) => {
    const folder = folderWith(context, files);
    const route = readPage(folder).find(({ path }) => path === '/app.js');
    writeFileSync(join(folder, 'app.js'), 'changed');
    const reply = await route?.handle({} as never); // it looks at nothing of the request
    assert.ok(reply !== undefined && 'file' in reply);
    assert.equal(Buffer.from(reply.file.bytes).toString(), 'js');
  });
  it('prefers a favicon of that name, and does without any', (context) => {
    const own = folderWith(context, { 'favicon.ico': 'ico', 'icon.svg': 'svg' });
    assert.equal(readPage(own).filter(({ path }) => path === '/favicon.ico').length, 1);
    assert.deepEqual(readPage(folderWith(context, {})), []);
  });
  it('opens its routes to anyone, on the port alone, and they change nothing', (context) => {
    for (const route of readPage(folderWith(context, files))) {
      const { method, permission, reach, listener } = route;
      assert.deepEqual(
        [method, permission, reach, listener],
        ['GET', 'anyone', 'unchanged', 'tcp'],
      );
    }
  });
  it('fails when the folder holds a file that cannot be read', (context) => {
    const folder = folderWith(context, {});
    symlinkSync(join(folder, 'nowhere'), join(folder, 'app.js'));
    assert.throws(() => readPage(folder), { code: 'ENOENT' });
  });
});

describe('the page on the control port', () => {
  const open = async (context: TestContext) =>
    await openBench(context, { files: readPage(page), now: Date.now });
  const bare = { authorization: '' };
  it('is served without a token and with its own strict headers', async (context) => {
    const bench = await open(context);
    const { status, headers, text } = await send(bench, { path: '/', headers: bare });
    assert.deepEqual([status, text], [200, readFileSync(join(page, 'index.html'), 'utf8')]);
    const policy = String(headers['content-security-policy']).split('; ');
    assert.deepEqual(policy, [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "worker-src 'self'",
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      'trusted-types sallyport',
    ]);
    assert.deepEqual(
      [
        headers['content-type'],
        headers['cache-control'],
        headers['x-content-type-options'],
        headers['x-frame-options'],
        headers['cross-origin-opener-policy'],
        headers['cross-origin-resource-policy'],
        headers['referrer-policy'],
      ],
      [
        'text/html; charset=utf-8',
        'no-store',
        'nosniff',
        'DENY',
        'same-origin',
        'same-origin',
        'no-referrer',
      ],
    );
    assert.match(String(headers['permissions-policy']), /camera=\(\).*usb=\(\)/);
    assert.deepEqual(
      [headers['set-cookie'], headers['access-control-allow-origin']],
      [undefined, undefined],
    );
  });
  it('holds no token, code or secret', async (context) => {
    const bench = await open(context);
    const secret = readFileSync(join(bench.folder, 'token'), 'utf8').trim();
    for (const { path } of bench.parts.files) {
      const { status, text } = await send(bench, { path, headers: bare });
      assert.deepEqual([status, text.includes(secret)], [200, false], path);
    }
  });
  const refused = [
    { name: 'a rebound name', headers: { host: 'evil.example:4131' }, want: 421 },
    { name: 'another page', headers: { origin: 'https://evil.example' }, want: 403 },
    { name: 'a cross-site visit', headers: { 'sec-fetch-site': 'cross-site' }, want: 403 },
    { name: 'another local port', headers: { 'sec-fetch-site': 'same-site' }, want: 403 },
  ];
  for (const { name, headers, want } of refused) {
    it(`is not served to ${name}`, async (context) => {
      const bench = await open(context);
      const { status } = await send(bench, { path: '/', headers: { ...bare, ...headers } });
      assert.equal(status, want);
    });
  }
  const elsewhere = [
    '/tsconfig.json',
    '/../server.ts',
    '/page/index.html',
    '/%2e%2e/server.ts',
    '/index.html/',
  ];
  for (const path of elsewhere) {
    it(`has nothing at ${path}`, async (context) => {
      const bench = await open(context);
      assert.equal((await send(bench, { path })).status, 404);
      assert.equal((await send(bench, { path, headers: bare })).status, 401);
    });
  }
  it('is not on the socket', async (context) => {
    const bench = await open(context);
    assert.equal((await send(bench, { path: '/', overSocket: true })).status, 404);
  });
});

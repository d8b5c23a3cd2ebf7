// A throw-away certificate authority for tests, made at run time with the openssl program.
// Nothing is kept: keys and certificates live in a temporary folder until the authority is made or a
// leaf is issued, and in memory afterwards.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a TLS server is started with; PEM. */
export interface Leaf {
  readonly cert: string;
  readonly key: string;
}

/** A root of its own, trusted by nobody who is not given `certificate`. */
export interface Authority {
  /** The root, PEM. */
  readonly certificate: string;
  /** A leaf for these names and addresses; `days` below zero makes one that has expired. */
  readonly issue: (names: readonly string[], days?: number) => Leaf;
}

/** Makes a new authority. */
export function createAuthority(): Authority {
  return inFolder((folder) => {
    const at = (name: string): string => join(folder, name);
    openssl([
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', at('root.key'), '-out', at('root.pem'), '-days', '2'],
      ...['-subj', '/CN=throw-away test root', '-addext', 'basicConstraints=critical,CA:TRUE'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ]);
    const certificate = readFileSync(at('root.pem'), 'utf8');
    const key = readFileSync(at('root.key'), 'utf8');
    return { certificate, issue: (names, days) => issue({ cert: certificate, key }, names, days) };
  });
}

function issue(root: Leaf, names: readonly string[], days = 2): Leaf {
  return inFolder((folder) => {
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('root.key'), root.key, { mode: 0o600 });
    writeFileSync(at('root.pem'), root.cert);
    const list = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
    writeFileSync(at('ext'), `subjectAltName=${list}\nextendedKeyUsage=serverAuth\n`);
    openssl([
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', at('leaf.key'), '-out', at('leaf.csr'), '-subj', '/CN=test leaf'],
    ]);
    writeFileSync(at('index'), '');
    writeFileSync(at('config'), caConfig);
    openssl(
      [
        ...['ca', '-batch', '-notext', '-config', at('config'), '-in', at('leaf.csr')],
        ...['-cert', at('root.pem'), '-keyfile', at('root.key'), '-extfile', at('ext')],
        ...['-outdir', folder, '-out', at('leaf.pem'), '-startdate', day(days - 3)],
        ...['-enddate', day(days), '-rand_serial'],
      ],
      folder,
    );
    return {
      cert: readFileSync(at('leaf.pem'), 'utf8'),
      key: readFileSync(at('leaf.key'), 'utf8'),
    };
  });
}

/** `openssl ca` and not `openssl x509`: only it can make a certificate that has expired. */
const caConfig = `[ca]
default_ca = one
[one]
database = index
default_md = sha256
policy = any
[any]
commonName = supplied
`;

function day(offset: number): string {
  const iso = new Date(Date.now() + offset * 86_400_000).toISOString();
  return `${iso.replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
}

function openssl(args: readonly string[], cwd = '.'): void {
  execFileSync('openssl', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

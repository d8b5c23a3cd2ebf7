// A throw-away certificate authority for tests, made at run time with the openssl program.
// Nothing is kept: keys and certificates live in a temporary folder until the authority is made or a
// leaf is issued, and in memory afterwards.
import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
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

const newKey = 'req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

/** `openssl ca` and not `openssl x509`: only it can make a certificate that has expired. */
const caConfig = `[ca]
default_ca = one
[one]
database = index
serial = serial
default_md = sha256
policy = any
[any]
commonName = supplied
`;

/** Makes a new authority. */
export function createAuthority(): Authority {
  return inFolder((folder) => {
    openssl(
      folder,
      `${newKey} -x509 -keyout root.key -out root.pem -days 2 -subj /CN=test-root-${randomInt(1e9)} -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign`,
    );
    const certificate = readFileSync(join(folder, 'root.pem'), 'utf8');
    const key = readFileSync(join(folder, 'root.key'), 'utf8');
    return { certificate, issue: (names, days) => issue({ cert: certificate, key }, names, days) };
  });
}

function issue(root: Leaf, names: readonly string[], days = 2): Leaf {
  return inFolder((folder) => {
    const list = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
    const files = {
      'root.pem': root.cert,
      'root.key': root.key,
      ext: `subjectAltName=${list}\nextendedKeyUsage=serverAuth\n`,
      serial: `01${randomBytes(8).toString('hex')}\n`,
      index: '',
      config: caConfig,
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    }
    openssl(folder, `${newKey} -keyout leaf.key -out leaf.csr -subj /CN=test-leaf`);
    openssl(
      folder,
      `ca -batch -notext -config config -in leaf.csr -cert root.pem -keyfile root.key -extfile ext -outdir . -out leaf.pem -startdate ${day(days - 3)} -enddate ${day(days)}`,
    );
    return {
      cert: readFileSync(join(folder, 'leaf.pem'), 'utf8'),
      key: readFileSync(join(folder, 'leaf.key'), 'utf8'),
    };
  });
}

/** A day from today as `openssl ca` wants it. */
function day(offset: number): string {
  const iso = new Date(Date.now() + offset * 86_400_000).toISOString();
  return `${iso.replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
}

function openssl(cwd: string, command: string): void {
  execFileSync('openssl', command.split(' '), { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

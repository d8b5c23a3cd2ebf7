// The secrets of the control API: the local admin's in `<state>/token`, others' by hash in `<state>/tokens.json`.
// Two secrets may be valid at once for one name, so that one can take the other's place without a gap.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Parsed } from '../policy/destination.ts';
import type { State } from '../state.ts';
import type {
  TokenCreatedResponse,
  TokenRequest,
  TokenRotatedResponse,
  TokenView,
} from './messages.ts';
import type { Holder } from './route.ts';
import { formatTokens, readTokens } from './tokens-file.ts';
import type { KeptToken } from './tokens-file.ts';

/** What tokens are made of. */
export interface TokensParts {
  readonly state: Pick<State, 'folder' | 'read' | 'writeAtomic' | 'createSecret'>;
  /** Unix ms. */
  readonly now: () => number;
}

/** The valid tokens. */
export interface Tokens {
  /** Whose secret this is; compares with every hash, each in constant time. */
  readonly find: (secret: string) => Holder | undefined;
  /** False once the secret of this key has been revoked, replaced for long enough, or has run out. */
  readonly isValid: (key: string) => boolean;
  /** The local admin's first. */
  readonly list: () => readonly TokenView[];
  /** Makes one; a problem says what stands against it. Throws ERR_STATE_UNSAFE when it cannot be kept. */
  readonly create: (request: TokenRequest) => Parsed<TokenCreatedResponse>;
  /** Undefined for an id that is not there; the local admin's cannot be revoked, only rotated. */
  readonly revoke: (id: string) => TokenView | undefined;
  /** A new secret in `<state>/token`; the one before it is valid for 10 minutes more. */
  readonly rotateLocal: () => TokenRotatedResponse;
  /** Writes down when tokens were last used, if that has changed; throws when it cannot. */
  readonly flush: () => void;
}

const localId = 'local';
const localFile = 'token';
const file = 'tokens.json';
const overlapMs = 10 * 60_000;
const dayMs = 24 * 60 * 60_000;
const tokenLimit = 64;

interface LocalSecret {
  readonly key: string;
  readonly hash: Buffer;
  /** Infinity for the one in the file. */
  validUntilMs: number;
}

/** Reads both files, making the local one at the first start. ERR_STATE_CORRUPT when one is damaged. */
export function createTokens(parts: TokensParts): Tokens {
  return new TokenTable(parts);
}

class TokenTable implements Tokens {
  readonly #parts: TokensParts;
  #local: LocalSecret[];
  #localCreatedMs: number;
  #localUsedMs: number | undefined;
  #rotations = 0;
  #kept: Map<string, KeptToken>;
  #next: number;
  #dirty = false;

  constructor(parts: TokensParts) {
    this.#parts = parts;
    const { state } = parts;
    this.#local = [this.#localSecret(state.createSecret(localFile))];
    this.#localCreatedMs = statSync(join(state.folder, localFile)).mtimeMs;
    const kept = readTokens(state.read(file), join(state.folder, file));
    this.#kept = new Map(kept.tokens.map((token) => [token.id, token]));
    this.#next = kept.next;
  }

  find = (secret: string): Holder | undefined => {
    const hash = digest(secret);
    const now = this.#parts.now();
    let found: Holder | undefined;
    // All of them are looked at, so that the time taken tells nothing of which one it is.
    for (const local of this.#local) {
      if (!timingSafeEqual(hash, local.hash) || local.validUntilMs <= now) continue;
      this.#localUsedMs = now;
      found = { key: local.key, token: localId, role: 'admin', surface: undefined };
    }
    for (const token of this.#kept.values()) {
      if (!timingSafeEqual(hash, Buffer.from(token.hash, 'hex')) || isOver(token, now)) continue;
      this.#noteUse(token, now);
      found = { key: token.id, token: token.id, role: token.role, surface: undefined };
    }
    return found;
  };

  isValid = (key: string): boolean => {
    const now = this.#parts.now();
    const token = this.#kept.get(key);
    if (token !== undefined) return !isOver(token, now);
    return this.#local.some((local) => local.key === key && local.validUntilMs > now);
  };

  list = (): readonly TokenView[] => {
    const now = this.#parts.now();
    const others = [...this.#kept.values()].filter((token) => !isOver(token, now));
    return [this.#localView(), ...others.map(viewOf)];
  };

  create = ({ name, role, days }: TokenRequest): Parsed<TokenCreatedResponse> => {
    const now = this.#parts.now();
    const valid = [...this.#kept.values()].filter((token) => !isOver(token, now));
    const problem = nameProblem(name, role, valid);
    if (problem !== undefined) return { ok: false, problem };
    const secret = randomBytes(32).toString('base64url');
    const token: KeptToken = {
      id: `t${this.#next}`,
      name,
      role,
      hash: digest(secret).toString('hex'),
      createdMs: now,
      lastUsedMs: undefined,
      expiresMs: days === undefined ? undefined : now + days * dayMs,
    };
    // On disk first: a secret that is handed out must not be gone after a restart.
    this.#write([...valid, token], this.#next + 1);
    this.#next += 1;
    return { ok: true, value: { token: viewOf(token), secret } };
  };

  revoke = (id: string): TokenView | undefined => {
    const token = this.#kept.get(id);
    if (token === undefined) return undefined;
    // In memory first: it is over at once even when the file then cannot be written.
    this.#kept.delete(id);
    this.#dirty = true;
    this.#write([...this.#kept.values()], this.#next);
    return viewOf(token);
  };

  rotateLocal = (): TokenRotatedResponse => {
    const secret = randomBytes(32).toString('base64url');
    this.#parts.state.writeAtomic(localFile, `${secret}\n`);
    const now = this.#parts.now();
    const [current] = this.#local; // of two rotations in ten minutes the older old one goes at once
    if (current !== undefined) current.validUntilMs = now + overlapMs;
    this.#local = [this.#localSecret(secret), ...(current === undefined ? [] : [current])];
    this.#localCreatedMs = now;
    return { token: this.#localView(), oldExpires: new Date(now + overlapMs).toISOString() };
  };

  flush = (): void => {
    if (this.#dirty) this.#write([...this.#kept.values()], this.#next);
  };

  #localSecret(secret: string): LocalSecret {
    this.#rotations += 1;
    const key = `${localId}#${this.#rotations}`;
    return { key, hash: digest(secret), validUntilMs: Infinity };
  }

  #localView(): TokenView {
    return {
      id: localId,
      name: localId,
      role: 'admin',
      created: new Date(this.#localCreatedMs).toISOString(),
      lastUsed: this.#localUsedMs === undefined ? null : new Date(this.#localUsedMs).toISOString(),
      expires: null,
    };
  }

  /** To the day: the file need not be written for each call. */
  #noteUse(token: KeptToken, now: number): void {
    const day = Math.floor(now / dayMs) * dayMs;
    if (token.lastUsedMs === day) return;
    this.#kept.set(token.id, { ...token, lastUsedMs: day });
    this.#dirty = true;
  }

  #write(tokens: readonly KeptToken[], next: number): void {
    this.#parts.state.writeAtomic(file, formatTokens({ next, tokens }));
    this.#kept = new Map(tokens.map((token) => [token.id, token]));
    this.#dirty = false;
  }
}

function isOver({ expiresMs }: KeptToken, now: number): boolean {
  return expiresMs !== undefined && expiresMs <= now;
}

function nameProblem(name: string, role: string, valid: readonly KeptToken[]): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._ -]{0,39}$/.test(name)) {
    return 'name: 1 to 40 letters, digits, ".", "_", "-" and blanks, beginning with a letter or digit';
  }
  if (name === localId) return 'name: "local" is the token of the state folder; rotate it instead';
  const same = valid.filter((token) => token.name === name);
  const other = same.find((token) => token.role !== role);
  if (other !== undefined) {
    return `name: "${name}" is a token for the role ${other.role}; revoke ${other.id}, or use another name`;
  }
  const [older] = same;
  if (older !== undefined && same.length > 1) {
    return `name: "${name}" has two valid tokens; revoke one of ${same.map(({ id }) => id).join(', ')} first`;
  }
  return valid.length < tokenLimit
    ? undefined
    : `there are ${tokenLimit} tokens already; revoke one that is not used`;
}

function viewOf({ id, name, role, createdMs, lastUsedMs, expiresMs }: KeptToken): TokenView {
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    id,
    name,
    role,
    created: new Date(createdMs).toISOString(),
    lastUsed: time(lastUsedMs),
    expires: time(expiresMs),
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

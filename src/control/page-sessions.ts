// The ways into the page: a code that works once within a minute becomes a session secret. Both live in memory
// only, so that a restart of the daemon ends every session, and a session ends with the token it came from.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ClientAddress } from '../policy/decision.ts';
import type { PageCodeResponse, PageSessionResponse } from './messages.ts';
import type { Holder } from './route.ts';

/** What page sessions are made of. */
export interface PageSessionsParts {
  /** Unix ms. */
  readonly now: () => number;
  /** Where the page is, such as `http://127.0.0.1:4131`; undefined while the control port is off. */
  readonly url: () => string | undefined;
  /** Whether the secret that a session came from is still good. */
  readonly isValid: (key: string) => boolean;
  /** Whether a connection is of another user, who may not use a code; without it nobody is. Never rejects. */
  readonly isForeign?: ((client: ClientAddress) => Promise<boolean>) | undefined;
}

/** Codes and sessions of the page. */
export interface PageSessions {
  /** A code for whoever holds this, with its role; the oldest of eight open ones gives way. */
  readonly createCode: (holder: Holder) => PageCodeResponse;
  /**
   * False for a right code that another user of this machine holds: a browser is started with the address among its
   * words, which every user can read (proc(5)). The code stays good for whom it is meant.
   */
  readonly admits: (code: string, client: ClientAddress | undefined) => Promise<boolean>;
  /** A session for the code; `wrong`: unknown, used or too old; `busy`: the same, and too often of late. */
  readonly open: (code: string) => PageSessionResponse | 'wrong' | 'busy';
  /** Whose session secret this is; counts as use. */
  readonly find: (secret: string) => Holder | undefined;
  /** False once the session of this key is over; an open stream that asks keeps it from being idle. */
  readonly isValid: (key: string) => boolean;
  readonly count: () => number;
}

const codeMs = 60_000;
const codeLimit = 8;
const idleMs = 12 * 60 * 60_000;
const sessionLimit = 32;
const wrongLimit = 10;
const wrongWindowMs = 60_000;

interface Code {
  readonly hash: Buffer;
  readonly holder: Holder;
  readonly expiresMs: number;
}

interface Session {
  readonly hash: Buffer;
  readonly holder: Holder;
  /** The key of the token behind it. */
  readonly parent: string;
  usedMs: number;
}

/** None at first. */
export function createPageSessions(parts: PageSessionsParts): PageSessions {
  return new SessionTable(parts);
}

class SessionTable implements PageSessions {
  readonly #parts: PageSessionsParts;
  #codes: readonly Code[] = [];
  /** By key, the longest idle first. */
  readonly #sessions = new Map<string, Session>();
  #opened = 0;
  #wrongAtMs: readonly number[] = [];

  constructor(parts: PageSessionsParts) {
    this.#parts = parts;
  }

  createCode = (holder: Holder): PageCodeResponse => {
    const now = this.#parts.now();
    const code = randomBytes(16).toString('base64url');
    const expiresMs = now + codeMs;
    const open = this.#codes.filter((one) => one.expiresMs > now).slice(1 - codeLimit);
    this.#codes = [...open, { hash: digest(code), holder, expiresMs }];
    const url = this.#parts.url();
    return {
      url: url === undefined ? null : `${url}/#code=${code}`,
      expires: new Date(expiresMs).toISOString(),
    };
  };

  admits = async (code: string, client: ClientAddress | undefined): Promise<boolean> => {
    const { isForeign } = this.#parts;
    // A wrong code is not worth the look.
    if (isForeign === undefined || client === undefined || this.#findCode(code) === undefined) {
      return true;
    }
    return !(await isForeign(client));
  };

  open = (code: string): PageSessionResponse | 'wrong' | 'busy' => {
    const now = this.#parts.now();
    const found = this.#findCode(code);
    if (found === undefined) return this.#noteWrong(now);
    this.#codes = this.#codes.filter((one) => one !== found);
    return this.#openFor(found.holder, now);
  };

  find = (secret: string): Holder | undefined => {
    const hash = digest(secret);
    let found: Holder | undefined;
    for (const { hash: known, holder } of this.#sessions.values()) {
      if (timingSafeEqual(known, hash)) found = holder;
    }
    return found !== undefined && this.isValid(found.key) ? found : undefined;
  };

  isValid = (key: string): boolean => {
    const session = this.#sessions.get(key);
    if (session === undefined) return false;
    const now = this.#parts.now();
    this.#sessions.delete(key);
    if (now - session.usedMs >= idleMs || !this.#parts.isValid(session.parent)) return false;
    session.usedMs = now;
    this.#sessions.set(key, session); // to the end: the longest idle stays first
    return true;
  };

  count = (): number => this.#sessions.size;

  #openFor(holder: Holder, now: number): PageSessionResponse {
    const secret = randomBytes(32).toString('base64url');
    // a session may open another one, but does not outlive the token behind both
    const parent = this.#sessions.get(holder.key)?.parent ?? holder.key;
    const [longestIdle] = this.#sessions.keys();
    if (longestIdle !== undefined && this.#sessions.size >= sessionLimit) {
      this.#sessions.delete(longestIdle);
    }
    this.#opened += 1;
    const key = `page#${this.#opened}`;
    const { token, role } = holder;
    this.#sessions.set(key, {
      hash: digest(secret),
      holder: { key, token, role, surface: 'page' },
      parent,
      usedMs: now,
    });
    return { secret, role };
  }

  #findCode(code: string): Code | undefined {
    const hash = digest(code);
    const found = this.#codes.find((one) => timingSafeEqual(one.hash, hash));
    if (found === undefined || found.expiresMs <= this.#parts.now()) return undefined;
    return this.#isParentValid(found.holder.key) ? found : undefined;
  }

  #isParentValid(key: string): boolean {
    return this.#parts.isValid(key) || this.#sessions.has(key);
  }

  /** Right codes are never turned away: whoever floods us with wrong ones must not keep a person out. */
  #noteWrong(now: number): 'wrong' | 'busy' {
    this.#wrongAtMs = this.#wrongAtMs.filter((at) => now - at < wrongWindowMs);
    if (this.#wrongAtMs.length >= wrongLimit) return 'busy';
    this.#wrongAtMs = [...this.#wrongAtMs, now];
    return 'wrong';
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

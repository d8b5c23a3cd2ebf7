// A hook as a key may hold it: a program of the user's with its arguments, or an address that is posted to.
import { isAbsolute, resolve } from 'node:path';
import type { Parsed } from '../policy/destination.ts';
import type { Hook } from './config.ts';
import { readHttpUrl, wrongType } from './value.ts';

const wordLimit = 64;
const lengthLimit = 4096;
const example = '["program", "argument"] or "https://…"';

/** Reads `["program", "argument"]`, which no shell sees, or a URL; a program by a relative path starts in `folder`. */
export function readHook(value: unknown, folder: string): Parsed<Hook> {
  if (typeof value === 'string') return readEndpoint(value);
  if (!Array.isArray(value)) return wrongType(value, example);
  return readCommand(value, folder);
}

function readEndpoint(text: string): Parsed<Hook> {
  if (!/^https?:\/\//i.test(text)) {
    return problem(`is neither a list of words nor a web address; write ${example}`);
  }
  const url = readHttpUrl(text);
  if (!url.ok) return url;
  if (url.value.protocol === 'http:' && !isLoopback(url.value.hostname)) {
    return problem('is http:// to another machine; write https://, which shows who answers');
  }
  return { ok: true, value: { kind: 'endpoint', url: url.value.href } };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

function readCommand(value: readonly unknown[], folder: string): Parsed<Hook> {
  if (value.length > wordLimit) return problem(`has more than ${wordLimit} words`);
  const words: string[] = [];
  for (const word of value) {
    if (typeof word !== 'string') return wrongType(word, 'only strings in the list');
    if (word.length > lengthLimit)
      return problem(`has a word of more than ${lengthLimit} characters`);
    if (word.includes('\0')) return problem('has a word with a NUL in it');
    words.push(word);
  }
  const [program = '', ...rest] = words;
  if (program === '') return problem(`names no program; write ${example}`);
  const isPath = /[/\\]/.test(program) && !isAbsolute(program);
  const argv = [isPath ? resolve(folder, program) : program, ...rest];
  return { ok: true, value: { kind: 'command', argv } };
}

function problem(text: string): { ok: false; problem: string } {
  return { ok: false, problem: text };
}

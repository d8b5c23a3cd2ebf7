// The rules of one document: lists of patterns and the map of patterns, each entry with its own place.
import { parsePattern } from '../policy/pattern.ts';
import { quote } from './finding.ts';
import { originOf, report, type Work } from './layer.ts';
import type { Path } from './locate.ts';
import { isTable } from './toml.ts';
import { wrongType } from './value.ts';

/** Reads `allowed_domains` or `denied_domains` into the layer; mistakes are reported. */
export function readPatterns(
  work: Work,
  path: Path,
  value: unknown,
  outcome: 'allow' | 'deny',
): void {
  const name = path.join('.');
  if (!Array.isArray(value)) {
    report(
      work,
      path,
      `${name}: ${wrongType(value, 'a list of strings, such as ["*.example.com"]').problem}`,
    );
    return;
  }
  if (value.length === 0 && work.text.dialect === 'codex') {
    report(
      work,
      path,
      `${name}: is empty, which Codex reads as unset and sallyport as no entry`,
      'value',
      'warning',
    );
  }
  for (const [index, text] of value.entries()) {
    addRule(work, [...path, index], `${name}[${index}]`, text, outcome, 'value');
  }
}

/** Reads `domains` into the layer; mistakes are reported. */
export function readPatternMap(work: Work, path: Path, value: unknown): void {
  const name = path.join('.');
  if (!isTable(value)) {
    report(
      work,
      path,
      `${name}: ${wrongType(value, 'a table, such as { "example.com" = "allow" }').problem}`,
    );
    return;
  }
  for (const [text, outcome] of Object.entries(value)) {
    const at = `${name}.${quote(text)}`;
    if (outcome === 'allow' || outcome === 'deny') {
      addRule(work, [...path, text], at, text, outcome, 'key');
      continue;
    }
    const wanted = 'expected "allow" or "deny"';
    const written =
      typeof outcome === 'string' ? `${quote(outcome)} is not known` : 'is not a string';
    report(work, [...path, text], `${at}: ${written}; ${wanted}`);
  }
}

function addRule(
  work: Work,
  path: Path,
  name: string,
  text: unknown,
  outcome: 'allow' | 'deny',
  part: 'key' | 'value',
): void {
  if (typeof text !== 'string') {
    report(work, path, `${name}: ${wrongType(text, 'a host pattern in quotes').problem}`, part);
    return;
  }
  const read = parsePattern(text, { outcome, port: work.text.dialect === 'own' });
  if (!read.ok) {
    report(work, path, `${name}: ${read.problem}`, part);
    return;
  }
  const pattern = read.value;
  for (const warning of pattern.warnings) {
    report(work, path, `${name}: ${quote(text)} ${warning}`, part, 'warning');
  }
  const ref = { text, outcome, origin: originOf(work, path, part) };
  (outcome === 'allow' ? work.allow : work.deny).push({ pattern, ref });
}

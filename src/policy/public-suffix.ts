// Who owns what is below a name: the public suffix list, with its private part. Its only importer.
import { parse } from 'tldts';

/** What the list says of a canonical name. */
export interface Ownership {
  /** The suffix that several owners share, such as `co.uk` or `github.io`. */
  readonly suffix: string;
  /** `icann`: a registry's; `private`: a company's, for its customers; `unknown`: not on the list, a guess. */
  readonly kind: 'icann' | 'private' | 'unknown';
  /** True when the name is the suffix itself, so that what is below belongs to anybody. */
  readonly isSuffix: boolean;
  /** The registrable domain: the suffix and one label, which one owner has; undefined for a suffix itself. */
  readonly domain: string | undefined;
  /** The label of `domain` before the suffix; undefined with it. */
  readonly label: string | undefined;
}

/** Looks a canonical name up; costs about a microsecond. */
export function ownershipOf(name: string): Ownership {
  const found = parse(name, {
    allowPrivateDomains: true,
    extractHostname: false,
    validateHostname: false,
  });
  const known = found.isPrivate === true ? 'private' : 'icann';
  // A suffix the list does not know is guessed as "last label"; a guess must not pass for knowledge.
  const kind = found.isIcann === true || found.isPrivate === true ? known : 'unknown';
  return {
    suffix: found.publicSuffix ?? name,
    kind,
    isSuffix: found.domain === null,
    domain: found.domain ?? undefined,
    label: found.domainWithoutSuffix ?? undefined,
  };
}

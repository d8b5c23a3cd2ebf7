// Which wider hosts an answer may name: what one owner has, by the public suffix list with its private part.
// scope.ts judges what is then answered; a test holds that every offer passes there. Pure.
import type { WildcardOffer } from '../control/messages.ts';
import type { Destination } from '../policy/destination.ts';
import { ownershipOf } from '../policy/public-suffix.ts';

/** Offers, the narrowest first; with none, why only the exact host may be answered. */
export interface WildcardOffers {
  readonly wildcards: readonly WildcardOffer[];
  /** In words without a full stop; null with offers. */
  readonly exactOnly: string | null;
}

/** Finds names below a domain that this machine has seen, at most `limit`. */
export type NamesBelow = (domain: string, limit: number) => readonly string[];

const coverLimit = 8;

/** What to offer for this destination: the domain right above the host, and its owner's whole domain. */
export function offerWildcards(destination: Destination, namesBelow: NamesBelow): WildcardOffers {
  const { host, kind } = destination;
  if (kind !== 'name') return exactOnly('an address has no subdomains');
  const { domain, suffix, kind: owner } = ownershipOf(host);
  if (owner === 'unknown') {
    return exactOnly(
      host.includes('.')
        ? `".${suffix}" is not on the public suffix list, so nobody can tell who owns what is below it`
        : 'a single label has nothing above it',
    );
  }
  if (domain === undefined) return exactOnly(`${host} is shared by many owners`);
  if (domain === host) {
    return exactOnly(
      owner === 'private'
        ? `${suffix} is shared by many owners`
        : `*.${host} would not cover ${host} itself`,
    );
  }
  const parent = host.slice(host.indexOf('.') + 1);
  const domains = parent === domain ? [domain] : [parent, domain];
  const wildcards = domains.map((each) => offer(each, host, namesBelow));
  return { wildcards, exactOnly: null };
}

/** The host that asks is always covered, seen before or not. */
function offer(domain: string, host: string, namesBelow: NamesBelow): WildcardOffer {
  const seen = namesBelow(domain, coverLimit).filter((name) => name !== host);
  return { host: `*.${domain}`, covers: [host, ...seen].slice(0, coverLimit) };
}

function exactOnly(words: string): WildcardOffers {
  return { wildcards: [], exactOnly: words };
}

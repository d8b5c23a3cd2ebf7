// Text to Destination: the one place where a host is normalised (security requirements 1 and 2).

/** Codex's values of `network.transport.protocol`; a gateway request is `http`. */
export type Protocol = 'http' | 'https_connect' | 'socks5_tcp';

/** What a canonical host is: a DNS name or an address literal. */
export type HostKind = 'name' | 'ipv4' | 'ipv6';

/** A canonical host: lower-case A-labels without a trailing dot, dotted quad, or RFC 5952 text without brackets. */
export interface Host {
  readonly text: string;
  readonly kind: HostKind;
}

/** Where one request wants to go; what is matched is what is dialled and what is shown. */
export interface Destination {
  readonly protocol: Protocol;
  readonly host: string;
  readonly kind: HostKind;
  /** 1 to 65535. */
  readonly port: number;
}

/** A value, or what is wrong with the text in words that fit after a colon. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

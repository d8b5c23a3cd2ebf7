// full or limited. Limited lets through reading only, and nothing it cannot see into.
import type { DecisionRequest, DenyReason } from './decision.ts';

/** `limited` is read-only: GET, HEAD and OPTIONS, and no tunnels. */
export type Mode = 'full' | 'limited';

/** The methods limited mode lets through, spelt exactly (RFC 9110 §9.1: methods are case-sensitive). */
export const limitedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Why the mode refuses this request, or undefined. The gateway is exempt: its routes are fixed and its one
 * upstream is the admin's own choice.
 */
export function guardMode(request: DecisionRequest, mode: Mode): DenyReason | undefined {
  if (mode === 'full' || request.listener === 'gateway') return undefined;
  if (request.destination.protocol === 'socks5_tcp') return 'method_not_allowed';
  if (request.form === 'tunnel') return 'mitm_required';
  if (!limitedMethods.has(request.method)) return 'method_not_allowed';
  return request.form === 'upgrade' ? 'mitm_required' : undefined;
}

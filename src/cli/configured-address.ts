// Where a daemon would listen by the configuration, for `env` while none runs.
import { formatFinding } from '../config/finding.ts';
import { loadConfig } from '../config/load.ts';
import { SallyportError } from '../errors.ts';
import type { DaemonAddress } from './environment.ts';
import type { Environment } from './own-environment.ts';

/** ERR_CONFIG_INVALID with every finding on a line; ERR_CONTROL_UNREACHABLE where the port is chosen only at the start. */
export function configuredAddress(env: Environment): DaemonAddress {
  const loaded = loadConfig({ env, platform: process.platform });
  if (!loaded.ok) {
    const lines = loaded.findings.map(formatFinding);
    throw new SallyportError('ERR_CONFIG_INVALID', lines.join('\n'));
  }
  const { network, gateway, exec } = loaded.config;
  if (network.httpPort === 0) {
    const message =
      'http_port is 0, so the port is known only while the daemon runs; start it first';
    throw new SallyportError('ERR_CONTROL_UNREACHABLE', message);
  }
  const hasGateway = gateway.enabled && gateway.port !== 0;
  return {
    http: `http://127.0.0.1:${network.httpPort}`,
    gateway: hasGateway ? `http://127.0.0.1:${gateway.port}/v1` : null,
    noProxy: exec.noProxy,
  };
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainCommand, nextStep } from '../../../src/cli/explain.ts';
import { createDestination, parseRuleHost } from '../../../src/policy/destination.ts';
import { writeFiles } from '../../support/config-files.ts';
import { loadTexts } from '../../support/layers.ts';

const { file } = writeFiles({
  'config.toml': `[network]
unknown = "ask"
allowed_domains = ["api.example", "*.files.example:8443", "127.0.0.1:9000", "localhost"]
denied_domains = ["paste.api.example"]
`,
  'limited.toml': '[network]\nmode = "limited"\nallowed_domains = ["api.example"]\n',
  'off.toml': '[network]\nenabled = false\n',
  'deny.toml': '[network]\nunknown = "deny"\n',
  'report.toml': '[network]\nunknown = "report"\n',
  'bad.toml': 'x = 1\n',
});

async function run(
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const code = await explainCommand.run(args, {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    env: { HOME: '/nonexistent' },
  });
  return { code, stdout, stderr };
}

/** outcome, reason, source, and where it was decided, in short. */
async function brief(target: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await run([target, '--config', file('config.toml'), '--json', ...options]);
  const { host, port, protocol, method, outcome, reason, source, rule, setting } = JSON.parse(
    stdout,
  ) as Readonly<Record<string, unknown>> & { rule: Decider | null; setting: Decider | null };
  const place = rule ?? setting;
  const by =
    place === null ? '' : `${place.text ?? place.key}:${place.origin.line}:${place.origin.column}`;
  return [host, port, protocol, method, outcome, reason, source, by].map(String).join(' ');
}

interface Decider {
  readonly text?: string;
  readonly key?: string;
  readonly origin: { readonly line: number; readonly column: number };
}

describe('sallyport explain', () => {
  const cases = [
    {
      target: 'api.example',
      want: 'api.example 443 https_connect CONNECT allow allow baseline_policy api.example:3:20',
    },
    {
      target: 'HTTP://API.Example./v1?q=1',
      want: 'api.example 80 http GET allow allow baseline_policy api.example:3:20',
    },
    {
      target: 'wss://a.b.files.example:8443/x',
      want: 'a.b.files.example 8443 https_connect CONNECT allow allow baseline_policy *.files.example:8443:3:35',
    },
    {
      target: 'a.files.example',
      want: 'a.files.example 443 https_connect CONNECT ask not_allowed baseline_policy network.unknown:2:11',
    },
    {
      target: 'paste.api.example:80',
      want: 'paste.api.example 80 http GET deny denied baseline_policy paste.api.example:4:19',
    },
    {
      target: '127.0.0.1:9000',
      want: '127.0.0.1 9000 https_connect CONNECT allow allow baseline_policy 127.0.0.1:9000:3:59',
    },
    {
      target: '127.0.0.1:9001',
      want: '127.0.0.1 9001 https_connect CONNECT deny not_allowed_local baseline_policy network.allow_local_binding:1:1',
    },
    {
      target: '[::1]:4131',
      want: '::1 4131 https_connect CONNECT deny proxy_loop proxy_state control.port:1:1',
    },
    {
      target: 'http://localhost:3000/',
      want: 'localhost 3000 http GET allow allow baseline_policy localhost:3:77',
    },
    {
      target: 'b\u00fccher.example',
      want: 'xn--bcher-kva.example 443 https_connect CONNECT ask not_allowed baseline_policy network.unknown:2:11',
    },
  ];
  for (const { target, want } of cases) {
    it(`${target}: ${want.split(' ').slice(4, 6).join(' ')}`, async () => {
      assert.equal(await brief(target), want);
    });
  }

  it('takes the protocol and the method', async () => {
    assert.equal(
      await brief('api.example', '--protocol', 'socks5_tcp'),
      'api.example 443 socks5_tcp none allow allow baseline_policy api.example:3:20',
    );
    assert.equal(
      await brief('http://api.example/', '--method', 'POST'),
      'api.example 80 http POST allow allow baseline_policy api.example:3:20',
    );
  });

  const settings = [
    {
      config: 'limited.toml',
      args: ['http://api.example/', '--method', 'POST'],
      want: ['deny', 'method_not_allowed', 'network.mode'],
    },
    {
      config: 'limited.toml',
      args: ['api.example'],
      want: ['deny', 'mitm_required', 'network.mode'],
    },
    {
      config: 'limited.toml',
      args: ['ws://api.example/'],
      want: ['deny', 'mitm_required', 'network.mode'],
    },
    {
      config: 'off.toml',
      args: ['api.example'],
      want: ['deny', 'proxy_disabled', 'network.enabled'],
    },
    {
      config: 'deny.toml',
      args: ['api.example'],
      want: ['deny', 'not_allowed', 'network.unknown'],
    },
    {
      config: 'report.toml',
      args: ['api.example'],
      want: ['allow', 'not_allowed', 'network.unknown'],
    },
  ];
  for (const { config, args, want } of settings) {
    it(`names the setting behind ${want[1]} (${config}, ${args[0]})`, async () => {
      const { stdout } = await run([...args, '--config', file(config), '--json']);
      const { outcome, reason, setting } = JSON.parse(stdout) as {
        outcome: string;
        reason: string;
        setting: { key: string };
      };
      assert.deepEqual([outcome, reason, setting.key], want);
    });
  }

  it('says it in words, with layer, file, line and column', async () => {
    const { code, stdout } = await run([
      'https://paste.api.example/x?secret',
      '--config',
      file('config.toml'),
    ]);
    assert.equal(code, 0);
    assert.deepEqual(
      stdout.replaceAll(file('config.toml'), 'config.toml').split('\n').slice(0, 4),
      [
        'paste.api.example:443 (https_connect, CONNECT): refused',
        '  why:   denied (baseline_policy)',
        '  rule:  deny "paste.api.example" at config.toml:4:19 (layer user)',
        '  next:  nothing is dialled; a deny rule wins over every allow, and nobody is asked',
      ],
    );
    assert.doesNotMatch(stdout, /secret/);
  });

  it('shows the mistakes of a configuration that does not load', async () => {
    const { code, stdout, stderr } = await run(['a.example', '--config', file('bad.toml')]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /bad\.toml:1:1: "x" is not known here/);
  });

  const unclear = [
    [],
    ['a.example', 'b.example'],
    ['https://user:pw@a.example/'],
    ['ftp://a.example/'],
    ['a b'],
    ['a.example:0'],
    ['a.example:70000'],
    ['1.2.3'],
    ['a.example', '--protocol', 'udp'],
    ['a.example', '--method', 'G T'],
    ['--nonsense'],
  ];
  for (const args of unclear) {
    it(`is a usage error: ${args.join(' ')}`, async () => {
      await assert.rejects(run(args), { code: 'ERR_USAGE' });
    });
  }
});

describe('what to do about a refusal', () => {
  it('sends to the administrator where only the managed list counts', () => {
    const loaded = loadTexts({
      user: '[network]\nallowed_domains = ["u.example"]\n',
      requirements: '[network]\nmanaged_allowed_domains_only = true\n',
    });
    const host = parseRuleHost('u.example');
    assert.ok(loaded.ok && host.ok);
    const verdict = {
      outcome: 'deny',
      reason: 'not_allowed',
      source: 'baseline_policy',
      rule: undefined,
      grant: undefined,
    } as const;
    assert.equal(
      nextStep(verdict, createDestination('https_connect', host.value, 443), loaded.config),
      'nothing is dialled; to allow it, the administrator of requirements.toml must add "u.example:443" to its allowed_domains',
    );
  });
});

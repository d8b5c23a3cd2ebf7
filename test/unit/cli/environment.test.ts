import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  childEnvironment,
  withheldFromChild,
  type DaemonAddress,
  type SshHelper,
} from '../../../src/cli/environment.ts';

const address: DaemonAddress = {
  http: 'http://127.0.0.1:4128',
  gateway: 'http://127.0.0.1:4130/v1',
  noProxy: 'local',
};
const proxy = address.http;
const direct = 'localhost,127.0.0.1,::1';
const java =
  '-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=4128 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=4128 -Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]';
const whole = {
  HTTP_PROXY: proxy,
  http_proxy: proxy,
  HTTPS_PROXY: proxy,
  https_proxy: proxy,
  ALL_PROXY: proxy,
  all_proxy: proxy,
  WS_PROXY: proxy,
  ws_proxy: proxy,
  WSS_PROXY: proxy,
  wss_proxy: proxy,
  FTP_PROXY: proxy,
  ftp_proxy: proxy,
  NPM_CONFIG_PROXY: proxy,
  NPM_CONFIG_HTTPS_PROXY: proxy,
  npm_config_proxy: proxy,
  npm_config_https_proxy: proxy,
  YARN_HTTP_PROXY: proxy,
  YARN_HTTPS_PROXY: proxy,
  BUNDLE_HTTP_PROXY: proxy,
  BUNDLE_HTTPS_PROXY: proxy,
  PIP_PROXY: proxy,
  DOCKER_HTTP_PROXY: proxy,
  DOCKER_HTTPS_PROXY: proxy,
  CARGO_HTTP_PROXY: proxy,
  NO_PROXY: direct,
  no_proxy: direct,
  NPM_CONFIG_NOPROXY: direct,
  npm_config_noproxy: direct,
  BUNDLE_NO_PROXY: direct,
  NODE_USE_ENV_PROXY: '1',
  ELECTRON_GET_USE_PROXY: 'true',
  JAVA_TOOL_OPTIONS: java,
  OPENAI_BASE_URL: 'http://127.0.0.1:4130/v1',
};

describe('childEnvironment', () => {
  it('sets the whole list and says nothing to a user who has none of it', () => {
    const made = childEnvironment({ PATH: '/bin' }, address, undefined);
    assert.deepEqual(made, { set: whole, notes: [] });
  });

  it('says nothing of what is already so, as below another exec', () => {
    assert.deepEqual(childEnvironment(whole, address, undefined), { set: whole, notes: [] });
  });

  it('leaves nothing direct with no_proxy none, and then no gateway', () => {
    const { set } = childEnvironment({}, { ...address, noProxy: 'none' }, undefined);
    const { OPENAI_BASE_URL, ...others } = whole;
    assert.equal(OPENAI_BASE_URL, address.gateway);
    assert.deepEqual(set, {
      ...others,
      NO_PROXY: '',
      no_proxy: '',
      NPM_CONFIG_NOPROXY: '',
      npm_config_noproxy: '',
      BUNDLE_NO_PROXY: '',
      JAVA_TOOL_OPTIONS: java.replace(/=localhost\|.*$/, '='),
    });
  });

  it('sets no OPENAI_BASE_URL while the gateway is off', () => {
    const { set } = childEnvironment({}, { ...address, gateway: null }, undefined);
    assert.equal('OPENAI_BASE_URL' in set, false);
  });

  it('replaces what would lead around the gate, and names it without its value', () => {
    const user = {
      HTTPS_PROXY: 'http://u:secret@other.example:1',
      no_proxy: '*',
      NODE_USE_ENV_PROXY: '0',
      HTTP_PROXY: '',
    };
    const { set, notes } = childEnvironment(user, address, undefined);
    assert.deepEqual(
      [set['HTTPS_PROXY'], set['no_proxy'], set['NODE_USE_ENV_PROXY']],
      [proxy, direct, '1'],
    );
    assert.deepEqual(notes, [
      'replaced your HTTPS_PROXY, no_proxy, NODE_USE_ENV_PROXY, which would lead around the gate',
    ]);
  });

  it("leaves the user's OPENAI_BASE_URL, and says so", () => {
    const { set, notes } = childEnvironment(
      { OPENAI_BASE_URL: 'https://m.example' },
      address,
      undefined,
    );
    assert.equal('OPENAI_BASE_URL' in set, false);
    assert.deepEqual(notes, [
      'left your OPENAI_BASE_URL as it is; the gateway would be http://127.0.0.1:4130/v1',
    ]);
  });

  it("puts Java's options after the user's", () => {
    const { set, notes } = childEnvironment({ JAVA_TOOL_OPTIONS: '-Xmx1g' }, address, undefined);
    assert.deepEqual([set['JAVA_TOOL_OPTIONS'], notes], [`-Xmx1g ${java}`, []]);
  });

  const helpers: readonly (readonly [SshHelper, string])[] = [
    [{ kind: 'ncat', path: '/b/ncat' }, '/b/ncat --proxy 127.0.0.1:4128 --proxy-type http %h %p'],
    [
      { kind: 'connect-proxy', path: '/b/connect-proxy' },
      '/b/connect-proxy -H 127.0.0.1:4128 %h %p',
    ],
    [{ kind: 'corkscrew', path: '/b/corkscrew' }, '/b/corkscrew 127.0.0.1 4128 %h %p'],
    [{ kind: 'socat', path: '/b/socat' }, '/b/socat - PROXY:127.0.0.1:%h:%p,proxyport=4128'],
    [{ kind: 'nc', path: '/b/nc' }, '/b/nc -X connect -x 127.0.0.1:4128 %h %p'],
  ];
  for (const [helper, command] of helpers) {
    it(`leads git over ssh through ${helper.kind}`, () => {
      const { set } = childEnvironment({}, address, helper);
      assert.equal(set['GIT_SSH_COMMAND'], `ssh -o 'ProxyCommand=${command}'`);
    });
  }
});

describe('withheldFromChild', () => {
  const user = {
    PATH: '/bin',
    SSH_AUTH_SOCK: '/run/agent',
    XDG_RUNTIME_DIR: '/run/user/1000',
    DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus',
    DISPLAY: ':0',
    XAUTHORITY: '/home/dev/.Xauthority',
    WAYLAND_DISPLAY: 'wayland-0',
    SWAYSOCK: '/run/user/1000/sway-ipc.sock',
    SALLYPORT_STATE: '/s',
    SALLYPORT_CONFIG: '/c',
  };

  it('takes the desktop and what is ours', () => {
    assert.deepEqual(withheldFromChild(user, false), [
      'DBUS_SESSION_BUS_ADDRESS',
      'DISPLAY',
      'WAYLAND_DISPLAY',
      'XAUTHORITY',
      'SWAYSOCK',
      'SALLYPORT_STATE',
      'SALLYPORT_CONFIG',
    ]);
  });

  it('leaves the desktop where that is wished', () => {
    assert.deepEqual(withheldFromChild(user, true), ['SALLYPORT_STATE', 'SALLYPORT_CONFIG']);
  });

  it('takes nothing from whoever has none of it', () => {
    assert.deepEqual(withheldFromChild({ PATH: '/bin' }, false), []);
  });
});

import assert from 'node:assert/strict';
import { domainToASCII } from 'node:url';
import { describe, it } from 'node:test';
import {
  compareNames,
  decodeLabel,
  describeDifference,
  editDistance,
  namesInside,
  readName,
} from '../../../src/approval/look-alike.ts';
import type { ReadName } from '../../../src/approval/look-alike.ts';
import { knownHostNames } from '../../../src/approval/known-hosts.ts';

function read(host: string): ReadName {
  const name = readName(domainToASCII(host));
  if (name === undefined) throw new Error(`${host} has no domain`);
  return name;
}

describe('readName', () => {
  it('takes a name apart', () => {
    assert.deepEqual(readName('a.b.xn--exmple-cua.co.uk'), {
      host: 'a.b.xn--exmple-cua.co.uk',
      domain: 'xn--exmple-cua.co.uk',
      label: 'exämple',
      suffix: 'co.uk',
      isPrivate: false,
      latin: 'example',
      skeleton: 'exampie'.replace('i', 'l'),
    });
  });
  it('takes a shared suffix for a domain of its own', () => {
    const { domain, label, suffix, isPrivate } = read('github.io');
    assert.deepEqual(
      { domain, label, suffix, isPrivate },
      { domain: 'github.io', label: 'github', suffix: 'io', isPrivate: false },
    );
  });
  it('knows whose customer a name is', () => assert.equal(read('a.me.github.io').isPrivate, true));
  it('has nothing to say of a single label', () => assert.equal(readName('intranet'), undefined));
});

describe('decodeLabel', () => {
  it('decodes punycode', () => assert.equal(decodeLabel('xn--mnchen-3ya'), 'münchen'));
  it('leaves what does not decode', () => {
    for (const label of ['xn--', 'xn--a', 'xn--99999999999', 'plain']) {
      assert.equal(decodeLabel(label), label);
    }
  });
});

describe('compareNames', () => {
  const alike = [
    ['exarnple.net', 'example.net', 'confusable', '"rn" for "m"'],
    ['g1thub.com', 'github.com', 'confusable', '"1" for "i"'],
    ['goog1e.com', 'google.com', 'confusable', '"1" for "l"'],
    ['openal.com', 'openai.com', 'confusable', '"l" for "i"'],
    ['0penai.com', 'openai.com', 'confusable', '"0" for "o"'],
    ['clocker.com', 'docker.com', 'confusable', '"cl" for "d"'],
    ['vvebpack.org', 'webpack.org', 'confusable', '"vv" for "w"'],
    ['аррӏе.com', 'apple.com', 'confusable', '"аррӏе" (Cyrillic) for "apple"'],
    ['gοogle.com', 'google.com', 'confusable', '"ο" (Greek) for "o"'],
    ['gìthub.com', 'github.com', 'confusable', '"ì" for "i"'],
    ['g1thub.dev', 'github.com', 'confusable', '"1" for "i", ".dev" for ".com"'],
    ['rnyorg.github.io', 'myorg.github.io', 'confusable', '"rn" for "m"'],
    ['githib.com', 'github.com', 'typo', '"i" for "u"'],
    ['gihtub.com', 'github.com', 'typo', '"ht" for "th"'],
    ['githubb.com', 'github.com', 'typo', '"b" added'],
    ['githb.com', 'gihb.com', undefined, undefined],
    ['githu.com', 'github.com', undefined, undefined],
    ['gitub.com', 'github.com', undefined, undefined],
    ['open-ai.com', 'openai.com', 'typo', '"-" added'],
    ['anthropc.com', 'anthropic.com', 'typo', '"i" left out'],
    ['stakcoverfl0w.com', 'stackoverflow.com', 'typo', '"kcoverfl0" for "ckoverflo"'],
    ['githbu.com', 'github.com', 'typo', '"bu" for "ub"'],
    ['crates.test', 'cartes.test', 'typo', '"ra" for "ar"'],
    ['deon.test', 'deno.test', 'typo', '"on" for "no"'],
    ['gooo.test', 'goo.test', undefined, undefined],
    ['googgle.test', 'google.test', 'typo', '"g" added'],
    ['example.co', 'example.com', 'suffix', '".co" for ".com"'],
    ['openai.vercel.app', 'openai.com', 'suffix', '".vercel.app" for ".com"'],
    ['google.com.au', 'google.com', 'suffix', '".com.au" for ".com"'],
  ] as const;
  for (const [asked, known, want, difference] of alike) {
    it(`calls ${asked} beside ${known} ${want ?? 'nothing'}`, () => {
      const [a, b] = [read(asked), read(known)];
      assert.deepEqual([compareNames(a, b), compareNames(b, a)], [want, want]);
      if (want !== undefined) assert.equal(describeDifference(a, b), difference);
    });
  }

  const different = [
    ['api.example.net', 'example.net'],
    ['exarnple.example.net', 'example.example.net'],
    ['pypa.test', 'pypi.test'],
    ['gitea.test', 'gitee.test'],
    ['slack.test', 'stack.test'],
    ['cache1.test', 'cache2.test'],
    ['shard-09.github.io', 'shard-10.github.io'],
    ['docs.test', 'docs.example'],
    ['npm.test', 'npm.example'],
    ['ai.test', 'al.test'],
    ['mine.vercel.app', 'mine.netlify.app'],
    ['microsoft.github.io', 'microsoft.com'],
    ['githib.dev', 'github.com'],
  ] as const;
  for (const [one, other] of different) {
    it(`leaves ${one} and ${other} alone`, () => {
      assert.equal(compareNames(read(one), read(other)), undefined);
    });
  }

  it('warns of none of the hosts that developers meet, but for families known as such', () => {
    const known = new Set([...knownHostNames()].map((host) => read(host).domain));
    const names = new Map(
      [...known, ...metByDevelopers.split(/\s+/)].map(read).map((name) => [name.domain, name]),
    );
    assert.ok(names.size > 400, String(names.size));
    const found: string[] = [];
    for (const a of names.values()) {
      for (const b of names.values()) {
        const kind = a.domain < b.domain ? compareNames(a, b) : undefined;
        // Both on the list of known hosts: neither is ever called a look-alike.
        const isFamily = kind === 'suffix' && known.has(a.domain) && known.has(b.domain);
        if (kind !== undefined && !isFamily) found.push(`${a.domain} ${b.domain} ${kind}`);
      }
    }
    assert.deepEqual(found, ['hastebin.com pastebin.com typo']);
  });
});

/** Beside the list of known hosts; what is met in an ordinary week. */
const metByDevelopers = `api.github.com codeload.github.com objects.githubusercontent.com raw.githubusercontent.com
  copilot-proxy.githubusercontent.com api.githubcopilot.com ssh.gitlab.com api.bitbucket.org go.googlesource.com
  api.openai.com cdn.oaistatic.com platform.openai.com api.anthropic.com statsig.anthropic.com console.groq.com
  storage.googleapis.com oauth2.googleapis.com www.googleapis.com dl.google.com accounts.google.com ssl.gstatic.com
  fonts.gstatic.com maps.googleapis.com sts.amazonaws.com s3.eu-central-1.amazonaws.com d1.awsstatic.com
  login.microsoftonline.com graph.microsoft.com download.visualstudio.microsoft.com aka.ms update.code.visualstudio.com
  vscode.download.prss.microsoft.com az764295.vo.msecnd.net marketplace.atlassian.com api.atlassian.com id.atlassian.com
  jira.example.com download.docker.com auth.docker.com production.cloudflare.docker.com get.helm.sh dl.k8s.io
  releases.hashicorp.com checkpoint-api.hashicorp.com download.qt.io cmake.org ninja-build.org
  mesonbuild.com conan.io vcpkg.io bazel.build buf.build protobuf.dev grpc.io envoyproxy.io istio.io linkerd.io
  cncf.io prometheus.io opentelemetry.io jaegertracing.io fluentd.org elastic.co artifacts.elastic.co opensearch.org
  mariadb.org downloads.mariadb.com cockroachlabs.com timescale.com clickhouse.com duckdb.org snowflake.com
  databricks.com apache.org archive.apache.org dlcdn.apache.org kafka.apache.org rabbitmq.com nats.io memcached.org
  haproxy.org traefik.io caddyserver.com letsencrypt.org acme-v02.api.letsencrypt.org zerossl.com ocsp.digicert.com
  crl3.digicert.com ocsp.sectigo.com r3.o.lencr.org pki.goog keyserver.ubuntu.com keys.openpgp.org pgp.mit.edu
  nodesource.com volta.sh asdf-vm.com mise.run sdkman.io nvm.sh pyenv.run rvm.io rbenv.org astral.sh
  install.python-poetry.org bootstrap.pypa.io python-poetry.org static.rust-lang.org sh.rustup.rs tokio.rs serde.rs
  bevyengine.org leptos.dev tauri.app godotengine.org unity.com unrealengine.com blender.org gimp.org inkscape.org
  figma.com canva.com miro.com linear.app asana.com clickup.com monday.com basecamp.com intercom.io zendesk.com
  stripe.com api.stripe.com paypal.com adyen.com plaid.com shopify.com squareup.com auth0.com okta.com clerk.com
  clerk.dev workos.com onelogin.com lastpass.com bitwarden.com 1password.com algolia.com meilisearch.com typesense.org
  contentful.com sanity.io strapi.io prismic.io storyblok.com ghost.org wordpress.org wordpress.com drupal.org joomla.org
  tailwindcss.com getbootstrap.com bulma.io mui.com chakra-ui.com radix-ui.com astro.build remix.run nuxt.com gatsbyjs.com
  solidjs.com preactjs.com lit.dev emberjs.com backbonejs.org jquery.com lodash.com momentjs.com date-fns.org d3js.org
  threejs.org babylonjs.com expressjs.com fastify.io koajs.com nestjs.com hapi.dev djangoproject.com palletsprojects.com
  fastapi.tiangolo.com rubyonrails.org sinatrarb.com laravel.com symfony.com spring.io quarkus.io micronaut.io ktor.io
  playframework.com akka.io phoenixframework.org gohugo.io jekyllrb.com docusaurus.io mkdocs.org sphinx-doc.org
  swagger.io openapis.org openapi-generator.tech postman.com insomnia.rest hoppscotch.io graphql.org apollographql.com
  hasura.io prisma.io drizzle.team typeorm.io sequelize.org mongoosejs.com sqlalchemy.org lambdatest.com browserstack.com
  saucelabs.com percy.io chromatic.com storybook.js.org testcontainers.com k6.io gatling.io locust.io selenium.dev`;

describe('editDistance', () => {
  const cases = [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
    ['abcd', 'badc', 2],
  ] as const;
  for (const [a, b, want] of cases) {
    it(`counts ${want} from "${a}" to "${b}" and back`, () => {
      assert.deepEqual([editDistance(a, b), editDistance(b, a)], [want, want]);
    });
  }
});

describe('namesInside', () => {
  it('gives what stands in front, also with hyphens for dots', () => {
    assert.deepEqual(namesInside('api-openai-com.a.b.evil.test'), [
      'api-openai-com.a.b.evil',
      'api-openai-com.a.b',
      'api-openai-com.a',
      'a.b.evil',
      'a.b',
      'b.evil',
      'api.openai.com',
      'openai.com',
    ]);
  });
  it('takes hyphens for dots only where a name ends as names do', () => {
    assert.ok(namesInside('github.com-login.evil.test').includes('github.com'));
    assert.deepEqual(namesInside('react-dev.x.test'), ['react-dev.x']);
    assert.deepEqual(namesInside('abc-com.x.test'), ['abc-com.x']);
  });
  it('looks up to the shared suffix, where a bucket may have dots', () => {
    assert.ok(namesInside('openai.com.s3.amazonaws.com').includes('openai.com'));
  });
  for (const host of ['com', 'localhost', 'example.com', 'github.io']) {
    it(`finds nothing in ${host}`, () => assert.deepEqual(namesInside(host), []));
  }
});

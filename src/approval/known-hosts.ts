// Hosts that developers meet, and what can happen to what is sent there. Written as a label and its endings,
// `gitlab:com,net`, so that one line holds a family; what is below a name is the same unless it has its own
// entry. Facts for a prompt: being on this list allows nothing.

/** What a host is for. */
export interface KnownHost {
  /** In words for an approver, such as `code hosting; anybody can upload`. */
  readonly about: string;
  /** True where whatever is sent ends up with people nobody knows, so that no single click may allow it. */
  readonly isRisky: boolean;
}

interface Family extends KnownHost {
  /** `label:ending,ending`, parted by blanks; a label may have dots. */
  readonly names: string;
}

const families: readonly Family[] = [
  {
    about: 'model service; prompts and files are sent there',
    isRisky: false,
    names: `openai:com chatgpt:com oaistatic:com oaiusercontent:com anthropic:com claude:ai,com mistral:ai
      cohere:ai,com groq:com x:ai deepseek:com perplexity:ai together:ai,xyz fireworks:ai openrouter:ai
      replicate:com stability:ai elevenlabs:io ai21:com cerebras:ai voyageai:com assemblyai:com deepgram:com
      generativelanguage.googleapis:com githubcopilot:com langchain:com ollama:com,ai`,
  },
  {
    about: 'models and data sets; anybody can upload',
    isRisky: false,
    names: 'huggingface:co hf:co kaggle:com wandb:ai',
  },
  {
    about: 'code hosting; anybody can upload',
    isRisky: false,
    names: `github:com,dev githubusercontent:com githubassets:com github:io gitlab:com,net,io bitbucket:org,io
      codeberg:org,page sr:ht gitea:com,io gitee:com sourceforge:net,io googlesource:com launchpad:net
      dev.azure:com visualstudio:com pagure:io notabug:org savannah.gnu:org`,
  },
  {
    about: 'package registry; uploads possible',
    isRisky: false,
    names: `npmjs:org,com yarnpkg:com pypi:org pythonhosted:org crates:io rubygems:org packagist:org
      nuget:org maven:org repo.maven.apache:org sonatype:org,com gradle:org jitpack:io hex:pm pub:dev
      cpan:org metacpan:org hackage.haskell:org anaconda:com,org conda-forge:org clojars:org cocoapods:org
      jsr:io luarocks:org opam.ocaml:org terraform:io artifacthub:io packagecloud:io cloudsmith:io
      jfrog:io,com chocolatey:org open-vsx:org flathub:org snapcraft:io cachix:org`,
  },
  {
    about: 'package files; read only',
    isRisky: false,
    names: `unpkg:com jsdelivr:net esm:sh cdnjs:com cdnjs.cloudflare:com proxy.golang:org sum.golang:org
      deno:land bootstrapcdn:com code.jquery:com fonts.googleapis:com fonts.gstatic:com brew:sh`,
  },
  {
    about: 'container images; uploads possible',
    isRisky: false,
    names: 'docker:io,com ghcr:io quay:io gcr:io mcr.microsoft:com ecr:aws k8s:io',
  },
  {
    about: 'packages of an operating system; read only',
    isRisky: false,
    names: `debian:org ubuntu:com fedoraproject:org centos:org archlinux:org alpinelinux:org opensuse:org
      redhat:com rockylinux:org almalinux:org gentoo:org nixos:org freebsd:org openbsd:org kernel:org gnu:org`,
  },
  {
    about: 'home of a language or tool; read only',
    isRisky: false,
    names: `nodejs:org python:org rust-lang:org rustup:rs golang:org go:dev ruby-lang:org php:net openjdk:org
      java:com oracle:com adoptium:net kotlinlang:org scala-lang:org swift:org dart:dev flutter:dev
      elixir-lang:org erlang:org haskell:org julialang:org r-project:org llvm:org cmake:org bun:sh,com
      deno:com typescriptlang:org vuejs:org react:dev svelte:dev angular:dev,io vite:dev,js.org
      webpack:js.org babeljs:io eslint:org prettier:io jestjs:io playwright:dev cypress:io electronjs:org
      pytorch:org tensorflow:org numpy:org scipy:org pydata:org jupyter:org apache:org eclipse:org
      jetbrains:com kubernetes:io helm:sh hashicorp:com ansible:com grafana:com,net,org postgresql:org
      mysql:com mariadb:org,com wordpress:org,com clerk:com,dev redis:io,com sqlite:org nginx:org,com git-scm:com curl:se openssl:org`,
  },
  {
    about: 'cloud services and storage of any customer; uploads possible',
    isRisky: false,
    names: `amazonaws:com,com.cn aws.amazon:com cloudfront:net googleapis:com cloud.google:com azure:com,net
      windows:net microsoftonline:com digitalocean:com digitaloceanspaces:com cloudflare:com
      cloudflarestorage:com workers:dev pages:dev backblazeb2:com wasabisys:com linode:com hetzner:com,cloud
      fly:io,dev heroku:com herokuapp:com vercel:com,app netlify:com,app onrender:com railway:app,com
      supabase:co,com firebaseio:com web:app neon:tech planetscale:com mongodb:com,net upstash:io,com`,
  },
  {
    about: 'paste site: anybody can read what is sent',
    isRisky: true,
    names: `pastebin:com paste:ee,rs dpaste:com,org hastebin:com rentry:co,org termbin:com ix:io sprunge:us
      bpa:st privatebin:net,info controlc:com justpaste:it 0bin:net textbin:net pastes:io clbin:com
      gist.github:com gist.githubusercontent:com codepad:org`,
  },
  {
    about: 'file drop: what is sent leaves to whoever has the link',
    isRisky: true,
    names: `transfer:sh file:io 0x0:st temp:sh catbox:moe gofile:io wetransfer:com bashupload:com uguu:se
      tmpfiles:org filebin:net mega:nz mediafire:com dropbox:com dropboxapi:com pixeldrain:com oshi:at
      keep:sh drive.google:com`,
  },
  {
    about: 'webhook catcher: records whatever is sent, for whoever made the address',
    isRisky: true,
    names: `webhook:site requestbin:com,net pipedream:net,com hookbin:com beeceptor:com requestcatcher:com
      hookdeck:com ptsv2:com ptsv3:com postb:in smee:io interact:sh oast:fun,live,me,online,pro,site
      burpcollaborator:net oastify:com dnslog:cn ceye:io canarytokens:com,org`,
  },
  {
    about: 'tunnel service: data leaves to whoever runs the other end',
    isRisky: true,
    names: `ngrok:io,com,app,dev ngrok-free:app,dev trycloudflare:com loca:lt localtunnel:me serveo:net
      localhost:run lhr:life pinggy:io,link bore:pub tunnelto:dev telebit:cloud pagekite:me localxpose:io
      loclx:io devtunnels:ms ts:net zrok:io playit:gg tmate:io packetriot:net`,
  },
  {
    about: 'chat or mail: messages leave to anybody',
    isRisky: true,
    names: `hooks.slack:com discord:com discordapp:com telegram:org ntfy:sh pushover:net pushbullet:com
      sendgrid:com,net mailgun:net,org,com mandrillapp:com postmarkapp:com twilio:com formspree:io ifttt:com
      zapier:com script.google:com docs.google:com webhook.office:com`,
  },
  {
    about: 'link shortener: where it leads is not shown',
    isRisky: true,
    names: 'bit:ly tinyurl:com t:co goo:gl is:gd cutt:ly rebrand:ly shorturl:at',
  },
  {
    about: 'telemetry; usage data is sent there',
    isRisky: false,
    names: `sentry:io datadoghq:com,eu newrelic:com segment:io,com posthog:com mixpanel:com amplitude:com
      statsig:com statsigapi:net launchdarkly:com honeycomb:io loggly:com papertrailapp:com bugsnag:com
      rollbar:com google-analytics:com googletagmanager:com`,
  },
  {
    about: 'build and test service; code is sent there',
    isRisky: false,
    names: 'circleci:com travis-ci:com buildkite:com codecov:io coveralls:io snyk:io sonarcloud:io',
  },
  {
    about: 'reading: documents and answers',
    isRisky: false,
    names: `stackoverflow:com stackexchange:com mozilla:org readthedocs:io,org devdocs:io docs:rs
      wikipedia:org arxiv:org w3:org ietf:org rfc-editor:org news.ycombinator:com medium:com dev:to`,
  },
  {
    about: 'search; the words looked for are sent there',
    isRisky: false,
    names: 'google:com bing:com duckduckgo:com',
  },
];

const hosts: ReadonlyMap<string, KnownHost> = new Map(
  families.flatMap(({ about, isRisky, names }) =>
    names.split(/\s+/).flatMap((family) => {
      const [label = '', endings = ''] = family.split(':');
      return endings
        .split(',')
        .map((ending) => [`${label}.${ending}`, { about, isRisky }] as const);
    }),
  ),
);

/** What a canonical host, or the nearest name above it, is known for; undefined for the rest of the world. */
export function knownHost(host: string): KnownHost | undefined {
  for (let name = host; ; name = name.slice(name.indexOf('.') + 1)) {
    const known = hosts.get(name);
    if (known !== undefined || !name.includes('.')) return known;
  }
}

/** Every name of the list, for comparing others with. */
export function knownHostNames(): Iterable<string> {
  return hosts.keys();
}

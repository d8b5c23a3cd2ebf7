// The commented example file and the reference text, both made from schema.ts; a test keeps the files in
// config/ equal to what is made here (UPDATE_REFERENCE=1 writes them).
import { keys, tables, type KeySpec } from './schema.ts';

const lineWidth = 96;

/** The text of `config/example.toml`: every key, commented out, with its meaning, danger and default. */
export function exampleToml(): string {
  const parts = Object.entries(tables).map(([table, about]) => {
    const entries = keysIn(table).map(exampleKey);
    return `${comment(about)}\n[${table}]\n\n${entries.join('\n')}`;
  });
  const head = comment(
    'Every key of sallyport, made from src/config/schema.ts. Copy what you need into your own configuration file; a line without its leading # counts. An empty file is an empty policy: everything is asked.',
  );
  return `${head}\n\n${parts.join('\n')}`;
}

function exampleKey(spec: KeySpec): string {
  const danger = spec.danger === undefined ? '' : `\n${comment(`Danger: ${spec.danger}`)}`;
  const notes = `(${[...new Set([rangeOf(spec), effectOf(spec), placeOf(spec)])].filter((one) => one !== '').join('; ')})`;
  return `${comment(spec.meaning)}${danger}\n${comment(notes)}\n#${nameOf(spec)} = ${shownValue(spec)}\n`;
}

/** The text of `config/README.md`. */
export function referenceMarkdown(): string {
  const parts = Object.entries(tables).map(([table, about]) => {
    const rows = keysIn(table).map(row);
    return `## [${table}]\n\n${about}\n\n${rows.join('\n')}\n`;
  });
  return `${heading}\n${parts.join('\n')}`;
}

const heading = `# Configuration reference

Made from \`src/config/schema.ts\`; change it there. \`example.toml\` holds the same as a commented file, and
\`sallyport check\` names every mistake with file, line and column.

Layers, lowest first: built-in defaults; your \`config.toml\` (\`--config\`, \`$SALLYPORT_CONFIG\`, else the
configuration folder of the platform, else the shipped \`default.toml\`); \`/etc/codex/requirements.toml\`
(\`[experimental_network]\` and \`[otel]\`, in Codex's spelling); \`/etc/sallyport/requirements.toml\`; managed
preferences of macOS. Managed values bind: a user can narrow them, never widen them. Between managed layers
the higher one stands; its list of allowed domains replaces a lower list, its \`domains\` table joins a lower
table. A deny rule of any layer always counts.
`;

function row(spec: KeySpec): string {
  const danger = spec.danger === undefined ? '' : ` **Danger:** ${spec.danger}`;
  const notes = [rangeOf(spec), `default ${defaultOf(spec)}`, effectOf(spec), placeOf(spec)];
  const said = notes.filter((one) => one !== '').join('; ');
  return `- \`${spec.path}\`: ${spec.meaning}${danger} _${said}; ${narrowingOf(spec)}._`;
}

function keysIn(table: string): readonly KeySpec[] {
  return keys.filter(({ path }) => path.startsWith(`${table}.`));
}

function nameOf({ path }: KeySpec): string {
  return path.slice(path.indexOf('.') + 1);
}

function shownValue(spec: KeySpec): string {
  return spec.sample ?? JSON.stringify(spec.fallback);
}

function defaultOf({ fallback }: KeySpec): string {
  return fallback === undefined ? 'unset' : `\`${JSON.stringify(fallback)}\``;
}

function rangeOf({ type }: KeySpec): string {
  if (type.kind === 'integer') return `${type.min} to ${type.max}`;
  if (type.kind === 'choice') return type.values.map((value) => `"${value}"`).join(' or ');
  if (type.kind === 'hook') return 'a list of program and arguments, or a web address';
  if (type.kind === 'file') return 'a path, relative to the file that names it';
  return '';
}

function effectOf({ effect }: KeySpec): string {
  return effect === 'restart' ? 'takes effect at the next start' : 'takes effect on reload';
}

function placeOf({ layers }: KeySpec): string {
  if (!layers.includes('user')) return 'managed files only';
  return layers.includes('codex-requirements') ? "also in Codex's requirements.toml" : '';
}

function narrowingOf({ narrows, type }: KeySpec): string {
  switch (narrows) {
    case 'false':
    case 'true':
      return `\`${narrows}\` narrows a managed value`;
    case 'lower':
      return 'a lower number narrows a managed one';
    case 'choice': {
      const values = type.kind === 'choice' ? type.values : [];
      return `narrowest first: ${values.map((value) => `\`"${value}"\``).join(', ')}`;
    }
    case 'managed':
      return 'a managed value stands';
    case 'rules':
      return 'merged as said above';
    default:
      return narrows satisfies never;
  }
}

/** Words as comment lines of at most 96 columns. */
function comment(text: string): string {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > lineWidth && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

// What one subcommand is. The table of them is in cli.ts; each lives in a file of its own name.

/** What a command may touch of the outside; tests pass their own. */
export interface CommandIo {
  /** Writes to standard output exactly as given; the caller ends its lines. */
  readonly stdout: (text: string) => void;
  /** Writes to standard error exactly as given. */
  readonly stderr: (text: string) => void;
  /** The user's environment, as it was before the launcher cleaned it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One subcommand. */
export interface Command {
  /** What is typed after `sallyport`. */
  readonly name: string;
  /** One lower-case line for the table of commands. */
  readonly summary: string;
  /** The whole `--help` text, ending in a newline; its first line is `usage: sallyport …`. */
  readonly usage: string;
  /** Does it; gives the exit code, one of `exitCodes`. A SallyportError becomes text and code in cli.ts. */
  readonly run: (args: readonly string[], io: CommandIo) => Promise<number>;
}

/** The exit codes of every command but `exec`, which ends as its child does. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  gone: 3,
  changed: 4,
  refused: 5,
} as const;

// What the load generator can be told to do, and what it answers: the messages between it and the driver.

/** How the load reaches the far end. */
export type Way =
  | { readonly via: 'direct'; readonly port: number }
  | {
      readonly via: 'connect' | 'socks' | 'http';
      readonly proxyPort: number;
      readonly host: string;
      readonly port: number;
    };

/** Fresh connections, each carrying 64 bytes out and back. `hosts` are taken in turn instead of the way's own. */
export interface ExchangeJob {
  readonly kind: 'exchange';
  readonly way: Way;
  readonly concurrency: number;
  readonly count: number;
  readonly hosts?: readonly string[];
}

/** Small GET requests, many on a connection or one on each. */
export interface HttpJob {
  readonly kind: 'http';
  readonly way: Way;
  readonly keepAlive: boolean;
  readonly concurrency: number;
  readonly count: number;
}

/** Bytes in one direction, `mebibytes` through each of `tunnels` at once. */
export interface BulkJob {
  readonly kind: 'bulk';
  readonly way: Way;
  readonly direction: 'down' | 'up';
  readonly tunnels: number;
  readonly mebibytes: number;
}

/** Opens tunnels that carry one exchange each and then stay; `drop` closes them. */
export interface HoldJob {
  readonly kind: 'hold';
  readonly way: Way;
  readonly count: number;
}

/** Asks for tunnels that are not expected to open and reports the status of each, once all are answered. */
export interface AskJob {
  readonly kind: 'ask';
  readonly way: Way;
  readonly hosts: readonly string[];
}

/** One piece of work. */
export type Job = ExchangeJob | HttpJob | BulkJob | HoldJob | AskJob | { readonly kind: 'drop' };

/** What came of it. Anything that went wrong is an error instead. */
export interface Done {
  readonly wallMs: number;
  /** One value for each exchange or request, in milliseconds. */
  readonly latenciesMs: readonly number[];
  /** For `ask`: status codes in the order of `hosts`. */
  readonly statuses: readonly number[];
}

/** From driver to worker. */
export interface Order {
  readonly id: number;
  readonly job: Job;
}

/** From worker to driver. */
export type Report =
  { readonly id: number; readonly done: Done } | { readonly id: number; readonly error: string };

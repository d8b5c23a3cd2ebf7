// Watches a client's raw socket while its request is decided, held and dialled: notices that it leaves
// and keeps the bytes it sends early, which belong to the tunnel and go nowhere before the allow.
import type { Socket } from 'node:net';

const earlyLimitBytes = 64 * 1024;

/** A client that waits for its answer. */
export interface WaitingClient {
  /** Aborted when the client closes or resets its end, or by `leave`. */
  readonly signal: AbortSignal;
  /** Gives the wait up, as if the client had left. */
  readonly leave: () => void;
  /** Ends the watch; the socket is paused and everything read so far is given. */
  readonly take: () => Buffer | undefined;
}

/**
 * Starts the watch; `head` is what was read behind the request. At most 64 KiB more are read. Beyond that
 * reading stops, and with it the notice of a FIN: only the hold's own deadline ends it then.
 */
export function watchClient(socket: Socket, head: Buffer): WaitingClient {
  const controller = new AbortController();
  const chunks: Buffer[] = head.length > 0 ? [head] : [];
  let total = head.length;

  const leave = (): void => controller.abort();
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    total += chunk.length;
    if (total >= earlyLimitBytes) socket.pause();
  };
  socket.setTimeout(0); // whatever HTTP allowed between two requests does not bound a hold
  socket.on('data', keep);
  socket.on('end', leave);
  socket.on('close', leave);
  if (socket.destroyed || socket.readableEnded) leave();
  if (total < earlyLimitBytes) socket.resume();
  else socket.pause();

  return {
    signal: controller.signal,
    leave,
    take() {
      socket.pause();
      socket.off('data', keep);
      socket.off('end', leave);
      socket.off('close', leave);
      if (chunks.length <= 1) return chunks[0];
      return Buffer.concat(chunks, total);
    },
  };
}

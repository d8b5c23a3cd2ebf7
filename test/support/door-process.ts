// An HTTP door in a process of its own, for tests that measure its memory: reports port and resident bytes.
import { openDoor } from './http-door.ts';

const door = await openDoor();
process.on('message', () => {
  process.send?.({ port: door.port, rss: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: door.port, rss: 0 });

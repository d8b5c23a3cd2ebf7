// Loaded before every test file: a file whose tests are over but that left something open fails, rather than
// holding the whole run up for ever. (The runner's own --test-force-exit loses results that are not yet written.)
import { after } from 'node:test';

const patienceMs = 30_000;

after(() => {
  const limit = setTimeout(() => {
    const left = process.getActiveResourcesInfo().join(', ');
    console.error(`${process.argv[1]}: the tests are over, but something is still open: ${left}`);
    process.exit(1);
  }, patienceMs);
  limit.unref();
});

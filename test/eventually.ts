// Waits for what the network brings, turn by turn of the event loop.

/** Less than the time-out of a test, so that a test that fails leaves no loop behind. */
const GIVE_UP_MS = 30_000;

export async function eventually(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + GIVE_UP_MS;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error('what was waited for has not come');
    await turns(1);
  }
}

/** So many turns: time for what should not happen. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

// A body without an end is read as far as it is wanted, and cancelled there.
import { expect, it } from 'vitest';
import { readAtMost } from './read-at-most.js';

function bodyOf(parts: number): { body: ReadableStream<Uint8Array>; end: { cancelled: boolean; pulled: number } } {
  const end = { cancelled: false, pulled: 0 };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (end.pulled === parts) return controller.close();
      end.pulled++;
      controller.enqueue(new Uint8Array(3).fill(end.pulled));
    },
    cancel() {
      end.cancelled = true;
    },
  });
  return { body, end };
}

it('takes the first bytes of a body without end, and cancels the rest', async () => {
  const { body, end } = bodyOf(Number.POSITIVE_INFINITY);
  expect([...(await readAtMost(body, 5))]).toEqual([1, 1, 1, 2, 2]);
  expect(end.cancelled).toBe(true);
  expect(end.pulled).toBeLessThan(5);
});

it('takes all of one that is shorter, and nothing of none', async () => {
  expect([...(await readAtMost(bodyOf(1).body, 5))]).toEqual([1, 1, 1]);
  expect((await readAtMost(null, 5)).length).toBe(0);
});

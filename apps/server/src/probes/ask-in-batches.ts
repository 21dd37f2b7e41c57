// Asks many, a bounded number at once, and hands on what came of it in batches as it comes: the slow hold up only themselves.

export interface Asking<Q, A> {
  readonly atOnceMax: number;
  /** The most answers of one batch. */
  readonly batchMax: number;
  readonly ask: (question: Q) => Promise<A>;
  readonly take: (answers: readonly A[]) => Promise<void>;
}

/** Begins in the order given. Throws what `ask` and `take` throw, when those that have begun have ended. */
export async function askInBatches<Q, A>(
  questions: readonly Q[],
  { atOnceMax, batchMax, ask, take }: Asking<Q, A>,
): Promise<void> {
  const waiting = questions.values();
  let answers: A[] = [];
  const takeAll = async (): Promise<void> => {
    const batch = answers;
    answers = [];
    if (batch.length > 0) await take(batch);
  };
  // All share one iterator, so each question is asked once.
  const work = async (): Promise<void> => {
    for (const question of waiting) {
      const answer = await ask(question);
      answers.push(answer);
      if (answers.length >= batchMax) await takeAll();
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnceMax, questions.length) }, work));
  await takeAll();
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

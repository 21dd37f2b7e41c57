// What a step costs for each of many operations, in microseconds: of the clock, and of processor time over all threads.

export interface Cost {
  /** User and system time of every thread of this process: the database and the disk are written by threads of its pool. */
  readonly cpuMicros: number;
  readonly wallMicros: number;
}

/** Results in the order of the inputs, and the mean cost of one operation. */
export interface Timed<T> {
  readonly results: T[];
  readonly cost: Cost;
}

/** One after another, in one turn of the event loop. */
export function timeEach<In, Out>(inputs: readonly In[], run: (input: In) => Out): Timed<Out> {
  const stop = start(inputs.length);
  const results = inputs.map(run);
  return { results, cost: stop() };
}

/** So many at once; the next begins when one has ended. Wall time is that of all of them, shared by the operations. */
export async function timeLanes<In, Out>(
  inputs: readonly In[],
  atOnce: number,
  run: (input: In) => Promise<Out>,
): Promise<Timed<Out>> {
  const results = new Array<Out>(inputs.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < inputs.length; i = next++) results[i] = await run(inputs[i]!);
  };
  const stop = start(inputs.length);
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { results, cost: stop() };
}

/** What is left of a step when a part of it, measured alone, is taken out. */
export function without(whole: Cost, part: Cost): Cost {
  return { cpuMicros: whole.cpuMicros - part.cpuMicros, wallMicros: whole.wallMicros - part.wallMicros };
}

function start(operations: number): () => Cost {
  const startedCpu = process.cpuUsage();
  const startedNs = process.hrtime.bigint();
  return () => {
    const wallMicros = Number(process.hrtime.bigint() - startedNs) / 1e3;
    const { user, system } = process.cpuUsage(startedCpu);
    return { cpuMicros: (user + system) / operations, wallMicros: wallMicros / operations };
  };
}

// A second, plain Reed-Solomon, to test and measure the fast one against. It shares no code with it and has no cleverness.

// Products by logarithm and exponential tables, made with the schoolbook product.
const exponentials: number[] = [1];
for (let i = 1; i < 510; i++) exponentials[i] = schoolbookProduct(exponentials[i - 1]!, 2);
const logs: number[] = [];
for (let i = 0; i < 255; i++) logs[exponentials[i]!] = i;

/** The parity shards of those data shards, for a code of totalShards. */
export function encodePlainly(data: readonly Uint8Array[], totalShards: number): Uint8Array[] {
  const generator = generatorMatrix(data.length, totalShards);
  return combinePlainly(generator.slice(data.length), data);
}

/** The wanted shards from the first k present ones, by inverting their rows of the generator matrix. */
export function reconstructPlainly(
  dataShards: number,
  shards: readonly (Uint8Array | null)[],
  wanted: readonly number[],
): Uint8Array[] {
  const generator = generatorMatrix(dataShards, shards.length);
  const present = shards.flatMap((shard, number) => (shard === null ? [] : [{ shard, number }])).slice(0, dataShards);
  const inverse = invert(present.map(({ number }) => generator[number]!));
  const data = combinePlainly(
    inverse,
    present.map(({ shard }) => shard),
  );
  return combinePlainly(
    wanted.map((number) => generator[number]!),
    data,
  );
}

/** n rows of k: the identity, then the Cauchy rows 1 / (i xor j). */
function generatorMatrix(dataShards: number, totalShards: number): number[][] {
  const matrix: number[][] = [];
  for (let i = 0; i < totalShards; i++) {
    const row: number[] = [];
    for (let j = 0; j < dataShards; j++) row.push(i < dataShards ? Number(i === j) : reciprocal(i ^ j));
    matrix.push(row);
  }
  return matrix;
}

function combinePlainly(matrix: readonly number[][], inputs: readonly Uint8Array[]): Uint8Array[] {
  return matrix.map((row) => {
    const output = new Uint8Array(inputs[0]!.length);
    row.forEach((coefficient, j) => {
      const input = inputs[j]!;
      for (let t = 0; t < output.length; t++) output[t]! ^= product(coefficient, input[t]!);
    });
    return output;
  });
}

/** Gauss-Jordan elimination. */
function invert(matrix: readonly number[][]): number[][] {
  const size = matrix.length;
  const work = matrix.map((row, i) => [...row, ...matrix.map((_, j) => Number(i === j))]);
  for (let column = 0; column < size; column++) {
    const pivot = work.findIndex((row, i) => i >= column && row[column] !== 0);
    if (pivot < 0) throw new Error('the rows are not independent');
    [work[column], work[pivot]] = [work[pivot]!, work[column]!];
    const scale = reciprocal(work[column]![column]!);
    const pivotRow = work[column]!.map((element) => product(element, scale));
    work[column] = pivotRow;
    for (let i = 0; i < size; i++) {
      const factor = work[i]![column]!;
      if (i === column || factor === 0) continue;
      work[i] = work[i]!.map((element, j) => element ^ product(factor, pivotRow[j]!));
    }
  }
  return work.map((row) => row.slice(size));
}

function product(left: number, right: number): number {
  if (left === 0 || right === 0) return 0;
  return exponentials[logs[left]! + logs[right]!]!;
}

function reciprocal(element: number): number {
  return exponentials[255 - logs[element]!]!;
}

/** Multiply as polynomials, reducing by x^8 = x^4 + x^3 + x^2 + 1 at each step. */
function schoolbookProduct(left: number, right: number): number {
  let sum = 0;
  let shifted = left;
  for (let bit = 0; bit < 8; bit++) {
    if ((right >> bit) & 1) sum ^= shifted;
    shifted = (shifted << 1) ^ (shifted & 0x80 ? 0x11d : 0);
  }
  return sum;
}

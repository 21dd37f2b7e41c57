// Reads a short answer of whoever shares a file, who may send without end: here, and in the page, which imports nothing else.

/** The first `bytesMax` bytes of a body, or all when it is shorter; nothing beyond them is received. */
export async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(bytesMax);
  const reader = body?.getReader();
  let filled = 0;
  while (reader !== undefined && filled < bytesMax) {
    const { done, value } = await reader.read();
    if (done) return bytes.slice(0, filled);
    const part = value.subarray(0, bytesMax - filled);
    bytes.set(part, filled);
    filled += part.length;
  }
  await reader?.cancel();
  return bytes.slice(0, filled);
}

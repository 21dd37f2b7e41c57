// Grey pixels as a PNG file, without any text in it; compressed in the thread pool.
import { PNG } from 'pngjs';
import type { Raster } from './draw-picture.js';

const GREY = 0;

export async function encodePng({ width, height, grey }: Raster): Promise<Buffer> {
  const png = new PNG({
    width,
    height,
    colorType: GREY,
    inputColorType: GREY,
    bitDepth: 8,
    inputHasAlpha: false,
    filterType: 0,
  });
  png.data = Buffer.from(grey.buffer, grey.byteOffset, grey.byteLength);
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    png.on('error', reject).on('end', resolve);
    // pngjs is a stream of the first kind: it has events and no iterator.
    (png as NodeJS.EventEmitter).on('data', (chunk: Buffer) => chunks.push(chunk));
    png.pack();
  });
  return Buffer.concat(chunks);
}

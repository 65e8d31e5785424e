import { crc32, deflateSync } from 'node:zlib';

/** A square of pixels: red, green, blue, alpha, a byte each, line by line from the top. */
export interface Bitmap {
  readonly pixels: number;
  readonly rgba: Uint8Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A PNG with 8 bits a channel. */
export function encodePng({ pixels, rgba }: Bitmap): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(pixels, 0);
  header.writeUInt32BE(pixels, 4);
  header.set([8, 6], 8);
  const width = pixels * 4;
  const lines = Buffer.alloc(pixels * (1 + width));
  for (let y = 0; y < pixels; y += 1) {
    lines.set(rgba.subarray(y * width, (y + 1) * width), y * (1 + width) + 1);
  }
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** PNG specification, 5.3. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

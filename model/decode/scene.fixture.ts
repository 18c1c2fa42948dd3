/** The picture that photos.fixture.json holds in many formats, and whether an image shows it. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { z } from 'zod';
import type { RgbImage } from '../image/image.ts';

/** Left red, right blue; the upper right corner green, so that every turn and flip shows. */
export const WIDTH = 48;
export const HEIGHT = 32;

/** Made with Pillow 13 and libheif 1.23: containers and codings that sharp does not write. */
const files = z
  .record(z.string(), z.base64())
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, 'photos.fixture.json'), 'utf8')));

export function fileOf(name: string): Buffer {
  const file = files[name];
  assert.ok(file !== undefined, `photos.fixture.json has no "${name}"`);
  return Buffer.from(file, 'base64');
}

export function colourAt(x: number, y: number): [number, number, number] {
  if (x >= WIDTH - 16 && y < 16) return [0, 200, 0];
  return x < WIDTH / 2 ? [200, 0, 0] : [0, 0, 200];
}

export function scene(): Sharp {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) data.set(colourAt(x, y), (y * WIDTH + x) * 3);
  }
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

export function pixel({ data, width }: RgbImage, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

export function assertNear(actual: number[], expected: number[], tolerance: number): void {
  const off = actual.map((value, index) => Math.abs(value - expected[index]!));
  assert.ok(Math.max(...off) <= tolerance, `${actual} is not ${expected} within ${tolerance}`);
}

/** Colours in the middle of each patch, away from what compression smears. */
export function assertScene(image: RgbImage, tolerance: number): void {
  assert.deepEqual([image.width, image.height], [WIDTH, HEIGHT]);
  assert.equal(image.data.length, WIDTH * HEIGHT * 3);
  assertNear(pixel(image, 8, 24), [200, 0, 0], tolerance);
  assertNear(pixel(image, 40, 28), [0, 0, 200], tolerance);
  assertNear(pixel(image, 40, 8), [0, 200, 0], tolerance);
}

/**
 * The part of libheif (`libheif-js`, compiled to WebAssembly) that is used: the package's own types are `any`.
 * A context and a handle are addresses in its memory.
 */
import { createRequire } from 'node:module';
import { z } from 'zod';
import { ImageError } from '../errors.ts';

/** Called as methods of the module, which its functions require. */
interface LibHeif {
  readonly heif_colorspace: { readonly heif_colorspace_RGB: unknown };
  readonly heif_chroma: {
    readonly heif_chroma_interleaved_RGB: unknown;
    readonly heif_chroma_interleaved_RGBA: unknown;
  };
  readonly heif_error_code: { readonly heif_error_Ok: unknown };
  heif_context_alloc(): unknown;
  heif_context_read_from_memory(
    context: unknown,
    bytes: Uint8Array,
  ): { code: unknown; message: string };
  heif_js_context_get_primary_image_handle(context: unknown): unknown;
  heif_image_handle_get_width(handle: unknown): number;
  heif_image_handle_get_height(handle: unknown): number;
  heif_image_handle_has_alpha_channel(handle: unknown): number;
  heif_image_handle_is_premultiplied_alpha(handle: unknown): number;
  heif_js_decode_image2(handle: unknown, colours: unknown, chroma: unknown): unknown;
}

const decodedSchema = z.object({
  channels: z
    .array(
      z.object({
        width: z.int().positive(),
        height: z.int().positive(),
        stride: z.int().positive(),
        data: z.instanceof(Uint8Array),
      }),
    )
    .length(1),
});
const failureSchema = z.object({ code: z.unknown(), message: z.string() });

export interface HeifPixels {
  readonly width: number;
  readonly height: number;
  /** 3 for RGB, 4 with opacity. */
  readonly channels: 3 | 4;
  /** Bytes per row. */
  readonly stride: number;
  readonly isPremultiplied: boolean;
  readonly data: Uint8Array;
}

/**
 * Decodes the primary image of a HEIF file, turned and mirrored as the file says.
 * @param onSize called with the size before anything is decoded; may throw
 * @throws {ImageError}
 */
export async function readHeif(
  bytes: Uint8Array,
  onSize: (width: number, height: number) => void,
): Promise<HeifPixels> {
  const lib = loadLibHeif();
  const context = lib.heif_context_alloc();
  const { code, message } = lib.heif_context_read_from_memory(context, bytes);
  if (code !== lib.heif_error_code.heif_error_Ok) throw new Error(message);
  const handle = lib.heif_js_context_get_primary_image_handle(context);
  requireNoFailure(handle);
  onSize(lib.heif_image_handle_get_width(handle), lib.heif_image_handle_get_height(handle));
  const hasOpacity = lib.heif_image_handle_has_alpha_channel(handle) !== 0;
  const { heif_chroma_interleaved_RGB: rgb, heif_chroma_interleaved_RGBA: rgba } = lib.heif_chroma;
  const decoded = await lib.heif_js_decode_image2(
    handle,
    lib.heif_colorspace.heif_colorspace_RGB,
    hasOpacity ? rgba : rgb,
  );
  requireNoFailure(decoded);
  const [plane] = decodedSchema.parse(decoded).channels;
  const isPremultiplied = hasOpacity && lib.heif_image_handle_is_premultiplied_alpha(handle) !== 0;
  return { ...plane!, channels: hasOpacity ? 4 : 3, isPremultiplied };
}

/** @throws {ImageError} when the package was removed; all other formats work without it */
function loadLibHeif(): LibHeif {
  try {
    return createRequire(import.meta.url)('libheif-js/wasm-bundle') as LibHeif;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new ImageError(
      'HEIC photos cannot be read here, because the package libheif-js is not installed: send the photo as JPEG.',
      { cause },
    );
  }
}

function requireNoFailure(result: unknown): void {
  const failure = failureSchema.safeParse(result);
  if (failure.success) throw new Error(failure.data.message);
  if (result === undefined || result === null) throw new Error('libheif gives no image');
}

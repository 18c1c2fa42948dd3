/**
 * Averages over areas of a photo, the three colours of a pixel in one instruction. All addresses are in
 * bytes. The summed-area table has 16 bytes a pixel: the sums of red, green and blue as int32, and an
 * unused value.
 */

const TABLE: usize = 16;
/** Of a cell: addresses of its first column in the table and of the one after its last, then their number as float32. */
const SPAN: usize = 16;
/** Of a cell in a window: offset of its first column in the line, and number of columns. */
const EXTENT: usize = 8;
const SUM: usize = 16;
/** Three float32. */
const CELL: usize = 12;
const PIXEL: usize = 3;

/** Adds a line of `fours` times four pixels, three bytes each, to the table's sums from `table` on. */
export function addLine(line: usize, table: usize, fours: i32): void {
  // Not `const`: a constant inside the loop would be made again in each turn.
  let colours0 = i8x16(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, -1, -1, -1, -1);
  let colours1 = i8x16(3, -1, -1, -1, 4, -1, -1, -1, 5, -1, -1, -1, -1, -1, -1, -1);
  let colours2 = i8x16(6, -1, -1, -1, 7, -1, -1, -1, 8, -1, -1, -1, -1, -1, -1, -1);
  let colours3 = i8x16(9, -1, -1, -1, 10, -1, -1, -1, 11, -1, -1, -1, -1, -1, -1, -1);
  let sums = i32x4.splat(0);
  do {
    // The last four bytes belong to the next pixels.
    const pixels = v128.load(line);
    sums = i32x4.add(sums, i8x16.swizzle(pixels, colours0));
    v128.store(table, i32x4.add(v128.load(table), sums));
    sums = i32x4.add(sums, i8x16.swizzle(pixels, colours1));
    v128.store(table, i32x4.add(v128.load(table, 16), sums), 16);
    sums = i32x4.add(sums, i8x16.swizzle(pixels, colours2));
    v128.store(table, i32x4.add(v128.load(table, 32), sums), 32);
    sums = i32x4.add(sums, i8x16.swizzle(pixels, colours3));
    v128.store(table, i32x4.add(v128.load(table, 48), sums), 48);
    line += 4 * PIXEL;
    table += 4 * TABLE;
  } while (--fours);
}

/** Saves the table's sums over the cells' columns, as they are above the current line. */
export function begin(spans: usize, sums: usize, cells: i32): void {
  do {
    v128.store(sums, columnSums(spans));
    spans += SPAN;
    sums += SUM;
  } while (--cells);
}

/** Writes the cells' averages over the `lines` lines since `begin`, as (x - 127.5) / 128. */
export function finish(spans: usize, sums: usize, into: usize, cells: i32, lines: i32): void {
  let height = f32x4.splat(<f32>lines);
  let middle = f32x4.splat(127.5);
  let unit = f32x4.splat(1 / 128);
  do {
    const sum = f32x4.convert_i32x4_s(i32x4.sub(columnSums(spans), v128.load(sums)));
    // A product of two integers in float32 is rounded as the integer itself would be.
    const pixels = f32x4.mul(v128.load32_splat(spans, 8), height);
    const average = f32x4.mul(f32x4.sub(f32x4.div(sum, pixels), middle), unit);
    v128.store64_lane(into, average, 0);
    v128.store32_lane(into, average, 2, 8);
    spans += SPAN;
    sums += SUM;
    into += CELL;
  } while (--cells);
}

/** The table's sums over the columns of one cell. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function columnSums(span: usize): v128 {
  return i32x4.sub(v128.load(load<u32>(span, 4)), v128.load(load<u32>(span)));
}

/**
 * Writes the averages of cells that are read from a copied window, without the table: `lines` lines of
 * `stride` bytes from `line` on. Rounded once, from float64.
 */
export function average(
  line: usize,
  stride: usize,
  lines: i32,
  extents: usize,
  cells: i32,
  into: usize,
): void {
  let middle = f64x2.splat(127.5);
  let unit = f64x2.splat(1 / 128);
  do {
    const columns = load<i32>(extents, 4);
    let first: usize = line + load<u32>(extents);
    let sums = i32x4.splat(0);
    let left = lines;
    do {
      let pixel = first;
      let column = columns;
      do {
        // The fourth byte belongs to the next pixel; its sum is not used.
        const colours = i16x8.extend_low_i8x16_u(v128.load32_zero(pixel));
        sums = i32x4.add(i32x4.extend_low_i16x8_u(colours), sums);
        pixel += PIXEL;
      } while (--column);
      first += stride;
    } while (--left);
    const share = f64x2.splat(1 / (<f64>columns * <f64>lines));
    const blue = scaled(i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15), share, middle, unit);
    v128.store64_lane(into, scaled(sums, share, middle, unit), 0);
    v128.store32_lane(into, blue, 0, 8);
    extents += EXTENT;
    into += CELL;
  } while (--cells);
}

/** The lower two sums times `share`, as (x - 127.5) / 128 in float32. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function scaled(sums: v128, share: v128, middle: v128, unit: v128): v128 {
  const averages = f64x2.mul(f64x2.convert_low_i32x4_s(sums), share);
  return f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(averages, middle), unit));
}

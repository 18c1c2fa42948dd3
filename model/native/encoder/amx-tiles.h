// Convolutions in bfloat16 by AMX: one instruction multiplies 16 pixels of 32 numbers with 32 inputs of 16 outputs.
// The numbers of a pixel's taps of one line follow each other in the map, those of the next pixel begin a step
// later: tiles are read straight from the map. Sums are float32; bias, sum and ReLU follow as in half-tiles.h.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "half-tiles.h"
#include "plan.h"

#if defined(HALF_TARGET) && (defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11)
#define AMX_TARGET HALF_TARGET ",amx-tile,amx-bf16"

namespace amx {

constexpr bool kPresent = true;

// Pixels of a tile, and the most channels of a panel.
constexpr int kPixels = 16, kColumns = 32;

// Whether the system lets this process use tiles. On processors or systems without AMX it does not.
inline bool Permit() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// Up to two tiles of pixels, and the panel of weights that they are multiplied with.
struct Block {
  const uint16_t *upper, *lower;
  long step, line;  // numbers to the next pixel's input, and to the next tap below
  int height;       // taps
  int turns, inputs;  // numbers of a tap line: how often a tile's
  const uint16_t* filter;
  float* sums;  // [2 * kPixels][kColumns]
};

// Tiles 0 to 3 are sums, 4 and 5 weights, 6 and 7 pixels.
template <int TILES, int VECTORS>
__attribute__((target(AMX_TARGET), noinline)) static void Multiply(const Block& b) {
  const long step = 2 * b.step, width = 64 * VECTORS;
  const uint16_t* filter = b.filter;
  _tile_zero(0);
  if constexpr (VECTORS == 2) _tile_zero(1);
  if constexpr (TILES == 2) _tile_zero(2);
  if constexpr (TILES * VECTORS == 4) _tile_zero(3);
  for (int ky = 0; ky < b.height; ky++) {
    const uint16_t *upper = b.upper + ky * b.line, *lower = b.lower + ky * b.line;
    for (int turn = 0; turn < b.turns; turn++) {
      _tile_loadd(4, filter, width);
      if constexpr (VECTORS == 2) _tile_loadd(5, filter + 32, width);
      _tile_loadd(6, upper, step);
      if constexpr (TILES == 2) _tile_loadd(7, lower, step);
      _tile_dpbf16ps(0, 6, 4);
      if constexpr (VECTORS == 2) _tile_dpbf16ps(1, 6, 5);
      if constexpr (TILES == 2) _tile_dpbf16ps(2, 7, 4);
      if constexpr (TILES * VECTORS == 4) _tile_dpbf16ps(3, 7, 5);
      upper += b.inputs;
      lower += b.inputs;
      filter += b.inputs * 16 * VECTORS;
    }
  }
  constexpr long kStride = kColumns * sizeof(float);
  _tile_stored(0, b.sums, kStride);
  if constexpr (VECTORS == 2) _tile_stored(1, b.sums + 16, kStride);
  if constexpr (TILES == 2) _tile_stored(2, b.sums + kPixels * kColumns, kStride);
  if constexpr (TILES * VECTORS == 4) _tile_stored(3, b.sums + kPixels * kColumns + 16, kStride);
}

// How a convolution's pixels become rows of tiles. A run is one line, one map, or the maps of all images, whichever
// takes the fewest tiles. In a run of several lines, the rows between lines and between maps are computed in vain.
struct Runs {
  long images, lines;  // runs
  long length;         // rows
  long line, map;      // rows from one line, and from one map, to the next

  long tiles() const { return images * lines * ((length + kPixels - 1) / kPixels); }

  static Runs Of(const Step& step, const Map& from, const Map& to, int images) {
    const long line = from.width + 2 * from.border_x, map = line * (from.height + 2 * from.border_y);
    const long whole = line * (to.height - 1) + to.width;
    Runs best{images, to.height, to.width, to.width, to.width};
    const Runs each{images, 1, whole, line, map};
    if (each.tiles() < best.tiles()) best = each;
    const Runs all{1, 1, map * (images - 1) + whole, line, map};
    if (step.stride == 1 && !from.single && all.tiles() < best.tiles()) best = all;
    return best;
  }
};

class Matrices {
 public:
  // Before any convolution of a thread.
  void Begin() { pixels_ = inputs_ = 0; }
  __attribute__((target(AMX_TARGET))) void End() { _tile_release(); }

  // Outputs `first` to `first + columns`, whose weights are in `panel`.
  void Convolve(const Step& step, const Map& from, const Map& to, int image, int end, const float* panel, int first,
                int columns) {
    const Runs runs = Runs::Of(step, from, to, end - image);
    const int numbers = step.width * from.channels;
    Block block;
    block.step = static_cast<long>(step.stride) * from.channels;
    block.line = from.line();
    block.height = step.height;
    block.turns = TurnsOf(numbers);
    block.inputs = numbers / block.turns;
    block.filter = reinterpret_cast<const uint16_t*>(panel);
    const int pixels = std::min<long>(runs.length, kPixels);
    Configure(pixels, block.inputs);
    const auto multiply = columns == kColumns ? Multiply<2, 2> : Multiply<2, 1>;
    const auto multiply_one = columns == kColumns ? Multiply<1, 2> : Multiply<1, 1>;
    const Outputs outputs{to, runs, first, columns, step.panels.back() + first, static_cast<bool>(step.add),
                          static_cast<bool>(step.relu), step.channel};
    alignas(64) float sums[2 * kPixels * kColumns];
    block.sums = sums;
    for (long run = 0; run < runs.images * runs.lines; run++) {
      const int of = image + static_cast<int>(run / runs.lines), y = static_cast<int>(run % runs.lines);
      const uint16_t* input = from.at<uint16_t>(of, y * step.stride - step.top, -step.left);
      for (long row = 0; row < runs.length; row += 2 * kPixels) {
        // The last tile covers some rows of the one before it again.
        const long last = runs.length - pixels, lower = row + kPixels;
        block.upper = input + std::min(row, last) * block.step;
        block.lower = input + std::min(lower, last) * block.step;
        (lower < runs.length ? multiply : multiply_one)(block);
        Write(outputs, of, y, row, std::min(row, last), pixels, sums);
        if (lower < runs.length) Write(outputs, of, y, lower, std::min(lower, last), pixels, sums + kPixels * kColumns);
      }
    }
  }

 private:
  struct Outputs {
    const Map& to;
    const Runs& runs;
    int first, columns;
    const float* bias;
    bool add, relu;
    int channel;
  };

  struct alignas(64) Configuration {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {};
    uint8_t rows[16] = {};
  };

  // A tile takes up to 32 numbers; a tap line of 48 is two tiles of 24.
  static int TurnsOf(int numbers) {
    int turns = (numbers + 31) / 32;
    while (numbers % (2 * turns) != 0) turns++;
    return turns;
  }

  __attribute__((target(AMX_TARGET))) void Configure(int pixels, int inputs) {
    if (pixels == pixels_ && inputs == inputs_) return;
    pixels_ = pixels;
    inputs_ = inputs;
    Configuration all;
    for (int tile = 0; tile < 8; tile++) {
      all.rows[tile] = tile == 4 || tile == 5 ? inputs / 2 : pixels;
      all.bytes[tile] = tile < 6 ? 64 : 2 * inputs;
    }
    // The intrinsic names only the first bytes that it reads.
    asm volatile("" ::"r"(&all) : "memory");
    _tile_loadconfig(&all);
  }

  // Sums of `pixels` rows of a run from `begin` on, as far as they are not before `row` and within the map.
  __attribute__((target(AMX_TARGET))) static void Write(const Outputs& o, int image, int y, long row, long begin,
                                                        int pixels, const float* sums) {
    const Runs& runs = o.runs;
    const long in_map = row % runs.map;
    long map = image + row / runs.map, line = y + in_map / runs.line, x = in_map % runs.line;
    for (long at = row - begin; at < pixels;) {
      const long rows = std::min(pixels - at, runs.line - x), kept = std::min(rows, o.to.width - x);
      if (kept > 0 && line < o.to.height) {
        uint16_t* output = o.to.at<uint16_t>(static_cast<int>(map), line, x) + o.channel + o.first;
        WriteLine(o, sums + at * kColumns, output, kept);
      }
      at += rows;
      x = 0;
      if (++line * runs.line < runs.map) continue;
      line = 0;
      map++;
    }
  }

  // Sums of neighbouring pixels.
  __attribute__((target(AMX_TARGET))) static void WriteLine(const Outputs& o, const float* sums, uint16_t* output,
                                                            long pixels) {
    const long channels = o.to.channels;
    for (int c = 0; c < o.columns; c += 16) {
      const __m512 bias = _mm512_loadu_ps(o.bias + c);
      for (long pixel = 0; pixel < pixels; pixel++) {
        const __m512 sum = _mm512_add_ps(_mm512_load_ps(sums + pixel * kColumns + c), bias);
        half::Finish(sum, output + pixel * channels + c, o.add, o.relu);
      }
    }
  }

  int pixels_ = 0, inputs_ = 0;
};

}  // namespace amx

#else

// Compilers that do not know the instructions yet.
namespace amx {

constexpr bool kPresent = false;
constexpr int kColumns = 32;
inline bool Permit() { return false; }
struct Matrices {
  void Begin() {}
  void End() {}
  void Convolve(const Step&, const Map&, const Map&, int, int, const float*, int, int) {}
};

}  // namespace amx
#endif

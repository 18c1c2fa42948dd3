// Which register tile computes which part of a convolution, by the vectors that the processor has.
#pragma once

#include <immintrin.h>

#include <algorithm>

#include "schemes.h"

// Some pixels of one line of an output map, and as many of its channels as a panel of the filter has.
template <class Number>
struct TileOf {
  const Number* input;
  long step, line, pixel;     // numbers to the next output pixel's input, the next tap below, the next to the right
  int height, width, inputs;  // taps, and channels of the input
  const Number* filter;
  const float* bias;
  Number* output;
  long output_step;
  bool add, relu;
};
using Tile = TileOf<float>;

template <class Number>
using Compute = void (*)(const TileOf<Number>&);

// The inputs of some outputs, and where their values at the points go: those of one point after those of another.
struct InputTile {
  const float* input;
  long line;  // numbers to the pixel below
  int channels;
  float* points;
  long gap;
};

// The same of products: the outputs of a tile, as far as they lie within the map.
struct OutputTile {
  const float* points;
  long gap;
  int channels;
  const float* bias;
  float* output;
  long line, pixel;
  int height, width;
  bool add, relu;
};

namespace avx512 {
#define VECTOR __m512
#define WIDTH 16
#define TARGET "avx512f,avx2,fma"
#define LOAD _mm512_loadu_ps
#define SPREAD _mm512_set1_ps
#define MULTIPLY_ADD _mm512_fmadd_ps
#define ADD _mm512_add_ps
#define SUBTRACT _mm512_sub_ps
#define LARGER _mm512_max_ps
#define ZERO _mm512_setzero_ps()
#define STORE _mm512_storeu_ps
#include "tiles.inc"
#include "transforms.inc"
#undef VECTOR
#undef WIDTH
#undef TARGET
#undef LOAD
#undef SPREAD
#undef MULTIPLY_ADD
#undef ADD
#undef SUBTRACT
#undef LARGER
#undef ZERO
#undef STORE
}  // namespace avx512

namespace avx2 {
#define VECTOR __m256
#define WIDTH 8
#define TARGET "avx2,fma"
#define LOAD _mm256_loadu_ps
#define SPREAD _mm256_set1_ps
#define MULTIPLY_ADD _mm256_fmadd_ps
#define ADD _mm256_add_ps
#define SUBTRACT _mm256_sub_ps
#define LARGER _mm256_max_ps
#define ZERO _mm256_setzero_ps()
#define STORE _mm256_storeu_ps
#include "tiles.inc"
#include "transforms.inc"
}  // namespace avx2

constexpr int kMostRows = 14;

// The tiles of one kind of vector: 14 rows of 2 vectors fill the 32 registers of AVX-512, as do 6 of 4 where lines
// are short; 6 rows of 2 fill the 16 of AVX2.
class Tiles {
 public:
  explicit Tiles(bool wide) : wide_(wide) {
    if (!wide) {
      Fill<6, false, 2>(compute_[0]);
    } else {
      Fill<kMostRows, true, 1>(compute_[0]);
      Fill<kMostRows, true, 2>(compute_[1]);
      Fill<6, true, 4>(compute_[3]);
    }
  }

  // Of so many output channels, those that are computed together, for lines of so many pixels.
  int PanelOf(int channels, int pixels) const {
    if (!wide_) return 16;
    return pixels <= 6 && channels % 64 == 0 ? 64 : 32;
  }

  int MostRows(int columns) const { return !wide_ || columns > 32 ? 6 : kMostRows; }

  Compute<float> ComputeOf(int columns, int rows) const { return compute_[columns / 16 - 1][rows]; }

 private:
  template <int ROWS, bool WIDE, int VECTORS>
  static void Fill(Compute<float>* compute) {
    if constexpr (ROWS > 0) {
      compute[ROWS] = WIDE ? avx512::ComputeTile<ROWS, VECTORS> : avx2::ComputeTile<ROWS, VECTORS>;
      Fill<ROWS - 1, WIDE, VECTORS>(compute);
    }
  }

  const bool wide_;
  Compute<float> compute_[4][kMostRows + 1] = {};
};

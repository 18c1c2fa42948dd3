// Register tiles of a convolution in bfloat16, for processors with AVX512_BF16: one instruction multiplies pairs of
// neighbouring input channels and adds both products to a sum in float32. Maps are rounded to nearest, ties to even.
#pragma once

#include <cstdint>

#include "tiles.h"

#if defined(__clang__) || __GNUC__ >= 10
#define HALF_TARGET "avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma,f16c"

namespace half {

__attribute__((target(HALF_TARGET))) static inline __m512 Widened(const uint16_t* numbers) {
  const __m256i read = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(read), 16));
}

__attribute__((target(HALF_TARGET))) static inline void StoreNarrowed(__m512 numbers, uint16_t* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(numbers));
}

__attribute__((target(HALF_TARGET))) static inline __m512bh Spread(const uint16_t* pair) {
  int both;
  __builtin_memcpy(&both, pair, sizeof both);
  return (__m512bh)_mm512_set1_epi32(both);
}

// The last of a convolution: its sum with what is there, its ReLU, and the rounding.
__attribute__((target(HALF_TARGET), always_inline)) static inline void Finish(__m512 sum, uint16_t* output, bool add,
                                                                            bool relu) {
  if (add) sum = _mm512_add_ps(sum, Widened(output));
  if (relu) sum = _mm512_max_ps(sum, _mm512_setzero_ps());
  StoreNarrowed(sum, output);
}

// As in tiles.inc, but that each turn takes two input channels.
template <int ROWS, int VECTORS>
__attribute__((target(HALF_TARGET), noinline)) static void ComputeTile(const TileOf<uint16_t>& t) {
  __m512 sums[ROWS][VECTORS];
#pragma GCC unroll 4
  for (int v = 0; v < VECTORS; v++) {
    const __m512 bias = _mm512_loadu_ps(t.bias + 16 * v);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) sums[r][v] = bias;
  }
  constexpr int GROUPS = (ROWS + 2) / 3;
  const uint16_t* filter = t.filter;
  const long step = t.step;
  for (int ky = 0; ky < t.height; ky++) {
    for (int kx = 0; kx < t.width; kx++) {
      const uint16_t* input[GROUPS];
#pragma GCC unroll 16
      for (int g = 0; g < GROUPS; g++) {
        input[g] = t.input + ky * t.line + kx * t.pixel + 3 * g * step;
      }
      for (int left = t.inputs; left > 0; left -= 8) {
#pragma GCC unroll 16
        for (int g = 0; g < GROUPS; g++) asm volatile("" : "+r"(input[g]));
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
          __m512bh weights[VECTORS];
#pragma GCC unroll 4
          for (int v = 0; v < VECTORS; v++) {
            weights[v] = (__m512bh)_mm512_loadu_si512(filter + 32 * (VECTORS * k + v));
          }
#pragma GCC unroll 16
          for (int r = 0; r < ROWS; r++) {
            const __m512bh pair = Spread(input[r / 3] + (r % 3) * step + 2 * k);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
              sums[r][v] = _mm512_dpbf16_ps(sums[r][v], pair, weights[v]);
            }
          }
        }
#pragma GCC unroll 16
        for (int g = 0; g < GROUPS; g++) input[g] += 8;
        filter += 4 * 32 * VECTORS;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < ROWS; r++) {
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      Finish(sums[r][v], t.output + r * t.output_step + 16 * v, t.add, t.relu);
    }
  }
}

// Of as many numbers as vectors of 16 hold.
__attribute__((target(HALF_TARGET))) static void Narrow(const float* from, uint16_t* to, long count) {
  for (long at = 0; at < count; at += 16) StoreNarrowed(_mm512_loadu_ps(from + at), to + at);
}

__attribute__((target(HALF_TARGET))) static void Widen(const uint16_t* from, float* to, long count) {
  for (long at = 0; at < count; at += 16) _mm512_storeu_ps(to + at, Widened(from + at));
}

// The largest values of a window of so many lines and pixels.
__attribute__((target(HALF_TARGET))) static void TakeLargest(const uint16_t* corner, long line, int height, int width,
                                                             long channels, uint16_t* to) {
  for (long at = 0; at < channels; at += 16) {
    __m512 largest = Widened(corner + at);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) largest = _mm512_max_ps(largest, Widened(corner + y * line + x * channels + at));
    }
    StoreNarrowed(largest, to + at);
  }
}

// Each number beside the one below it, of two lines of as many as vectors of 16 hold.
__attribute__((target(HALF_TARGET))) static void Pair(const char* upper, const char* lower, uint32_t* to, long count) {
  for (long at = 0; at < count; at += 16) {
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(upper + 2 * at));
    const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lower + 2 * at));
    const __m512i shifted = _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16);
    _mm512_storeu_si512(to + at, _mm512_or_si512(_mm512_cvtepu16_epi32(first), shifted));
  }
}

// As `Tiles`, in bfloat16.
class Tiles {
 public:
  Tiles() {
    Fill<kMostRows, 1>(compute_[0]);
    Fill<kMostRows, 2>(compute_[1]);
    Fill<6, 4>(compute_[3]);
  }
  int PanelOf(int channels, int pixels) const { return pixels <= 6 && channels % 64 == 0 ? 64 : 32; }
  int MostRows(int columns) const { return columns > 32 ? 6 : kMostRows; }
  Compute<uint16_t> ComputeOf(int columns, int rows) const { return compute_[columns / 16 - 1][rows]; }

 private:
  template <int ROWS, int VECTORS>
  static void Fill(Compute<uint16_t>* compute) {
    if constexpr (ROWS > 0) {
      compute[ROWS] = ComputeTile<ROWS, VECTORS>;
      Fill<ROWS - 1, VECTORS>(compute);
    }
  }

  Compute<uint16_t> compute_[4][kMostRows + 1] = {};
};

constexpr bool kPresent = true;

}  // namespace half

#else

// Compilers that do not know the instructions yet.
namespace half {

constexpr bool kPresent = false;
inline void Narrow(const float*, uint16_t*, long) {}
inline void Widen(const uint16_t*, float*, long) {}
inline void TakeLargest(const uint16_t*, long, int, int, long, uint16_t*) {}
inline void Pair(const char*, const char*, uint32_t*, long) {}
struct Tiles {
  int PanelOf(int, int) const { return 32; }
  int MostRows(int) const { return kMostRows; }
  Compute<uint16_t> ComputeOf(int, int) const { return nullptr; }
};

}  // namespace half
#endif

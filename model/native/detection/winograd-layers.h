// A 3 x 3 layer and its PReLU by Winograd's F(2 x 2, 3 x 3): 16 products for four outputs, not 36.
#pragma once

#include "dense-layers.h"

namespace {

constexpr int PATCH = 4;  // side of the inputs of a tile of 2 x 2 outputs
constexpr int POINTS = PATCH * PATCH;

// TILES tiles side by side.
template <int IN, int OUT, int TILES>
struct Winograd {
  static constexpr int lanes = (OUT + WIDE - 1) / WIDE * WIDE;
  static constexpr int inputs = (IN + WIDE - 1) / WIDE * WIDE;
  float filters[POINTS][IN][lanes], bias[lanes], slope[lanes];

  // filter [3, 3, IN, OUT], bias, slope. Returns the end.
  const float* prepare(const float* from) {
    std::memset(this, 0, sizeof *this);
    static const double mixes[PATCH][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    for (int at = 0; at < IN * OUT; at++) {
      for (int point = 0; point < POINTS; point++) {
        double sum = 0;
        for (int tap = 0; tap < 9; tap++) sum += mixes[point / PATCH][tap / 3] * mixes[point % PATCH][tap % 3] * from[tap * IN * OUT + at];
        filters[point][at / OUT][at % OUT] = static_cast<float>(sum);
      }
    }
    from += 9 * IN * OUT;
    std::memcpy(bias, from, sizeof(float) * OUT);
    std::memcpy(slope, from + OUT, sizeof(float) * OUT);
    return from + 2 * OUT;
  }

  // One row of tiles; rows of inputs are `stride` values apart. `each` gets a tile's outputs, [2, 2] vectors of 16
  // channels from `channel` on: each(tile, channel, outputs). Inputs are read up to 16 values past the last one.
  template <int PART, typename Each>
  void answers(const float* from, int stride, Each each) const {
    alignas(64) static thread_local float mixed[POINTS][TILES * inputs];
    alignas(64) static thread_local float products[POINTS][TILES][PART * WIDE];
    for (int tile = 0; tile < TILES; tile++)
      for (int channel = 0; channel < inputs; channel += WIDE) mix(from + tile * 2 * IN + channel, stride, &mixed[0][tile * inputs + channel]);
    for (int first = 0; first < lanes / WIDE; first += PART) {
      for (int point = 0; point < POINTS; point++) {
        __m512 sums[TILES][PART];
#pragma GCC unroll 12
        for (int tile = 0; tile < TILES; tile++)
#pragma GCC unroll 4
          for (int part = 0; part < PART; part++) sums[tile][part] = _mm512_setzero_ps();
        addProducts<IN, lanes>(mixed[point], inputs, filters[point], first, sums);
#pragma GCC unroll 12
        for (int tile = 0; tile < TILES; tile++)
#pragma GCC unroll 4
          for (int part = 0; part < PART; part++) _mm512_store_ps(products[point][tile] + part * WIDE, sums[tile][part]);
      }
      for (int part = 0; part < PART; part++) {
        const int channel = (first + part) * WIDE;
        for (int tile = 0; tile < TILES; tile++) {
          __m512 outputs[2][2];
          unmix(products[0][tile] + part * WIDE, TILES * PART * WIDE, channel, outputs);
          each(tile, channel, outputs);
        }
      }
    }
  }

 private:
  // 16 channels of one tile's inputs.
  static inline __attribute__((always_inline)) void mix(const float* from, int stride, float* into) {
    __m512 rows[PATCH][PATCH];
#pragma GCC unroll 4
    for (int column = 0; column < PATCH; column++) {
      const auto at = [&](int row) { return _mm512_loadu_ps(from + row * stride + column * IN); };
      const __m512 a = at(0), b = at(1), c = at(2), d = at(3);
      rows[0][column] = _mm512_sub_ps(a, c);
      rows[1][column] = _mm512_add_ps(b, c);
      rows[2][column] = _mm512_sub_ps(c, b);
      rows[3][column] = _mm512_sub_ps(b, d);
    }
#pragma GCC unroll 4
    for (int row = 0; row < PATCH; row++) {
      const auto& [a, b, c, d] = rows[row];
      const __m512 points[PATCH] = {_mm512_sub_ps(a, c), _mm512_add_ps(b, c), _mm512_sub_ps(c, b), _mm512_sub_ps(b, d)};
#pragma GCC unroll 4
      for (int column = 0; column < PATCH; column++) _mm512_store_ps(into + (row * PATCH + column) * TILES * inputs, points[column]);
    }
  }

  // 16 channels of one tile's outputs, from products that lie `stride` values apart.
  inline __attribute__((always_inline)) void unmix(const float* from, int stride, int channel, __m512 (&outputs)[2][2]) const {
    __m512 rows[2][PATCH];
#pragma GCC unroll 4
    for (int column = 0; column < PATCH; column++) {
      const auto at = [&](int row) { return _mm512_load_ps(from + (row * PATCH + column) * stride); };
      const __m512 b = at(1), c = at(2);
      rows[0][column] = _mm512_add_ps(at(0), _mm512_add_ps(b, c));
      rows[1][column] = _mm512_sub_ps(_mm512_sub_ps(b, c), at(3));
    }
    const __m512 base = _mm512_loadu_ps(bias + channel);
    for (int row = 0; row < 2; row++) {
      const auto& [a, b, c, d] = rows[row];
      const __m512 left = _mm512_add_ps(a, _mm512_add_ps(b, c)), right = _mm512_sub_ps(_mm512_sub_ps(b, c), d);
      outputs[row][0] = withSlope(_mm512_add_ps(left, base), slope + channel);
      outputs[row][1] = withSlope(_mm512_add_ps(right, base), slope + channel);
    }
  }
};

}  // namespace

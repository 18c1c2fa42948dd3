// R-Net in float32.
#pragma once

#include "winograd-layers.h"

namespace {

struct Refinement {
  static constexpr int values = 24 * 24 * 3;      // of a crop
  static constexpr int once = 11, twice = 4;      // sides after the first and the second pooling
  static constexpr int stride = (once + 1) * 28;  // of a row after the first pooling: tiles reach one place further
  static constexpr int flat = 576;
  static constexpr int weights = 28 * (27 + 2) + 48 * (252 + 2) + 64 * (192 + 2) + 128 * (576 + 2) + (128 + 1) * (2 + 4);

  Dense<3, 3 * 3, 28> first;
  Winograd<28, 48, 5> second;
  Dense<2, 2 * 48, 64> third;
  Heads<flat, 128> heads;

  void prepare(const float* from) {
    constexpr int outputs[] = {2, 4};
    from = third.prepare(second.prepare(first.prepare(from)));
    heads.prepare(from, outputs, 2);
  }

  // What the heads get of a crop.
  void flatten(const float* crop, float* into) const {
    alignas(64) static thread_local float pooled[(once + 1) * stride + WIDE], small[twice * twice * 48];
    firstPooled<24, 11>(first, crop, pooled, stride);
    secondPooled(pooled, small);
    for (int row = 0; row < twice - 1; row++) third.row<3, 4>(small + row * twice * 48, 48, twice * 48, 0, into + row * 3 * 64);
  }

  // The second layer and its pooling: [11, 11, 28] to [4, 4, 48].
  void secondPooled(const float* from, float* into) const {
    constexpr int side = once - 2;
    alignas(64) static thread_local float rows[4][(side + 1) * 48];
    for (int row = 0; row < side; row += 2) {
      second.answers<3>(from + row * stride, stride, [&](int tile, int channel, const __m512 (&outputs)[2][2]) {
        for (int y = 0; y < 2; y++)
          for (int x = 0; x < 2; x++) _mm512_store_ps(rows[(row + y) % 4] + (tile * 2 + x) * 48 + channel, outputs[y][x]);
      });
      if (row == 0) continue;
      pooledRow<48, 48>({rows[(row - 2) % 4], rows[(row - 1) % 4], rows[row % 4]}, side, twice, into + (row / 2 - 1) * twice * 48);
    }
  }
};

}  // namespace

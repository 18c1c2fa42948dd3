// O-Net in float32.
#pragma once

#include "winograd-layers.h"

namespace {

struct Confirmation {
  static constexpr int values = 48 * 48 * 3;                    // of a crop
  static constexpr int once = 23, twice = 10, thrice = 4;       // sides after each pooling
  static constexpr int stride = (once + 1) * 32;                // of a row after the first pooling: tiles reach one place further
  static constexpr int flat = 1152;
  static constexpr int weights = 32 * (27 + 2) + 64 * (288 + 2) + 64 * (576 + 2) + 128 * (256 + 2) + 256 * (1152 + 2) + (256 + 1) * (2 + 4 + 10);

  Dense<3, 3 * 3, 32> first;
  Winograd<32, 64, 11> second;
  Winograd<64, 64, 4> third;
  Dense<2, 2 * 64, 128> fourth;
  Heads<flat, 256> heads;

  void prepare(const float* from) {
    constexpr int outputs[] = {2, 4, 10};
    from = fourth.prepare(third.prepare(second.prepare(first.prepare(from))));
    heads.prepare(from, outputs, 3);
  }

  // What the heads get of a crop.
  void flatten(const float* crop, float* into) const {
    alignas(64) static thread_local float pooled[(once + 1) * stride], small[twice * twice * 64], least[thrice * thrice * 64];
    firstPooled<48, 12>(first, crop, pooled, stride);
    secondPooled(pooled, small);
    for (int row = 0; row < thrice; row++) {
      third.answers<4>(small + row * 2 * twice * 64, twice * 64, [&](int tile, int channel, const __m512 (&outputs)[2][2]) {
        const __m512 upper = _mm512_max_ps(outputs[0][0], outputs[0][1]), lower = _mm512_max_ps(outputs[1][0], outputs[1][1]);
        _mm512_store_ps(least + (row * thrice + tile) * 64 + channel, _mm512_max_ps(upper, lower));
      });
    }
    for (int row = 0; row < thrice - 1; row++)
      for (int half = 0; half < 8; half += 4) fourth.row<3, 4>(least + row * thrice * 64, 64, thrice * 64, half, into + row * 3 * 128);
  }

  // The second layer and its pooling: [23, 23, 32] to [10, 10, 64].
  void secondPooled(const float* from, float* into) const {
    constexpr int side = once - 2;
    alignas(64) static thread_local float rows[4][(side + 1) * 64];
    for (int row = 0; row < side; row += 2) {
      second.answers<2>(from + row * stride, stride, [&](int tile, int channel, const __m512 (&outputs)[2][2]) {
        for (int y = 0; y < 2; y++)
          for (int x = 0; x < 2; x++) _mm512_store_ps(rows[(row + y) % 4] + (tile * 2 + x) * 64 + channel, outputs[y][x]);
      });
      if (row == 0) continue;
      pooledRow<64, 64>({rows[(row - 2) % 4], rows[(row - 1) % 4], rows[row % 4]}, side, twice, into + (row / 2 - 1) * twice * 64);
    }
  }
};

// Answers of `count` crops, [count, HEADS]: equal crops have equal ones, whatever their number.
template <typename Net>
void answer(const Net& net, const float* crops, int count, float* into) {
  alignas(64) static thread_local float flat[TOGETHER * Net::flat];
  for (int at = 0; at < count; at += TOGETHER) {
    const int some = count - at < TOGETHER ? count - at : TOGETHER;
    for (int crop = 0; crop < some; crop++) net.flatten(crops + static_cast<size_t>(at + crop) * Net::values, flat + crop * Net::flat);
    float answers[TOGETHER][HEADS];
    net.heads.answers(flat, answers);
    std::memcpy(into + at * HEADS, answers, sizeof(float) * HEADS * some);
  }
}

}  // namespace

// A photo's rows as 16-bit integers, with the even and the odd columns apart.
#pragma once

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace {

constexpr int LANES = 16;      // cells of a row in one vector
constexpr int RING = 4;        // rows that two rows of the next layer need
constexpr float UNIT = 16383;  // int16 of a channel's bound: a sum of two fits too

// Rows of int32 planes, of which the last RING are kept.
struct Rows {
  int32_t* data;
  int planes;
  int stride;
  int32_t* plane(int row, int plane) const {
    return data + (static_cast<size_t>(row % RING) * planes + plane) * stride;
  }
};

// Planes of a row of pixels: pairs (red, green) and (blue, 0) of even and of odd columns.
enum { EVEN = 0, ODD = 2 };

// Word indices that pick every other pixel's colours out of 32 pixels, 96 words, in three vectors.
struct Picks {
  __m512i low[4], high[4];
  __mmask32 highest[4];
  __mmask32 kept[4];
};

Picks makePicks() {
  Picks picks;
  for (int plane = 0; plane < 4; plane++) {
    alignas(64) uint16_t low[32], high[32];
    uint32_t highest = 0, kept = 0;
    for (int word = 0; word < 32; word++) {
      const int pixel = (word / 2) * 2 + (plane >= ODD ? 1 : 0);
      const int colour = plane % 2 == 0 ? word % 2 : 2;
      const int at = pixel * 3 + colour;
      low[word] = at % 64;
      high[word] = at % 32;
      if (at >= 64) highest |= 1u << word;
      if (plane % 2 == 0 || word % 2 == 0) kept |= 1u << word;
    }
    picks.low[plane] = _mm512_load_si512(low);
    picks.high[plane] = _mm512_load_si512(high);
    picks.highest[plane] = highest;
    picks.kept[plane] = kept;
  }
  return picks;
}

__m512i sixteenBits(const float* from, int count) {
  const auto load = [&](int at) {
    const int left = count - at;
    const __mmask16 mask = left >= 16 ? 0xffff : left <= 0 ? 0 : (1u << left) - 1;
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, from + at), _mm512_set1_ps(UNIT));
    return _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(scaled));
  };
  return _mm512_inserti64x4(_mm512_castsi256_si512(load(0)), load(16), 1);
}

void readRow(const float* pixels, int width, const Picks& picks, const Rows& into, int row) {
  const int values = width * 3;
  for (int at = 0, to = 0; at < values; at += 96, to += LANES) {
    const __m512i a = sixteenBits(pixels + at, values - at);
    const __m512i b = sixteenBits(pixels + at + 32, values - at - 32);
    const __m512i c = sixteenBits(pixels + at + 64, values - at - 64);
    for (int plane = 0; plane < 4; plane++) {
      const __m512i low = _mm512_permutex2var_epi16(a, picks.low[plane], b);
      const __m512i all = _mm512_mask_permutexvar_epi16(low, picks.highest[plane], picks.high[plane], c);
      _mm512_storeu_si512(into.plane(row, plane) + to, _mm512_maskz_mov_epi16(picks.kept[plane], all));
    }
  }
}

}  // namespace

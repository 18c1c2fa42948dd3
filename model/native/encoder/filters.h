// Filters as the tiles read them: a filter [taps * inputs][outputs] in panels of as many outputs as a tile computes.
// In bfloat16 a panel holds pairs of inputs: [taps * inputs / 2][outputs][2].
#pragma once

#include <cstring>

#include "half-tiles.h"
#include "plan.h"

namespace {

inline const char* At(const float* weights, int at, int storage, size_t number) {
  return reinterpret_cast<const char*>(weights + at) + number * BytesOf(storage);
}

// A number of outputs is a multiple of 16.
__attribute__((target("avx2,f16c"))) inline void WidenFloat16(const char* from, size_t count, float* to) {
  for (size_t at = 0; at < count; at += 8) {
    const __m128i read = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2 * at));
    _mm256_storeu_ps(to + at, _mm256_cvtph_ps(read));
  }
}

inline void ReadFloats(const char* from, int storage, size_t count, float* to) {
  if (storage == kFloat32) {
    memcpy(to, from, count * sizeof(float));
  } else if (storage == kFloat16) {
    WidenFloat16(from, count, to);
  } else {
    for (size_t at = 0; at < count; at++) {
      uint16_t upper;
      memcpy(&upper, from + 2 * at, sizeof upper);
      const uint32_t bits = static_cast<uint32_t>(upper) << 16;
      memcpy(to + at, &bits, sizeof bits);
    }
  }
}

// To nearest, ties to even.
inline void ReadHalves(const char* from, int storage, size_t count, char* to) {
  float numbers[64];
  ReadFloats(from, storage, count, numbers);
  for (size_t at = 0; at < count; at++) {
    uint32_t bits;
    memcpy(&bits, numbers + at, sizeof bits);
    const uint16_t upper = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    memcpy(to + 2 * at, &upper, sizeof upper);
  }
}

// A panel of a filter: `rows` [taps * inputs] of `columns`, which begin at output `first`.
struct Panel {
  const Step& step;
  const float* weights;
  long rows;
  int first, columns;

  const char* row(long at) const {
    return At(weights, step.filter, step.filter_storage, at * step.outputs + first);
  }
};

template <int COLUMNS>
inline void CopyRows(const Panel& panel, float* to) {
  for (long at = 0; at < panel.rows; at++, to += COLUMNS) memcpy(to, panel.row(at), COLUMNS * sizeof(float));
}

inline void PackPanel(const Panel& panel, float* to) {
  const int storage = panel.step.filter_storage;
  if (storage == kFloat32 && panel.columns == 16) return CopyRows<16>(panel, to);
  if (storage == kFloat32 && panel.columns == 32) return CopyRows<32>(panel, to);
  for (long at = 0; at < panel.rows; at++, to += panel.columns) {
    ReadFloats(panel.row(at), storage, panel.columns, to);
  }
}

inline void PackHalfPanel(const Panel& panel, uint32_t* to) {
  const int storage = panel.step.filter_storage;
  char even[128], odd[128];
  for (long at = 0; at < panel.rows; at += 2, to += panel.columns) {
    if (storage == kBfloat16) {
      half::Pair(panel.row(at), panel.row(at + 1), to, panel.columns);
    } else {
      ReadHalves(panel.row(at), storage, panel.columns, even);
      ReadHalves(panel.row(at + 1), storage, panel.columns, odd);
      half::Pair(even, odd, to, panel.columns);
    }
  }
}

}  // namespace

// R-Net up to its logits in float32, for processors with AVX-512: one crop after the other, output channels side
// by side in a vector, so that what lies between the layers stays in the nearest caches.
#pragma once

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#include <immintrin.h>

#include <cstring>

namespace {

constexpr int WIDE = 16;  // channels in a vector

// A layer and its PReLU: each output is a sum over TAPS rows of RUN values that lie side by side.
template <int TAPS, int RUN, int OUT>
struct Dense {
  static constexpr int vectors = (OUT + WIDE - 1) / WIDE;
  static constexpr int lanes = vectors * WIDE;
  float weights[TAPS * RUN][lanes], bias[lanes], slope[lanes];

  // filter [TAPS, RUN, OUT], bias [OUT], slope [OUT]. Returns the end.
  const float* prepare(const float* from) {
    std::memset(this, 0, sizeof *this);
    for (int at = 0; at < TAPS * RUN + 2; at++, from += OUT)
      std::memcpy(at < TAPS * RUN ? weights[at] : at == TAPS * RUN ? bias : slope, from, sizeof(float) * OUT);
    return from;
  }

  // COUNT places, `step` values apart, whose taps are `stride` values apart: vectors `first` to `first` + PART.
  template <int COUNT, int PART>
  inline __attribute__((always_inline)) void answers(const float* from, int step, int stride, int first,
                                                     __m512 (&sums)[COUNT][PART]) const {
#pragma GCC unroll 12
    for (int place = 0; place < COUNT; place++)
#pragma GCC unroll 4
      for (int part = 0; part < PART; part++) sums[place][part] = _mm512_loadu_ps(bias + (first + part) * WIDE);
    for (int tap = 0; tap < TAPS; tap++) {
      const float* values = from + tap * stride;
      for (int at = 0; at < RUN; at++) {
        const float* row = weights[tap * RUN + at] + first * WIDE;
        __m512 filter[PART];
#pragma GCC unroll 4
        for (int part = 0; part < PART; part++) filter[part] = _mm512_loadu_ps(row + part * WIDE);
#pragma GCC unroll 12
        for (int place = 0; place < COUNT; place++) {
          const __m512 value = _mm512_set1_ps(values[place * step + at]);
#pragma GCC unroll 4
          for (int part = 0; part < PART; part++) sums[place][part] = _mm512_fmadd_ps(value, filter[part], sums[place][part]);
        }
      }
    }
    const __m512 zero = _mm512_setzero_ps();
#pragma GCC unroll 12
    for (int place = 0; place < COUNT; place++)
#pragma GCC unroll 4
      for (int part = 0; part < PART; part++) {
        const __m512 sum = sums[place][part];
        const __m512 falling = _mm512_loadu_ps(slope + (first + part) * WIDE);
        sums[place][part] = _mm512_fmadd_ps(_mm512_min_ps(sum, zero), falling, _mm512_max_ps(sum, zero));
      }
  }
};

constexpr int CROP = 24;
constexpr int CROP_VALUES = CROP * CROP * 3;
constexpr int TOGETHER = 6;  // crops that share a reading of the large matrix

struct Refinement {
  Dense<3, 3 * 3, 28> first;
  Dense<3, 3 * 28, 48> second;
  Dense<2, 2 * 48, 64> third;
  Dense<1, 576, 128> fourth;
  float face[128];  // face minus no face
  float faceBias;
};

constexpr int REFINEMENT_WEIGHTS = 28 * (27 + 2) + 48 * (252 + 2) + 64 * (192 + 2) + 128 * (576 + 2) + 128 * 2 + 2;

void prepareRefinement(Refinement* net, const float* from) {
  from = net->first.prepare(from);
  from = net->second.prepare(from);
  from = net->third.prepare(from);
  from = net->fourth.prepare(from);
  for (int i = 0; i < 128; i++) net->face[i] = from[i * 2 + 1] - from[i * 2];
  net->faceBias = from[257] - from[256];
}

// Values of 11 x 11 places after the first pooling, of 4 x 4 after the second one.
constexpr int ONCE = 11, TWICE = 4;

// The largest of each 3 x 3 places, two apart, of three rows (the last may lack): CHANNELS values a place.
template <int CHANNELS, int LANES>
void pooledRow(const float* const (&rows)[3], int width, int places, float* into) {
  for (int place = 0; place < places; place++) {
    for (int lane = 0; lane < LANES; lane += WIDE) {
      const __mmask16 kept = CHANNELS - lane >= WIDE ? 0xffff : (1u << (CHANNELS - lane)) - 1;
      __m512 most = _mm512_set1_ps(-3e38f);
      for (const float* row : rows) {
        for (int column = place * 2; column < place * 2 + 3 && column < width; column++)
          most = _mm512_max_ps(most, _mm512_loadu_ps(row + column * LANES + lane));
      }
      _mm512_mask_storeu_ps(into + place * CHANNELS + lane, kept, most);
    }
  }
}

// The first layer and its pooling: [24, 24, 3] to [11, 11, 28].
void firstPooled(const Refinement& net, const float* crop, float* into) {
  constexpr int side = CROP - 2, half = side / 2, lanes = decltype(net.first)::lanes;
  alignas(64) static thread_local float rows[3][side * lanes];
  for (int row = 0; row < side; row++) {
    for (int column = 0; column < side; column += half) {
      __m512 sums[half][2];
      net.first.template answers<half, 2>(crop + (row * CROP + column) * 3, 3, CROP * 3, 0, sums);
      float* to = rows[row % 3] + column * lanes;
#pragma GCC unroll 12
      for (int place = 0; place < half; place++) {
        _mm512_store_ps(to + place * lanes, sums[place][0]);
        _mm512_store_ps(to + place * lanes + WIDE, sums[place][1]);
      }
    }
    const bool isLast = row == side - 1;
    if ((row < 2 || row % 2 == 1) && !isLast) continue;
    const float* const three[3] = {rows[row % 3], rows[(row + 2) % 3], isLast ? rows[row % 3] : rows[(row + 1) % 3]};
    pooledRow<28, lanes>(three, side, ONCE, into + (isLast ? ONCE - 1 : row / 2 - 1) * ONCE * 28);
  }
}

// The second layer and its pooling: [11, 11, 28] to [4, 4, 48].
void secondPooled(const Refinement& net, const float* from, float* into) {
  constexpr int side = ONCE - 2, lanes = decltype(net.second)::lanes;
  alignas(64) static thread_local float rows[3][side * lanes];
  for (int row = 0; row < side; row++) {
    __m512 sums[side][3];
    net.second.template answers<side, 3>(from + row * ONCE * 28, 28, ONCE * 28, 0, sums);
#pragma GCC unroll 9
    for (int place = 0; place < side; place++)
#pragma GCC unroll 3
      for (int part = 0; part < 3; part++) _mm512_store_ps(rows[row % 3] + place * lanes + part * WIDE, sums[place][part]);
    if (row < 2 || row % 2 == 1) continue;
    pooledRow<48, lanes>({rows[0], rows[1], rows[2]}, side, TWICE, into + (row / 2 - 1) * TWICE * 48);
  }
}

// The third layer: [4, 4, 48] to [3, 3, 64].
void third(const Refinement& net, const float* from, float* into) {
  constexpr int side = TWICE - 1;
  for (int row = 0; row < side; row++) {
    __m512 sums[side][4];
    net.third.template answers<side, 4>(from + row * TWICE * 48, 48, TWICE * 48, 0, sums);
#pragma GCC unroll 3
    for (int place = 0; place < side; place++)
#pragma GCC unroll 4
      for (int part = 0; part < 4; part++) _mm512_storeu_ps(into + (row * side + place) * 64 + part * WIDE, sums[place][part]);
  }
}

// Logits, face minus no face, of up to TOGETHER crops' [3, 3, 64].
void logitsOf(const Refinement& net, const float* from, float* into) {
  __m512 totals[TOGETHER];
  for (auto& total : totals) total = _mm512_setzero_ps();
  for (int first = 0; first < 8; first += 4) {
    __m512 sums[TOGETHER][4];
    net.fourth.template answers<TOGETHER, 4>(from, 576, 0, first, sums);
#pragma GCC unroll 6
    for (int crop = 0; crop < TOGETHER; crop++)
#pragma GCC unroll 4
      for (int part = 0; part < 4; part++)
        totals[crop] = _mm512_fmadd_ps(sums[crop][part], _mm512_loadu_ps(net.face + (first + part) * WIDE), totals[crop]);
  }
  for (int crop = 0; crop < TOGETHER; crop++) into[crop] = _mm512_reduce_add_ps(totals[crop]) + net.faceBias;
}

// Logits of `count` crops.
void refine(const Refinement& net, const float* crops, int count, float* logits) {
  alignas(64) static thread_local float once[ONCE * ONCE * 28 + WIDE], twice[TWICE * TWICE * 48], flat[TOGETHER * 576];
  for (int at = 0; at < count; at += TOGETHER) {
    const int some = count - at < TOGETHER ? count - at : TOGETHER;
    for (int crop = 0; crop < some; crop++) {
      firstPooled(net, crops + static_cast<size_t>(at + crop) * CROP_VALUES, once);
      secondPooled(net, once, twice);
      third(net, twice, flat + crop * 576);
    }
    float answers[TOGETHER];
    logitsOf(net, flat, answers);
    std::memcpy(logits + at, answers, sizeof(float) * some);
  }
}

}  // namespace

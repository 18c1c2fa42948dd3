// Layers of R-Net and O-Net in float32, for processors with AVX-512: output channels side by side in a vector, one
// crop after the other, so that what lies between the layers stays in the nearest caches.
#pragma once

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#include <immintrin.h>

#include <cstring>

namespace {

constexpr int WIDE = 16;     // channels in a vector
constexpr int TOGETHER = 6;  // crops that share a reading of the large matrix
constexpr int HEADS = 16;    // lanes of a crop's answer: no face, face, 4 offsets, 5 x and 5 y of landmarks

inline __attribute__((always_inline)) __m512 withSlope(__m512 sum, const float* slope) {
  const __m512 zero = _mm512_setzero_ps();
  return _mm512_fmadd_ps(_mm512_min_ps(sum, zero), _mm512_loadu_ps(slope), _mm512_max_ps(sum, zero));
}

// Adds RUN values of COUNT places, `step` values apart, times PART vectors of each of RUN rows of weights.
template <int RUN, int LANES, int COUNT, int PART>
inline __attribute__((always_inline)) void addProducts(const float* values, int step, const float (*weights)[LANES], int first,
                                                       __m512 (&sums)[COUNT][PART]) {
  for (int at = 0; at < RUN; at++) {
    __m512 filter[PART];
#pragma GCC unroll 4
    for (int part = 0; part < PART; part++) filter[part] = _mm512_loadu_ps(weights[at] + (first + part) * WIDE);
#pragma GCC unroll 12
    for (int place = 0; place < COUNT; place++) {
      const __m512 value = _mm512_set1_ps(values[place * step + at]);
#pragma GCC unroll 4
      for (int part = 0; part < PART; part++) sums[place][part] = _mm512_fmadd_ps(value, filter[part], sums[place][part]);
    }
  }
}

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
    for (int tap = 0; tap < TAPS; tap++) addProducts<RUN, lanes>(from + tap * stride, step, weights + tap * RUN, first, sums);
#pragma GCC unroll 12
    for (int place = 0; place < COUNT; place++)
#pragma GCC unroll 4
      for (int part = 0; part < PART; part++) sums[place][part] = withSlope(sums[place][part], slope + (first + part) * WIDE);
  }

  // COUNT places of a row: PART vectors of each, `lanes` values apart.
  template <int COUNT, int PART>
  void row(const float* from, int step, int stride, int first, float* into) const {
    __m512 sums[COUNT][PART];
    answers<COUNT, PART>(from, step, stride, first, sums);
#pragma GCC unroll 12
    for (int place = 0; place < COUNT; place++)
#pragma GCC unroll 4
      for (int part = 0; part < PART; part++) _mm512_storeu_ps(into + place * lanes + (first + part) * WIDE, sums[place][part]);
  }
};

// The largest of each 3 x 3 places, two apart, of three rows: CHANNELS values a place. The last may lack a column.
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

// The first layer of a network and its pooling: [SIDE, SIDE, 3] to [SIDE / 2 - 1, SIDE / 2 - 1, OUT]; its rows are
// `stride` values apart. COUNT places are computed at a time.
template <int SIDE, int COUNT, int OUT>
void firstPooled(const Dense<3, 3 * 3, OUT>& layer, const float* crop, float* into, int stride) {
  constexpr int side = SIDE - 2, pooled = side / 2, lanes = Dense<3, 3 * 3, OUT>::lanes;
  alignas(64) static thread_local float rows[3][side * lanes];
  for (int row = 0; row < side; row++) {
    for (int at = 0; at < side; at += COUNT) {
      const int column = at + COUNT > side ? side - COUNT : at;
      layer.template row<COUNT, 2>(crop + (row * SIDE + column) * 3, 3, SIDE * 3, 0, rows[row % 3] + column * lanes);
    }
    const bool isLast = row == side - 1;
    if ((row < 2 || row % 2 == 1) && !isLast) continue;
    const float* const three[3] = {rows[row % 3], rows[(row + 2) % 3], isLast ? rows[row % 3] : rows[(row + 1) % 3]};
    pooledRow<OUT, lanes>(three, side, pooled, into + (isLast ? pooled - 1 : row / 2 - 1) * stride);
  }
}

// A network's last layers: a matrix with PReLU, and one from its outputs to the answers.
template <int IN, int MIDDLE>
struct Heads {
  Dense<1, IN, MIDDLE> matrix;
  float weights[MIDDLE][HEADS], bias[HEADS];

  // The matrix, then each head's [MIDDLE, outputs] and bias [outputs]. Returns the end.
  const float* prepare(const float* from, const int* outputs, int count) {
    from = matrix.prepare(from);
    std::memset(weights, 0, sizeof weights);
    std::memset(bias, 0, sizeof bias);
    for (int head = 0, at = 0; head < count; at += outputs[head++]) {
      for (int row = 0; row < MIDDLE; row++, from += outputs[head]) std::memcpy(weights[row] + at, from, sizeof(float) * outputs[head]);
      std::memcpy(bias + at, from, sizeof(float) * outputs[head]);
      from += outputs[head];
    }
    return from;
  }

  // Answers of TOGETHER crops.
  void answers(const float* from, float (*into)[HEADS]) const {
    alignas(64) static thread_local float middle[TOGETHER * MIDDLE];
    for (int first = 0; first < MIDDLE / WIDE; first += 4) matrix.template row<TOGETHER, 4>(from, IN, 0, first, middle);
    __m512 sums[TOGETHER][1];
    for (auto& sum : sums) sum[0] = _mm512_loadu_ps(bias);
    addProducts<MIDDLE, HEADS>(middle, MIDDLE, weights, 0, sums);
    for (int crop = 0; crop < TOGETHER; crop++) _mm512_storeu_ps(into[crop], sums[crop][0]);
  }
};

}  // namespace

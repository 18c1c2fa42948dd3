// P-Net's layers up to its logits in 16-bit integers, for processors with AVX-512 and VNNI: 32 products in an
// instruction. Each channel is scaled to its bound, which follows from the weights, so that nothing overflows.
#pragma once

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#include <immintrin.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "pixel-rows.h"

namespace {

constexpr int PAIRED = 2;       // channels in one 32-bit lane, as int16
constexpr int FIELD = 3;        // side of every filter
constexpr int TAPS = FIELD * FIELD;
constexpr int MIXES = 4;        // sums and differences of rows, for two rows of answers
constexpr double SUM = 130000;  // most that inputs and a filter's integers give; times UNIT it stays below 2^31
constexpr double MOST = 32767;

constexpr int pairsOf(int channels) { return (channels + 1) / PAIRED; }

// Values that a channel can have.
struct Range {
  double low, high;
  double bound() const { return std::fmax(high, -low); }
};

// A 3x3 convolution and its PReLU; inputs and outputs are shares of their bounds. Two rows of answers take four
// products for each column of a filter, not six (Winograd 1980): of sums and differences of the inputs' four rows
// with sums and differences of the filter's three.
template <int IN, int OUT>
struct Layer {
  static constexpr int pairs = pairsOf(IN);
  int32_t weights[MIXES][FIELD][pairs][OUT];
  float scale[OUT], bias[OUT], slope[OUT], share[OUT];

  // filter [3, 3, IN, OUT], bias, slope. Returns the end.
  const float* prepare(const float* from, const Range* inputs, Range* outputs) {
    constexpr int row = FIELD * IN * OUT;
    const float* biases = from + FIELD * row;
    const float* slopes = biases + OUT;
    std::memset(weights, 0, sizeof weights);
    for (int o = 0; o < OUT; o++) {
      double highest = 0, lowest = 0, most = 0;
      double mixes[MIXES][FIELD * IN];
      for (int at = 0; at < FIELD * IN; at++) {
        const float* filter = from + at * OUT + o;
        const Range& input = inputs[at % IN];
        const double bound = input.bound();
        for (int y = 0; y < FIELD; y++) {
          const double one = filter[y * row] * input.low, other = filter[y * row] * input.high;
          highest += std::fmax(one, other);
          lowest += std::fmin(one, other);
        }
        const double upper = filter[0] * bound, middle = filter[row] * bound, lower = filter[2 * row] * bound;
        mixes[0][at] = (upper + middle + lower) / 2;
        mixes[1][at] = (upper - middle + lower) / 2;
        mixes[2][at] = upper;
        mixes[3][at] = lower;
        for (const auto& mix : mixes) most = std::fmax(most, std::fabs(mix[at]));
      }
      const double sum = std::fmax(highest, -lowest);
      const double factor = sum > 0 ? std::fmin(SUM / sum, MOST / most) : 1;
      for (int mix = 0; mix < MIXES; mix++) {
        for (int at = 0; at < FIELD * IN; at++) {
          const auto w = static_cast<uint16_t>(std::lrint(mixes[mix][at] * factor));
          weights[mix][at / IN][at % IN / PAIRED][o] |= static_cast<int32_t>(static_cast<uint32_t>(w) << (16 * (at % IN % PAIRED)));
        }
      }
      scale[o] = static_cast<float>(1 / (UNIT * factor));
      bias[o] = biases[o];
      slope[o] = slopes[o];
      const double ends[] = {highest + bias[o], lowest + bias[o]};
      const double answers[] = {ends[0] * (ends[0] < 0 ? slope[o] : 1), ends[1] * (ends[1] < 0 ? slope[o] : 1)};
      // A PReLU that falls and rises is least at 0. Widened, since rounded integers may exceed it.
      outputs[o].low = std::fmin(0, std::fmin(answers[0], answers[1])) * 1.001 - 1e-6;
      outputs[o].high = std::fmax(answers[0], answers[1]) * 1.001 + 1e-6;
      share[o] = static_cast<float>(UNIT / outputs[o].bound());
    }
    return slopes + OUT;
  }

  __m512 activated(__m512i sum, int o) const {
    const __m512 x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(scale[o]), _mm512_set1_ps(bias[o]));
    const __m512 zero = _mm512_setzero_ps();
    return _mm512_fmadd_ps(_mm512_min_ps(x, zero), _mm512_set1_ps(slope[o]), _mm512_max_ps(x, zero));
  }

  // Outputs o and o + 1 of 16 cells as pairs.
  __m512i paired(__m512 low, __m512 high, int o) const {
    const __m512i l = _mm512_cvtps_epi32(_mm512_mul_ps(low, _mm512_set1_ps(share[o])));
    const __m512i h = _mm512_cvtps_epi32(_mm512_mul_ps(high, _mm512_set1_ps(share[o + 1])));
    return _mm512_mask_blend_epi16(0xaaaaaaaa, l, _mm512_slli_epi32(h, 16));
  }
};

struct Sieve {
  Layer<3, 10> first;
  Layer<10, 16> second;
  Layer<16, 32> third;
  float face[32];  // face minus no face
  float faceBias;
};

constexpr int WEIGHTS = TAPS * (3 * 10 + 10 * 16 + 16 * 32) + 2 * (10 + 16 + 32) + 32 * 2 + 2;

void prepareSieve(Sieve* sieve, const float* from) {
  const Range whole[3] = {{-1, 1}, {-1, 1}, {-1, 1}};
  Range one[10], two[16], three[32];
  from = sieve->first.prepare(from, whole, one);
  from = sieve->second.prepare(from, one, two);
  from = sieve->third.prepare(from, two, three);
  for (int i = 0; i < 32; i++) sieve->face[i] = from[i * 2 + 1] - from[i * 2];
  sieve->faceBias = from[65] - from[64];
}

// Mixes of rows: planes of int32, each a row.
struct Mixed {
  int32_t* data;
  int planes;
  int stride;
  int32_t* plane(int mix, int plane) const { return data + (static_cast<size_t>(mix) * planes + plane) * stride; }
};

// Mixes four rows from `row` on.
void mixRows(const Rows& from, int row, const Mixed& into) {
  for (int plane = 0; plane < from.planes; plane++) {
    const int32_t* const rows[RING] = {from.plane(row, plane), from.plane(row + 1, plane), from.plane(row + 2, plane), from.plane(row + 3, plane)};
    int32_t* const mixes[MIXES] = {into.plane(0, plane), into.plane(1, plane), into.plane(2, plane), into.plane(3, plane)};
    for (int at = 0; at < from.stride; at += LANES) {
      const __m512i first = _mm512_load_si512(rows[0] + at), second = _mm512_load_si512(rows[1] + at);
      const __m512i third = _mm512_load_si512(rows[2] + at), fourth = _mm512_load_si512(rows[3] + at);
      _mm512_store_si512(mixes[0] + at, _mm512_add_epi16(second, third));
      _mm512_store_si512(mixes[1] + at, _mm512_sub_epi16(third, second));
      _mm512_store_si512(mixes[2] + at, _mm512_sub_epi16(first, third));
      _mm512_store_si512(mixes[3] + at, _mm512_sub_epi16(fourth, second));
    }
  }
}

// In assembly: with the intrinsic, gcc 12 copies the sums around and runs out of registers.
inline __attribute__((always_inline)) __m512i withProduct(__m512i sum, __m512i values, __m512i weights) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(values), "v"(weights));
  return sum;
}

// Adds the products of one mix to COUNT outputs from `o` on of 16 cells; of GROUPS such cells, whose values at a
// column of the filter `valuesAt` gives.
template <int COUNT, int GROUPS, int IN, int OUT, typename ValuesAt>
inline __attribute__((always_inline)) void addProducts(const Layer<IN, OUT>& layer, int mix, int o, ValuesAt valuesAt,
                                                       __m512i (&sums)[GROUPS][COUNT]) {
  for (int pair = 0; pair < Layer<IN, OUT>::pairs; pair++) {
#pragma GCC unroll 3
    for (int x = 0; x < FIELD; x++) {
      const int32_t* weights = &layer.weights[mix][x][pair][o];
      __m512i values[GROUPS];
#pragma GCC unroll 2
      for (int group = 0; group < GROUPS; group++) values[group] = _mm512_loadu_si512(valuesAt(pair, x, group));
#pragma GCC unroll 8
      for (int c = 0; c < COUNT; c++) {
        const __m512i weight = _mm512_set1_epi32(weights[c]);
#pragma GCC unroll 2
        for (int group = 0; group < GROUPS; group++) sums[group][c] = withProduct(sums[group][c], values[group], weight);
      }
    }
  }
}

// Both rows of answers before PReLU. Sums may overflow in between; the answers do not.
template <int COUNT, int GROUPS, int IN, int OUT, typename ValuesAt>
inline __attribute__((always_inline)) void bothRows(const Layer<IN, OUT>& layer, int o, ValuesAt valuesAt,
                                                    __m512i (&rows)[2][GROUPS][COUNT]) {
  const auto of = [&](int mix) {
    return [=](int pair, int x, int group) { return valuesAt(mix, pair, x, group); };
  };
  __m512i sums[GROUPS][COUNT];
  const auto forAll = [&](auto each) {
#pragma GCC unroll 2
    for (int group = 0; group < GROUPS; group++)
#pragma GCC unroll 8
      for (int c = 0; c < COUNT; c++) each(sums[group][c], rows[0][group][c], rows[1][group][c]);
  };
  forAll([](__m512i& sum, __m512i&, __m512i&) { sum = _mm512_setzero_si512(); });
  addProducts(layer, 0, o, of(0), sums);
  forAll([](__m512i& sum, __m512i&, __m512i& lower) { lower = sum; });
  addProducts(layer, 1, o, of(1), sums);
  forAll([](__m512i& sum, __m512i&, __m512i& lower) { lower = _mm512_sub_epi32(_mm512_slli_epi32(lower, 1), sum); });
  addProducts(layer, 2, o, of(2), sums);
  forAll([](__m512i& sum, __m512i& upper, __m512i& lower) { upper = sum, sum = lower; });
  addProducts(layer, 3, o, of(3), sums);
  forAll([](__m512i& sum, __m512i&, __m512i& lower) { lower = sum; });
}

// COUNT outputs of the first layer from `o` on, for 16 cells: the largest of 2 x 2 places after PReLU.
template <int COUNT>
inline __attribute__((always_inline)) void firstOutputs(const Layer<3, 10>& layer, const Mixed& pixels, int at, bool hasLower,
                                                        __mmask16 hasRight, int o, __m512* outputs) {
  __m512i rows[2][2][COUNT];
  bothRows(layer, o, [&](int mix, int pair, int x, int place) {
    const int column = place + x;
    return pixels.plane(mix, (column % 2 == 0 ? EVEN : ODD) + pair) + at + column / 2;
  }, rows);
  for (int c = 0; c < COUNT; c++) {
    __m512i most[2], least[2];
    for (int place = 0; place < 2; place++) {
      const __m512i upper = rows[0][place][c], lower = hasLower ? rows[1][place][c] : upper;
      most[place] = _mm512_max_epi32(upper, lower);
      least[place] = _mm512_min_epi32(upper, lower);
    }
    most[0] = _mm512_mask_max_epi32(most[0], hasRight, most[0], most[1]);
    least[0] = _mm512_mask_min_epi32(least[0], hasRight, least[0], least[1]);
    // PReLU is convex or rises: it is largest at an end.
    outputs[c] = _mm512_max_ps(layer.activated(most[0], o + c), layer.activated(least[0], o + c));
  }
}

constexpr int PART = 8;  // outputs

// PART outputs of a 3x3 layer from `o` on, for 16 times VECTORS cells in each of two rows, before PReLU.
template <int VECTORS, int IN, int OUT>
inline __attribute__((always_inline)) void sumsOf(const Layer<IN, OUT>& layer, const Mixed& from, int at, int o,
                                                  __m512i (&rows)[2][VECTORS][PART]) {
  bothRows(layer, o, [&](int mix, int pair, int x, int vector) { return from.plane(mix, pair) + at + vector * LANES + x; }, rows);
}

}  // namespace

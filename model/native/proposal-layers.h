// P-Net's layers up to its logits in 16-bit integers, for processors with AVX-512 and VNNI: 32 products in an
// instruction. Each channel is scaled to its bound, which follows from the weights, so that nothing overflows.
#pragma once

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#include <immintrin.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int LANES = 16;       // cells of a row in one vector
constexpr int PAIRED = 2;       // channels in one 32-bit lane, as int16
constexpr int FIELD = 3;        // side of every filter
constexpr int TAPS = FIELD * FIELD;
constexpr int RING = 4;         // rows that two rows of the next layer need
constexpr float UNIT = 32767;   // int16 of a channel's bound
constexpr double SUM = 65000;   // sum of a filter's integers; times UNIT it stays below 2^31

constexpr int pairsOf(int channels) { return (channels + 1) / PAIRED; }

// A 3x3 convolution and its PReLU; inputs and outputs are shares of their bounds.
template <int IN, int OUT>
struct Layer {
  static constexpr int pairs = pairsOf(IN);
  int32_t weights[TAPS][pairs][OUT];
  float scale[OUT], bias[OUT], slope[OUT], share[OUT];

  // filter [3, 3, IN, OUT]; `bounds` of the inputs. Returns the outputs' bounds.
  const float* prepare(const float* from, const float* bounds, float* outBounds) {
    const float* filter = from;
    const float* biases = filter + TAPS * IN * OUT;
    const float* slopes = biases + OUT;
    std::memset(weights, 0, sizeof weights);
    for (int o = 0; o < OUT; o++) {
      double sum = 0, most = 0;
      for (int at = 0; at < TAPS * IN; at++) {
        const double w = std::fabs(filter[at * OUT + o] * bounds[at % IN]);
        sum += w;
        most = w > most ? w : most;
      }
      const double factor = sum > 0 ? std::fmin(SUM / sum, UNIT / most) : 1;
      for (int at = 0; at < TAPS * IN; at++) {
        const int i = at % IN;
        const auto w = static_cast<int16_t>(std::lrint(filter[at * OUT + o] * bounds[i] * factor));
        weights[at / IN][i / PAIRED][o] |= static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(w)) << (16 * (i % PAIRED)));
      }
      scale[o] = static_cast<float>(1 / (UNIT * factor));
      bias[o] = biases[o];
      slope[o] = slopes[o];
      const double bound = (sum + std::fabs(biases[o])) * std::fmax(1, std::fabs(slopes[o])) * 1.001 + 1e-6;
      outBounds[o] = static_cast<float>(bound);
      share[o] = static_cast<float>(UNIT / bound);
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
  const float whole[3] = {1, 1, 1};
  float one[10], two[16], three[32];
  from = sieve->first.prepare(from, whole, one);
  from = sieve->second.prepare(from, one, two);
  from = sieve->third.prepare(from, two, three);
  for (int i = 0; i < 32; i++) sieve->face[i] = from[i * 2 + 1] - from[i * 2];
  sieve->faceBias = from[65] - from[64];
}

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

// COUNT outputs of the first layer from `o` on, for 16 cells: the largest of 2 x 2 places after PReLU.
template <int COUNT>
void firstOutputs(const Layer<3, 10>& layer, const Rows& pixels, int row, int at, bool hasLower, __mmask16 hasRight,
                  int o, const Rows& into) {
  __m512i sums[COUNT][4];
#pragma GCC unroll 4
  for (int c = 0; c < COUNT; c++)
    for (int place = 0; place < 4; place++) sums[c][place] = _mm512_setzero_si512();
#pragma GCC unroll 3
  for (int y = 0; y < FIELD; y++) {
#pragma GCC unroll 3
    for (int x = 0; x < FIELD; x++) {
#pragma GCC unroll 2
      for (int pair = 0; pair < 2; pair++) {
        __m512i values[4];
#pragma GCC unroll 4
        for (int place = 0; place < 4; place++) {
          const int column = place % 2 + x;
          const int plane = (column % 2 == 0 ? EVEN : ODD) + pair;
          values[place] = _mm512_loadu_si512(pixels.plane(row * 2 + place / 2 + y, plane) + at + column / 2);
        }
#pragma GCC unroll 4
        for (int c = 0; c < COUNT; c++) {
          const __m512i weight = _mm512_set1_epi32(layer.weights[y * FIELD + x][pair][o + c]);
#pragma GCC unroll 4
          for (int place = 0; place < 4; place++) sums[c][place] = _mm512_dpwssd_epi32(sums[c][place], values[place], weight);
        }
      }
    }
  }
  __m512 outputs[COUNT];
#pragma GCC unroll 4
  for (int c = 0; c < COUNT; c++) {
    auto& [leftUpper, rightUpper, leftLower, rightLower] = sums[c];
    rightUpper = _mm512_mask_mov_epi32(leftUpper, hasRight, rightUpper);
    rightLower = _mm512_mask_mov_epi32(leftLower, hasRight, rightLower);
    __m512i most = _mm512_max_epi32(leftUpper, rightUpper);
    __m512i least = _mm512_min_epi32(leftUpper, rightUpper);
    if (hasLower) {
      most = _mm512_max_epi32(most, _mm512_max_epi32(leftLower, rightLower));
      least = _mm512_min_epi32(least, _mm512_min_epi32(leftLower, rightLower));
    }
    // PReLU is convex or rises: it is largest at an end.
    outputs[c] = _mm512_max_ps(layer.activated(most, o + c), layer.activated(least, o + c));
  }
#pragma GCC unroll 2
  for (int c = 0; c < COUNT; c += 2)
    _mm512_storeu_si512(into.plane(row, (o + c) / 2) + at, layer.paired(outputs[c], outputs[c + 1], o + c));
}

// Sums of 8 outputs of a 3x3 layer from `o` on, for 16 cells in each of two rows.
template <int IN, int OUT>
inline __attribute__((always_inline)) void sumsOf(const Layer<IN, OUT>& layer, const Rows& from, int row, int at, int o,
                                                  __m512i (&sums)[2][8]) {
#pragma GCC unroll 8
  for (int c = 0; c < 8; c++) sums[0][c] = sums[1][c] = _mm512_setzero_si512();
#pragma GCC unroll 3
  for (int y = 0; y < FIELD; y++) {
    for (int pair = 0; pair < Layer<IN, OUT>::pairs; pair++) {
      const int32_t* upper = from.plane(row + y, pair) + at;
      const int32_t* lower = from.plane(row + y + 1, pair) + at;
#pragma GCC unroll 3
      for (int x = 0; x < FIELD; x++) {
        const int32_t* weights = &layer.weights[y * FIELD + x][pair][o];
        const __m512i one = _mm512_loadu_si512(upper + x);
        const __m512i two = _mm512_loadu_si512(lower + x);
#pragma GCC unroll 8
        for (int c = 0; c < 8; c++) {
          const __m512i weight = _mm512_set1_epi32(weights[c]);
          sums[0][c] = _mm512_dpwssd_epi32(sums[0][c], one, weight);
          sums[1][c] = _mm512_dpwssd_epi32(sums[1][c], two, weight);
        }
      }
    }
  }
}

}  // namespace

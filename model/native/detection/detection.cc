// A Node-API addon for detection: it finds where P-Net may propose a face, in a third of the time that P-Net takes, and
// answers what R-Net and O-Net answer, in less than half of theirs.
#include <node_api.h>

#include <cstdint>

// clang knows no instructions for a part of a file.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAS_SIEVE 1
#endif

#ifdef HAS_SIEVE
#include "confirmation-layers.h"
#include "proposal-layers.h"
#include "refinement-layers.h"

namespace {

constexpr int TILE = 2;  // cells

// Two rows of the second layer, 16 times VECTORS cells.
template <int VECTORS>
void secondRows(const Sieve& sieve, const Mixed& from, int row, int at, const Rows& into) {
  for (int o = 0; o < 16; o += PART) {
    __m512i sums[2][VECTORS][PART];
    sumsOf<VECTORS>(sieve.second, from, at, o, sums);
    for (int line = 0; line < 2; line++) {
      for (int vector = 0; vector < VECTORS; vector++) {
        const auto& part = sums[line][vector];
        for (int c = 0; c < PART; c += 2) {
          const __m512 low = sieve.second.activated(part[c], o + c);
          const __m512 up = sieve.second.activated(part[c + 1], o + c + 1);
          _mm512_storeu_si512(into.plane(row + line, (o + c) / 2) + at + vector * LANES, sieve.second.paired(low, up, o + c));
        }
      }
    }
  }
}

// Logits of two rows, 16 times VECTORS cells.
template <int VECTORS>
void logitRows(const Sieve& sieve, const Mixed& from, int at, __m512 (&logits)[2][2]) {
  for (auto& line : logits) line[0] = line[1] = _mm512_set1_ps(sieve.faceBias);
  for (int o = 0; o < 32; o += PART) {
    __m512i sums[2][VECTORS][PART];
    sumsOf<VECTORS>(sieve.third, from, at, o, sums);
    for (int c = 0; c < PART; c++) {
      for (int line = 0; line < 2; line++)
        for (int vector = 0; vector < VECTORS; vector++)
          logits[line][vector] = _mm512_fmadd_ps(sieve.third.activated(sums[line][vector][c], o + c), _mm512_set1_ps(sieve.face[o + c]), logits[line][vector]);
    }
  }
}

// Marks each tile of TILE x TILE cells that has one with a logit above the threshold.
void search(const Sieve& sieve, const float* pixels, int width, int height, float threshold, uint8_t* tiles) {
  static const Picks picks = makePicks();
  const int wide = (width - 1) / 2, high = (height - 1) / 2;  // after the pooling
  const int columns = wide - 4, rows = high - 4;
  const int tileColumns = (columns + TILE - 1) / TILE;
  const int stride = (wide + 2 * LANES) / LANES * LANES + LANES;
  constexpr int planes = 4 + pairsOf(10) + pairsOf(16), mixedPlanes = pairsOf(16);
  const size_t values = static_cast<size_t>(RING * planes + MIXES * mixedPlanes) * stride;
  auto memory = static_cast<int32_t*>(std::aligned_alloc(64, sizeof(int32_t) * values));
  if (memory == nullptr) return;
  std::memset(memory, 0, sizeof(int32_t) * values);
  const Rows source{memory, 4, stride};
  const Rows ones{source.data + RING * 4 * stride, pairsOf(10), stride};
  const Rows twos{ones.data + RING * pairsOf(10) * stride, pairsOf(16), stride};
  int32_t* const mixes = twos.data + RING * pairsOf(16) * stride;
  const Mixed mixedSource{mixes, source.planes, stride}, mixedOnes{mixes, ones.planes, stride}, mixedTwos{mixes, twos.planes, stride};
  int read = 0, firsts = 0, seconds = 0;
  for (int row = 0; row < rows; row += 2) {
    for (; seconds < row + RING; seconds += 2) {
      for (; firsts < seconds + RING && firsts < high; firsts++) {
        for (; read < 2 * firsts + RING && read < height; read++) readRow(pixels + static_cast<size_t>(read) * width * 3, width, picks, source, read);
        mixRows(source, 2 * firsts, mixedSource);
        const bool hasLower = 2 * firsts + 1 < height - 2;
        for (int at = 0; at < wide; at += LANES) {
          const int right = (width - 2) / 2 - at;  // cells whose second column is inside
          const __mmask16 hasRight = right >= LANES ? 0xffff : right <= 0 ? 0 : (1u << right) - 1;
          __m512 outputs[10];
          for (int o = 0; o < 10; o += 5) firstOutputs<5>(sieve.first, mixedSource, at, hasLower, hasRight, o, outputs + o);
          for (int o = 0; o < 10; o += 2)
            _mm512_store_si512(ones.plane(firsts, o / 2) + at, sieve.first.paired(outputs[o], outputs[o + 1], o));
        }
      }
      mixRows(ones, seconds, mixedOnes);
      for (int at = 0; at < wide - 2; at += 2 * LANES) {
        if (wide - 2 - at > LANES) secondRows<2>(sieve, mixedOnes, seconds, at, twos);
        else secondRows<1>(sieve, mixedOnes, seconds, at, twos);
      }
    }
    mixRows(twos, row, mixedTwos);
    for (int at = 0; at < columns; at += 2 * LANES) {
      __m512 logits[2][2];
      if (columns - at > LANES) logitRows<2>(sieve, mixedTwos, at, logits);
      else logitRows<1>(sieve, mixedTwos, at, logits);
      for (int line = 0; line < 2 && row + line < rows; line++) {
        for (int vector = 0; vector < 2; vector++) {
          const int from = at + vector * LANES, left = columns - from;
          const __mmask16 inside = left >= LANES ? 0xffff : left <= 0 ? 0 : (1u << left) - 1;
          const unsigned found = _mm512_mask_cmp_ps_mask(inside, logits[line][vector], _mm512_set1_ps(threshold), _CMP_NLT_UQ);
          for (int tile = 0; tile < LANES / TILE; tile++)
            if (found >> (TILE * tile) & ((1 << TILE) - 1)) tiles[(row + line) / TILE * tileColumns + from / TILE + tile] = 1;
        }
      }
    }
  }
  std::free(memory);
}

}  // namespace
#endif

namespace {

// The data of a typed array of at least `count` values; nullptr otherwise.
void* valuesOf(napi_env env, napi_value value, napi_typedarray_type type, size_t count) {
  napi_typedarray_type actual;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &actual, &length, &data, nullptr, nullptr) != napi_ok) return nullptr;
  return actual == type && length >= count ? data : nullptr;
}

napi_value Failed(napi_env env) {
  napi_throw_type_error(env, nullptr, "Own kernels of detection got an argument of another form.");
  return nullptr;
}

#ifdef HAS_SIEVE
// (weights of P-Net): what `search` needs.
napi_value Prepare(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok) return Failed(env);
  const void* weights = valuesOf(env, argument, napi_float32_array, WEIGHTS);
  void* sieve = nullptr;
  if (weights == nullptr || napi_create_buffer(env, sizeof(Sieve), &sieve, &result) != napi_ok) return Failed(env);
  prepareSieve(static_cast<Sieve*>(sieve), static_cast<const float*>(weights));
  return result;
}

// (prepared, pixels [height, width, 3], width, height, threshold, tiles)
napi_value Search(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  size_t count = 6;
  int32_t width = 0, height = 0;
  double threshold = 0;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 6 ||
      napi_get_value_int32(env, arguments[2], &width) != napi_ok ||
      napi_get_value_int32(env, arguments[3], &height) != napi_ok ||
      napi_get_value_double(env, arguments[4], &threshold) != napi_ok || width < 11 || height < 11) return Failed(env);
  const size_t columns = (width - 1) / 2 - 4, rows = (height - 1) / 2 - 4;
  const void* sieve = valuesOf(env, arguments[0], napi_uint8_array, sizeof(Sieve));
  const void* pixels = valuesOf(env, arguments[1], napi_float32_array, static_cast<size_t>(width) * height * 3);
  void* tiles = valuesOf(env, arguments[5], napi_uint8_array, (columns + TILE - 1) / TILE * ((rows + TILE - 1) / TILE));
  if (sieve == nullptr || pixels == nullptr || tiles == nullptr) return Failed(env);
  search(*static_cast<const Sieve*>(sieve), static_cast<const float*>(pixels), width, height,
         static_cast<float>(threshold), static_cast<uint8_t*>(tiles));
  return nullptr;
}

// (weights of a network): what `answer` needs.
template <typename Net>
napi_value PrepareNet(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok) return Failed(env);
  const void* weights = valuesOf(env, argument, napi_float32_array, Net::weights);
  void* net = nullptr;
  if (weights == nullptr || napi_create_buffer(env, sizeof(Net), &net, &result) != napi_ok) return Failed(env);
  static_cast<Net*>(net)->prepare(static_cast<const float*>(weights));
  return result;
}

// (prepared, crops [count, side, side, 3], count, answers [count, HEADS])
template <typename Net>
napi_value Answer(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t given = 4;
  uint32_t count = 0;
  if (napi_get_cb_info(env, info, &given, arguments, nullptr, nullptr) != napi_ok || given != 4 ||
      napi_get_value_uint32(env, arguments[2], &count) != napi_ok) return Failed(env);
  const void* net = valuesOf(env, arguments[0], napi_uint8_array, sizeof(Net));
  const void* crops = valuesOf(env, arguments[1], napi_float32_array, static_cast<size_t>(count) * Net::values);
  void* answers = valuesOf(env, arguments[3], napi_float32_array, static_cast<size_t>(count) * HEADS);
  if (net == nullptr || crops == nullptr || answers == nullptr) return Failed(env);
  answer(*static_cast<const Net*>(net), static_cast<const float*>(crops), static_cast<int>(count), static_cast<float*>(answers));
  return nullptr;
}
#endif

napi_value Init(napi_env env, napi_value exports) {
#ifdef HAS_SIEVE
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    const struct { const char* name; napi_callback call; } functions[] = {
        {"prepare", Prepare}, {"search", Search}, {"prepareRefinement", PrepareNet<Refinement>},
        {"refine", Answer<Refinement>}, {"prepareConfirmation", PrepareNet<Confirmation>}, {"confirm", Answer<Confirmation>}};
    for (const auto& [name, call] : functions) {
      napi_value function;
      napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
      napi_set_named_property(env, exports, name, function);
    }
  }
#endif
  return exports;
}

}  // namespace

NAPI_MODULE(proposal_sieve, Init)

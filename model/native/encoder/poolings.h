// Steps that are not convolutions: the largest values of windows, a map in the other type, a map's mean, and a vector
// of length 1.
#pragma once

#include <algorithm>
#include <cmath>

#include "half-tiles.h"
#include "plan.h"

namespace {

// The largest values of a window, of as many channels as vectors of 16 hold, which stay in registers.
__attribute__((target("avx2"))) inline void TakeLargest(const Step& step, const float* corner, long line, int channels,
                                                        float* output) {
  for (int c = 0; c < channels; c += 16) {
    __m256 low = _mm256_loadu_ps(corner + c), high = _mm256_loadu_ps(corner + c + 8);
    for (int y = 0; y < step.height; y++) {
      for (int x = 0; x < step.width; x++) {
        const float* input = corner + y * line + x * channels + c;
        low = _mm256_max_ps(low, _mm256_loadu_ps(input));
        high = _mm256_max_ps(high, _mm256_loadu_ps(input + 8));
      }
    }
    _mm256_storeu_ps(output + c, low);
    _mm256_storeu_ps(output + c + 8, high);
  }
}

inline void TakeLargest(const Step& step, const uint16_t* corner, long line, int channels, uint16_t* output) {
  half::TakeLargest(corner, line, step.height, step.width, channels, output);
}

template <class Number>
void Maximum(const Step& step, const Map& from, const Map& to, int image) {
  for (int y = 0; y < to.height; y++) {
    for (int x = 0; x < to.width; x++) {
      const Number* corner = from.at<Number>(image, y * step.stride - step.top, x * step.stride - step.left);
      TakeLargest(step, corner, from.line(), from.channels, to.at<Number>(image, y, x) + step.channel);
    }
  }
}

inline void Cast(const Map& from, const Map& to, int image) {
  const long count = static_cast<long>(from.width) * from.channels;
  for (int y = 0; y < from.height; y++) {
    if (to.half) half::Narrow(from.at(image, y, 0), to.at<uint16_t>(image, y, 0), count);
    else half::Widen(from.at<uint16_t>(image, y, 0), to.at(image, y, 0), count);
  }
}

inline void Mean(const Map& from, const Map& to, int image) {
  float* output = to.at(image, 0, 0);
  std::fill(output, output + from.channels, 0.0f);
  for (int y = 0; y < from.height; y++) {
    for (int x = 0; x < from.width; x++) {
      const float* input = from.at(image, y, x);
      for (int c = 0; c < from.channels; c++) output[c] += input[c];
    }
  }
  for (int c = 0; c < from.channels; c++) output[c] /= from.height * from.width;
}

inline void Normalise(const Map& from, const Map& to, int image) {
  const float* input = from.at(image, 0, 0);
  float* output = to.at(image, 0, 0);
  const int channels = from.channels;
  float squares = 0;
  for (int c = 0; c < channels; c++) squares += input[c] * input[c];
  const float length = std::max(std::sqrt(squares), 1e-12f);
  for (int c = 0; c < channels; c++) output[c] = input[c] / length;
}

}  // namespace

// Steps that are not convolutions: the largest values of windows, a map in the other type, a map's mean, and a vector
// of length 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "half-tiles.h"
#include "plan.h"

namespace {

inline void TakeLarger(const float* from, float* to, int count) {
  for (int c = 0; c < count; c++) to[c] = std::max(to[c], from[c]);
}
inline void TakeLarger(const uint16_t* from, uint16_t* to, int count) { half::TakeLarger(from, to, count); }

template <class Number>
void Maximum(const Step& step, const Map& from, const Map& to, int image) {
  const int channels = from.channels;
  for (int y = 0; y < to.height; y++) {
    for (int x = 0; x < to.width; x++) {
      Number* output = to.at<Number>(image, y, x) + step.channel;
      const Number* corner = from.at<Number>(image, y * step.stride - step.top, x * step.stride - step.left);
      memcpy(output, corner, channels * sizeof(Number));
      for (int tap = 1; tap < step.height * step.width; tap++) {
        TakeLarger(corner + tap / step.width * from.line() + tap % step.width * channels, output, channels);
      }
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

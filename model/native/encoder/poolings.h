// Steps that are not convolutions: the largest values of windows, a map's mean, and a vector of length 1.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "plan.h"

namespace {

inline void Maximum(const Step& step, const Map& from, const Map& to, int image) {
  const int channels = from.channels;
  for (int y = 0; y < to.height; y++) {
    for (int x = 0; x < to.width; x++) {
      float* output = to.at(image, y, x) + step.channel;
      const float* corner = from.at(image, y * step.stride - step.top, x * step.stride - step.left);
      memcpy(output, corner, channels * sizeof(float));
      for (int tap = 1; tap < step.height * step.width; tap++) {
        const float* input = corner + tap / step.width * from.line() + tap % step.width * channels;
        for (int c = 0; c < channels; c++) output[c] = std::max(output[c], input[c]);
      }
    }
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

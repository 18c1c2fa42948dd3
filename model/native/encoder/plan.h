// What a plan holds: feature maps, and steps from one to another.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace {

// Memory that begins with a page and is zero. Large pages save looking up addresses.
class Memory {
 public:
  explicit Memory(size_t floats) : bytes_(std::max<size_t>(floats, 1) * sizeof(float)) {
    void* place = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw std::runtime_error("there is no memory for the encoder");
    madvise(place, bytes_, MADV_HUGEPAGE);
    data = static_cast<float*>(place);
  }
  ~Memory() { munmap(data, bytes_); }
  Memory(const Memory&) = delete;
  float* data;

 private:
  size_t bytes_;
};

// A feature map, channels last, with a border of zeros that nothing writes to.
struct Map {
  int height, width, channels, border_y, border_x;
  int half;     // its numbers are bfloat16
  bool single;  // of one image at a time
  void* data;

  long line() const { return static_cast<long>(width + 2 * border_x) * channels; }
  long size() const { return line() * (height + 2 * border_y); }
  template <class Number = float>
  Number* at(int image, int y, int x) const {
    return static_cast<Number*>(data) + (single ? 0 : image * size()) + (y + border_y) * line() +
           static_cast<long>(x + border_x) * channels;
  }
};

enum Kind { kConvolution, kMaximum, kMean, kNormalise, kCast, kKinds };

// How weights are stored. Where they begin in their file is told in units of four bytes.
enum Storage { kFloat32, kBfloat16, kFloat16, kStorages };

struct Method;

struct Step {
  int kind, from, to, channel, height, width, stride, top, left, outputs, add, relu;
  int filter, filter_storage, bias, bias_storage;
  std::vector<float*> panels;  // memory of the filter's panels, then the bias
  int panel;
  bool kept = true;  // its filter is packed once, not whenever it is used
  const Method* method = nullptr;  // one of Winograd's, where that pays
};

// Whether pixels that follow each other in both maps, over lines and images, are one long line.
inline bool IsFlat(const Step& step, const Map& from, const Map& to) {
  return step.height * step.width * step.stride == 1 && from.width == to.width && from.height == to.height &&
         from.single == to.single && from.border_x + from.border_y + to.border_x + to.border_y == 0;
}

void Require(bool right) {
  if (!right) throw std::runtime_error("the plan of the encoder is damaged");
}

inline size_t BytesOf(int storage) { return storage == kFloat32 ? 4 : 2; }

// Taps and inputs of a filter.
inline size_t RowsOf(const Step& step, const Map& from) {
  return static_cast<size_t>(step.height) * step.width * from.channels;
}

// Whatever a step reads and writes lies within its maps.
inline void Check(const Step& step, const std::vector<Map>& maps, size_t numbers) {
  Require(step.kind < kKinds && step.from < static_cast<int>(maps.size()) && step.to > 0 &&
          step.to < static_cast<int>(maps.size()));
  const Map &from = maps[step.from], &to = maps[step.to];
  Require(step.from != step.to && (step.kind == kCast) == (from.half != to.half));
  if (step.kind == kCast) {
    Require(from.height == to.height && from.width == to.width && from.channels == to.channels);
    return Require(from.channels % 16 == 0);
  }
  if (step.kind == kMean || step.kind == kNormalise) {
    Require(to.size() == from.channels && !from.half);
    if (step.kind == kNormalise) Require(from.size() == from.channels);
    return;
  }
  const bool maximum = step.kind == kMaximum;
  Require(step.stride > 0 && step.height > 0 && step.width > 0);
  Require(step.top <= from.border_y && step.left <= from.border_x);
  Require((to.height - 1) * step.stride - step.top + step.height <= from.height + from.border_y);
  Require((to.width - 1) * step.stride - step.left + step.width <= from.width + from.border_x);
  Require(step.channel + (maximum ? from.channels : step.outputs) <= to.channels);
  if (maximum) return Require(from.channels % 16 == 0);
  Require(step.outputs > 0 && step.outputs % 16 == 0 && step.channel % 16 == 0);
  Require(step.filter_storage < kStorages && step.bias_storage < kStorages);
  Require(step.filter + (RowsOf(step, from) * step.outputs * BytesOf(step.filter_storage) + 3) / 4 <= numbers);
  Require(step.bias + (step.outputs * BytesOf(step.bias_storage) + 3) / 4 <= numbers);
}

}  // namespace

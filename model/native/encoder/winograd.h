// Winograd's convolutions: a block of tiles is transformed to its values at the points of two schemes; the values
// of each point are a matrix that is multiplied with the filter's at this point, and the products of all points
// are transformed to outputs. The block's values and products stay in the processor's second cache.
#include <memory>
#include <string>
#include <vector>

#include "filters.h"
#include "plan.h"
#include "tiles.h"

namespace {

// A scheme for each axis.
struct Method {
  int taps_y, taps_x, stride, outputs_y, outputs_x, inputs_y, inputs_x, points_x, points;
  int filters_y, filters_x, filters;
  void (*transform_filter)(const Lanes*, Lanes*);
  void (*transform_input[2])(const InputTile&);  // for AVX2, and for AVX-512
  void (*transform_output[2])(const OutputTile&);
};

template <class Y, class X>
constexpr Method MethodOf() {
  return {Y::kTaps,
          X::kTaps,
          std::max(Y::kStride, X::kStride),
          Y::kOutputs,
          X::kOutputs,
          Y::kInputs,
          X::kInputs,
          X::kPoints,
          Y::kPoints * X::kPoints,
          Y::kFilters,
          X::kFilters,
          Y::kFilters * X::kFilters,
          TransformFilterOf<Y, X>,
          {avx2::TransformInput<Y, X>, avx512::TransformInput<Y, X>},
          {avx2::TransformOutput<Y, X>, avx512::TransformOutput<Y, X>}};
}

const Method kMethods[] = {
    MethodOf<Scheme<4, 3>, Scheme<4, 3>>(), MethodOf<Scheme<2, 3>, Scheme<2, 3>>(),
    MethodOf<Scheme<1, 1>, Scheme<4, 7>>(), MethodOf<Scheme<4, 7>, Scheme<1, 1>>(),
    MethodOf<Strided<3>, Strided<3>>(),
};
constexpr int kMostTaps = 9, kMostFilters = 36;

// What a transformed value costs, in multiplications, and a weight, which comes from memory and takes memory.
constexpr double kTransform = 6, kWeight = 24;
// Numbers of a block: 0.6 MB.
constexpr long kBlock = 160000;

class Winograd {
 public:
  Winograd(const Tiles& tiles, bool wide) : tiles_(tiles), wide_(wide) {}

  // The method that costs less than the convolution itself, if there is one.
  static const Method* Choose(const Step& step, const Map& from, const Map& to) {
    if (step.kind != kConvolution || from.channels % 16 != 0) return nullptr;
    const double filter = static_cast<double>(from.channels) * step.outputs;
    const auto cost = [&](double positions, double points, double filters, double transforms) {
      return positions * (points * filter + transforms) + kWeight * filters * filter;
    };
    const Method* best = nullptr;
    const int taps = step.height * step.width;
    double least = cost(to.height * to.width, taps, taps, 0);
    for (const Method& method : kMethods) {
      if (method.taps_y != step.height || method.taps_x != step.width || method.stride != step.stride) continue;
      const double values = static_cast<double>(method.points) * (from.channels + step.outputs);
      const double own = cost(TilesOf(method, to), method.points, method.filters, kTransform * values);
      if (own < least) {
        least = own;
        best = &method;
      }
    }
    return best;
  }

  static int TilesOf(const Method& method, const Map& to) {
    return Parts(to.height, method.outputs_y) * Parts(to.width, method.outputs_x);
  }

  // The tile of each convolution, as 4x4; 1x1 where it is computed as it is.
  static std::string NamesOf(const std::vector<Step>& steps) {
    std::string names;
    for (const Step& step : steps) {
      if (step.kind != kConvolution) continue;
      const Method* method = step.method;
      names += std::to_string(method == nullptr ? 1 : method->outputs_y) + "x";
      names += std::to_string(method == nullptr ? 1 : method->outputs_x) + " ";
    }
    return names;
  }

  // A filter [taps][inputs][outputs] as [filters], each in panels of step.panel outputs.
  static void Pack(const Step& step, int inputs, const float* weights, float* place) {
    const Method& method = *step.method;
    const long size = static_cast<long>(inputs) * step.outputs;
    float read[kLanes];
    Lanes taps[kMostTaps], filters[kMostFilters];
    for (int input = 0; input < inputs; input++) {
      for (int output = 0; output < step.outputs; output += kLanes) {
        const long source = static_cast<long>(input) * step.outputs + output;
        for (int tap = 0; tap < step.height * step.width; tap++) {
          const char* from = At(weights, step.filter, step.filter_storage, tap * size + source);
          ReadFloats(from, step.filter_storage, kLanes, read);
          for (int lane = 0; lane < kLanes; lane++) taps[tap][lane] = read[lane];
        }
        method.transform_filter(taps, filters);
        const int first = output - output % step.panel;
        const int columns = std::min(step.panel, step.outputs - first);
        float* target = place + static_cast<long>(first) * inputs + input * columns + output - first;
        for (int at = 0; at < method.filters; at++) {
          for (int lane = 0; lane < kLanes; lane++) target[at * size + lane] = filters[at][lane];
        }
      }
    }
  }

  // Memory for what lies between the transforms of any of these steps.
  void Reserve(const std::vector<Step>& steps, const std::vector<Map>& maps) {
    size_t most = 0, edge = 0;
    for (const Step& step : steps) {
      if (step.method == nullptr) continue;
      const Method& method = *step.method;
      const int inputs = maps[step.from].channels;
      const long block = BlockOf(step, inputs);
      most = std::max<size_t>(most, method.points * (Gap(block, inputs) + Gap(block, step.outputs)));
      edge = std::max<size_t>(edge, method.inputs_y * method.inputs_x * inputs);
    }
    if (most > 0) memory_ = std::make_unique<Memory>(most + edge);
    edge_ = most;
  }

  void Convolve(const Step& step, const Map& from, const Map& to, int first, int end) {
    const int tiles = TilesOf(*step.method, to) * (end - first);
    const int blocks = Parts(tiles, BlockOf(step, from.channels));
    for (int block = 0; block < blocks; block++) {
      const int begin = static_cast<long>(tiles) * block / blocks;
      ConvolveBlock(step, from, to, first, begin, static_cast<long>(tiles) * (block + 1) / blocks - begin);
    }
  }

 private:
  static int Parts(int whole, int part) { return (whole + part - 1) / part; }

  static int BlockOf(const Step& step, int inputs) {
    return std::max<int>(kBlock / step.method->points / (inputs + step.outputs), kMostRows);
  }

  // From the values of one point to those of the next: no multiple of a cache's page, whose lines share a place.
  static long Gap(long tiles, int channels) { return ((tiles * channels + 15) / 16 | 1) * 16; }

  void ConvolveBlock(const Step& step, const Map& from, const Map& to, int first, int begin, int tiles) {
    const Method& method = *step.method;
    const int across = Parts(to.width, method.outputs_x), down = Parts(to.height, method.outputs_y);
    const long gap = Gap(tiles, from.channels), product_gap = Gap(tiles, step.outputs);
    float* const points = memory_->data;
    float* const products = points + method.points * gap;
    for (int at = 0; at < tiles; at++) {
      const int tile = begin + at, image = first + tile / (across * down);
      const int y = tile / across % down * method.outputs_y, x = tile % across * method.outputs_x;
      InputTile input{from.at(image, y * step.stride - step.top, x * step.stride - step.left), from.line(),
                      from.channels, points + static_cast<long>(at) * from.channels, gap};
      const int height = std::min(method.outputs_y, to.height - y);
      const int width = std::min(method.outputs_x, to.width - x);
      if (height < method.outputs_y || width < method.outputs_x) FillEdge(step, height, width, &input);
      method.transform_input[wide_](input);
    }
    Multiply(step, from.channels, tiles, points, gap, products, product_gap);
    for (int at = 0; at < tiles; at++) {
      const int tile = begin + at, image = first + tile / (across * down);
      const int y = tile / across % down * method.outputs_y, x = tile % across * method.outputs_x;
      method.transform_output[wide_]({products + static_cast<long>(at) * step.outputs, product_gap, step.outputs,
                                      step.panels.back(), to.at(image, y, x) + step.channel, to.line(),
                                      to.channels, std::min(method.outputs_y, to.height - y),
                                      std::min(method.outputs_x, to.width - x), step.add != 0, step.relu != 0});
    }
  }

  // A copy of the inputs that so many outputs need, with zeros around them, which no output depends on.
  void FillEdge(const Step& step, int height, int width, InputTile* input) {
    const Method& method = *step.method;
    const long line = static_cast<long>(method.inputs_x) * input->channels;
    float* const edge = memory_->data + edge_;
    std::fill(edge, edge + method.inputs_y * line, 0.0f);
    const int lines = (height - 1) * step.stride + step.height;
    const int pixels = (width - 1) * step.stride + step.width;
    for (int y = 0; y < lines; y++) {
      const float* source = input->input + y * input->line;
      std::copy(source, source + static_cast<long>(pixels) * input->channels, edge + y * line);
    }
    input->input = edge;
    input->line = line;
  }

  void Multiply(const Step& step, int inputs, int tiles, const float* points, long gap, float* products,
                long product_gap) const {
    static const float zeros[64] = {};
    Tile tile{};
    tile.step = tile.inputs = inputs;
    tile.height = tile.width = 1;
    tile.bias = zeros;
    tile.output_step = step.outputs;
    const Method& method = *step.method;
    for (int point = 0; point < method.points; point++) {
      const int y = std::min(point / method.points_x, method.filters_y - 1);
      const int x = std::min(point % method.points_x, method.filters_x - 1);
      const long filter = y * method.filters_x + x;
      tile.filter = step.panels.front() + filter * inputs * step.outputs;
      for (int channel = 0; channel < step.outputs; channel += step.panel) {
        const int columns = std::min(step.panel, step.outputs - channel);
        const int parts = Parts(tiles, tiles_.MostRows(columns));
        for (int part = 0; part < parts; part++) {
          const int begin = static_cast<long>(tiles) * part / parts;
          const int rows = static_cast<long>(tiles) * (part + 1) / parts - begin;
          tile.input = points + point * gap + static_cast<long>(begin) * inputs;
          tile.output = products + point * product_gap + static_cast<long>(begin) * step.outputs + channel;
          tiles_.ComputeOf(columns, rows)(tile);
        }
        tile.filter += static_cast<long>(inputs) * columns;
      }
    }
  }

  const Tiles& tiles_;
  const bool wide_;
  std::unique_ptr<Memory> memory_;
  size_t edge_ = 0;
};

}  // namespace

// Runs a convolutional network from a plan: every convolution with its bias, sum and ReLU is one pass that writes
// where the next one reads, so that nothing is copied or rearranged between them.
#include <cstring>
#include <memory>

#include "poolings.h"
#include "winograd.h"

namespace {

class Engine {
 public:
  Engine(const int* words, size_t count, const float* weights, size_t numbers, bool wide)
      : tiles_(wide), winograd_(tiles_, wide) {
    const int* end = words + count;
    auto take = [&] {
      Require(words < end);
      return *words++;
    };
    each_ = take();
    batch_ = take();
    maps_.resize(Bounded(take(), 4096));
    for (Map& map : maps_) {
      for (int* field : {&map.height, &map.width, &map.channels, &map.border_y, &map.border_x}) {
        *field = Bounded(take(), 1 << 16);
      }
      Require(map.size() > 0 && map.size() < 1 << 28);
    }
    steps_.resize(Bounded(take(), 4096));
    for (Step& step : steps_) {
      for (int* field : {&step.kind, &step.from, &step.to, &step.channel, &step.height, &step.width,
                         &step.stride, &step.top, &step.left, &step.outputs, &step.add, &step.relu,
                         &step.filter, &step.bias}) {
        *field = Bounded(take(), 1 << 30);
      }
      Check(step, numbers);
    }
    Require(batch_ > 0 && batch_ <= 64 && !maps_.empty() && !steps_.empty());
    PlaceMaps();
    PackFilters(weights);
    winograd_.Reserve(steps_, maps_);
  }

  size_t inputs() const { return maps_.front().size(); }
  size_t outputs() const { return maps_[steps_.back().to].size(); }

  void Run(const float* images, int count, float* answers) {
    for (int done = 0; done < count; done += batch_) {
      const int together = std::min(batch_, count - done);
      maps_.front().data = const_cast<float*>(images + done * inputs());
      for (int image = 0; image < together; image++) {
        for (int at = 0; at < each_; at++) Do(steps_[at], image, image + 1);
      }
      for (size_t at = each_; at < steps_.size(); at++) Do(steps_[at], 0, together);
      const Map& last = maps_[steps_.back().to];
      memcpy(answers + done * outputs(), last.data, together * outputs() * sizeof(float));
    }
  }

 private:
  static int Bounded(int value, int most) {
    Require(value >= 0 && value <= most);
    return value;
  }

  // Whatever a step reads and writes lies within its maps.
  void Check(const Step& step, size_t numbers) const {
    Require(step.kind < kKinds && step.from < static_cast<int>(maps_.size()) && step.to > 0 &&
            step.to < static_cast<int>(maps_.size()));
    const Map &from = maps_[step.from], &to = maps_[step.to];
    if (step.kind == kMean || step.kind == kNormalise) {
      Require(to.size() == from.channels && step.from != step.to);
      if (step.kind == kNormalise) Require(from.size() == from.channels);
      return;
    }
    const bool maximum = step.kind == kMaximum;
    Require(step.stride > 0 && step.height > 0 && step.width > 0 && step.from != step.to);
    Require(step.top <= from.border_y && step.left <= from.border_x);
    Require((to.height - 1) * step.stride - step.top + step.height <= from.height + from.border_y);
    Require((to.width - 1) * step.stride - step.left + step.width <= from.width + from.border_x);
    Require(step.channel + (maximum ? from.channels : step.outputs) <= to.channels);
    if (maximum) return;
    const size_t filter = static_cast<size_t>(step.height) * step.width * from.channels * step.outputs;
    Require(step.outputs > 0 && step.outputs % 16 == 0 && step.channel % 16 == 0);
    Require(step.filter + filter <= numbers && static_cast<size_t>(step.bias) + step.outputs <= numbers);
  }

  void PlaceMaps() {
    std::vector<bool> later(maps_.size(), false);
    for (size_t at = each_; at < steps_.size(); at++) later[steps_[at].from] = later[steps_[at].to] = true;
    size_t floats = 0;
    for (size_t at = 1; at < maps_.size(); at++) {
      maps_[at].single = !later[at];
      floats += Rounded(maps_[at].size() * (later[at] ? batch_ : 1));
    }
    maps_.front().single = false;
    memory_ = std::make_unique<Memory>(floats);
    float* place = memory_->data;
    for (size_t at = 1; at < maps_.size(); at++) {
      maps_[at].data = place;
      place += Rounded(maps_[at].size() * (later[at] ? batch_ : 1));
    }
  }

  static size_t Rounded(size_t floats) { return (floats + 15) / 16 * 16; }

  void PackFilters(const float* weights) {
    size_t floats = 0;
    for (Step& step : steps_) {
      if (step.kind != kConvolution) continue;
      step.method = Winograd::Choose(step, maps_[step.from], maps_[step.to]);
      floats += FilterSize(step) + Rounded(step.outputs);
    }
    filters_ = std::make_unique<Memory>(floats);
    float* place = filters_->data;
    for (Step& step : steps_) {
      if (step.kind != kConvolution) continue;
      const bool flat = step.method != nullptr || IsFlat(step);
      step.panel = tiles_.PanelOf(step.outputs, flat ? kMostRows : maps_[step.to].width);
      const float* filter = weights + step.filter;
      if (step.method != nullptr) {
        step.panels.push_back(place);
        Winograd::Pack(step, maps_[step.from].channels, filter, place);
      } else {
        PackPanels(&step, filter, place);
      }
      place += FilterSize(step);
      memcpy(place, weights + step.bias, step.outputs * sizeof(float));
      step.panels.push_back(place);
      place += Rounded(step.outputs);
    }
  }

  // A filter [taps * inputs][outputs] as panels of as many outputs as a tile computes.
  void PackPanels(Step* step, const float* filter, float* place) {
    const long rows = FilterSize(*step) / step->outputs;
    for (int first = 0; first < step->outputs; first += step->panel) {
      const int columns = std::min(step->panel, step->outputs - first);
      step->panels.push_back(place);
      const float* source = filter + first;
      for (long row = 0; row < rows; row++, source += step->outputs, place += columns) {
        memcpy(place, source, columns * sizeof(float));
      }
    }
  }

  size_t FilterSize(const Step& step) const {
    const size_t matrix = static_cast<size_t>(maps_[step.from].channels) * step.outputs;
    return matrix * (step.method != nullptr ? step.method->points : step.height * step.width);
  }

  void Do(const Step& step, int first, int end) {
    if (step.kind == kConvolution) return Convolve(step, first, end);
    const Map &from = maps_[step.from], &to = maps_[step.to];
    for (int image = first; image < end; image++) {
      if (step.kind == kMaximum) Maximum(step, from, to, image);
      if (step.kind == kMean) Mean(from, to, image);
      if (step.kind == kNormalise) Normalise(from, to, image);
    }
  }

  // Pixels that follow each other in both maps, over lines and images, are one long line.
  bool IsFlat(const Step& step) const {
    const Map &from = maps_[step.from], &to = maps_[step.to];
    return step.height * step.width * step.stride == 1 && from.width == to.width &&
           from.height == to.height && from.single == to.single &&
           from.border_x + from.border_y + to.border_x + to.border_y == 0;
  }

  void Convolve(const Step& step, int first, int end) {
    const Map &from = maps_[step.from], &to = maps_[step.to];
    if (step.method != nullptr) return winograd_.Convolve(step, from, to, first, end);
    Tile tile;
    tile.step = static_cast<long>(step.stride) * from.channels;
    tile.line = from.line();
    tile.pixel = from.channels;
    tile.height = step.height;
    tile.width = step.width;
    tile.inputs = from.channels;
    tile.output_step = to.channels;
    tile.add = step.add;
    tile.relu = step.relu;
    const bool flat = IsFlat(step);
    const int images = flat ? 1 : end - first;
    const int lines = flat ? 1 : to.height;
    const int width = flat ? to.height * to.width * (end - first) : to.width;
    for (int channel = 0, panel = 0; channel < step.outputs; channel += step.panel, panel++) {
      const int columns = std::min(step.panel, step.outputs - channel);
      const int most = tiles_.MostRows(columns);
      const int parts = (width + most - 1) / most;
      tile.filter = step.panels[panel];
      tile.bias = step.panels.back() + channel;
      for (int image = first; image < first + images; image++) {
        for (int y = 0; y < lines; y++) {
          const float* input = from.at(image, y * step.stride - step.top, -step.left);
          float* output = to.at(image, y, 0) + step.channel + channel;
          for (int part = 0; part < parts; part++) {
            const int begin = static_cast<long>(width) * part / parts;
            const int rows = static_cast<long>(width) * (part + 1) / parts - begin;
            tile.input = input + begin * tile.step;
            tile.output = output + begin * tile.output_step;
            tiles_.ComputeOf(columns, rows)(tile);
          }
        }
      }
    }
  }

  int each_, batch_;
  std::vector<Map> maps_;
  std::vector<Step> steps_;
  const Tiles tiles_;
  Winograd winograd_;
  std::unique_ptr<Memory> memory_, filters_;
};

}  // namespace

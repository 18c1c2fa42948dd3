// Runs a convolutional network from a plan: every convolution with its bias, sum and ReLU is one pass that writes
// where the next one reads, so that nothing is copied or rearranged between them.
#include <memory>

#include "amx-tiles.h"
#include "filters.h"
#include "kept-filters.h"
#include "poolings.h"
#include "winograd.h"

namespace {

// Sides of maps from which on AMX computes all images of a batch together: from the first step that writes one, the
// weights, which come from memory, take longer than the products.
constexpr int kTogetherSide = 13;

// Pixels of a map whose filters are worth keeping: nearly half of all weights, for nine tenths of the products.
constexpr int kManyPixels = 100;

class Engine {
 public:
  // `packs`: whether it keeps a copy of all filters as the tiles read them. Otherwise the weights must stay, and only
  // those for large maps are kept, from the first run on. `amx`: whether AMX computes bfloat16. `file`: see KeptFilters.
  Engine(const int* words, size_t count, const float* weights, size_t numbers, bool wide, bool packs, bool amx, std::string file)
      : tiles_(wide), packs_(packs), amx_(amx), weights_(weights), winograd_(tiles_, wide), filters_(std::move(file)) {
    const int* end = words + count;
    auto take = [&] {
      Require(words < end);
      return *words++;
    };
    each_ = take();
    batch_ = take();
    maps_.resize(Bounded(take(), 4096));
    for (Map& map : maps_) {
      for (int* field : {&map.height, &map.width, &map.channels, &map.border_y, &map.border_x, &map.half}) {
        *field = Bounded(take(), 1 << 16);
      }
      Require(map.size() > 0 && map.size() < 1 << 28);
      Require(!map.half || (wide && half::kPresent && map.channels % 16 == 0));
    }
    steps_.resize(Bounded(take(), 4096));
    for (Step& step : steps_) {
      for (int* field : {&step.kind, &step.from, &step.to, &step.channel, &step.height, &step.width,
                         &step.stride, &step.top, &step.left, &step.outputs, &step.add, &step.relu,
                         &step.filter, &step.filter_storage, &step.bias, &step.bias_storage}) {
        *field = Bounded(take(), 1 << 30);
      }
      Check(step, maps_, numbers);
    }
    Require(batch_ > 0 && batch_ <= 64 && !maps_.empty() && !steps_.empty());
    Require(!maps_.front().half && !maps_[steps_.back().to].half);
    if (amx_) {
      auto is_small = [&](const Step& step) { return maps_[step.to].height <= kTogetherSide; };
      each_ = std::min<int>(each_, std::find_if(steps_.begin(), steps_.end(), is_small) - steps_.begin());
    }
    PlaceMaps();
    PlaceFilters();
    winograd_.Reserve(steps_, maps_);
  }

  size_t inputs() const { return maps_.front().size(); }
  size_t outputs() const { return maps_[steps_.back().to].size(); }
  std::string Methods() const { return Winograd::NamesOf(steps_); }
  KeptFilters& filters() { return filters_; }
  bool isFilled() const { return filled_; }

  void Run(const float* images, int count, float* answers) {
    if (!filled_) FillFilters();
    matrices_.Begin();
    for (int done = 0; done < count; done += batch_) {
      const int together = std::min(batch_, count - done);
      maps_.front().data = const_cast<float*>(images + done * inputs());
      for (int image = 0; image < together; image++) {
        for (int at = 0; at < each_; at++) Do(steps_[at], image, image + 1);
      }
      for (size_t at = each_; at < steps_.size(); at++) Do(steps_[at], 0, together);
      const Map& last = maps_[steps_.back().to];
      memcpy(answers + done * outputs(), last.at(0, 0, 0), together * outputs() * sizeof(float));
    }
    if (amx_) matrices_.End();
  }

 private:
  static int Bounded(int value, int most) {
    Require(value >= 0 && value <= most);
    return value;
  }

  void PlaceMaps() {
    std::vector<bool> later(maps_.size(), false);
    for (size_t at = each_; at < steps_.size(); at++) later[steps_[at].from] = later[steps_[at].to] = true;
    auto floats = [&](const Map& map) {
      const size_t numbers = map.size() * (map.single ? 1 : batch_);
      return Rounded(map.half ? (numbers + 1) / 2 : numbers);
    };
    size_t all = 0;
    for (size_t at = 1; at < maps_.size(); at++) {
      maps_[at].single = !later[at];
      all += floats(maps_[at]);
    }
    maps_.front().single = false;
    memory_ = std::make_unique<Memory>(all);
    float* place = memory_->data;
    for (size_t at = 1; at < maps_.size(); at++) {
      maps_[at].data = place;
      place += floats(maps_[at]);
    }
  }

  static size_t Rounded(size_t floats) { return (floats + 15) / 16 * 16; }

  void PlaceFilters() {
    size_t floats = 0, largest = 0;
    for (Step& step : steps_) {
      if (step.kind != kConvolution) continue;
      const Map &from = maps_[step.from], &to = maps_[step.to];
      step.kept = packs_ || to.height * to.width >= kManyPixels;
      if (step.kept && !IsHalf(step)) step.method = Winograd::Choose(step, from, to);
      const int pixels = step.method != nullptr || IsFlat(step, from, to) ? kMostRows : to.width;
      step.panel = IsHalf(step) ? halves_.PanelOf(step.outputs, pixels) : tiles_.PanelOf(step.outputs, pixels);
      if (IsHalf(step) && amx_) step.panel = amx::kColumns;
      floats += Rounded(step.outputs) + (step.kept ? FloatsOf(step, step.outputs) : 0);
      if (!step.kept) largest = std::max(largest, FloatsOf(step, step.panel));
    }
    float *place = filters_.Reserve(floats, largest), *const passing = filters_.others();
    for (Step& step : steps_) {
      if (step.kind != kConvolution) continue;
      for (int first = 0; first < step.outputs; first += step.panel) {
        step.panels.push_back(step.kept ? place : passing);
        if (step.kept) place += FloatsOf(step, std::min(step.panel, step.outputs - first));
      }
      step.panels.push_back(place);
      place += Rounded(step.outputs);
    }
    if (packs_) FillFilters();
  }

  void FillFilters() {
    filled_ = true;
    if (filters_.Map()) return;
    for (const Step& step : steps_) {
      if (step.kind != kConvolution) continue;
      ReadFloats(At(weights_, step.bias, step.bias_storage, 0), step.bias_storage, step.outputs, step.panels.back());
      if (step.method != nullptr) {
        Winograd::Pack(step, maps_[step.from].channels, weights_, step.panels.front());
      } else if (step.kept) {
        for (int first = 0; first < step.outputs; first += step.panel) Pack(step, first, step.panels[first / step.panel]);
      }
    }
  }

  void Pack(const Step& step, int first, float* to) const {
    const int columns = std::min(step.panel, step.outputs - first);
    const Panel panel{step, weights_, static_cast<long>(RowsOf(step)), first, columns};
    IsHalf(step) ? PackHalfPanel(panel, reinterpret_cast<uint32_t*>(to)) : PackPanel(panel, to);
  }

  bool IsHalf(const Step& step) const { return maps_[step.from].half; }
  size_t RowsOf(const Step& step) const { return ::RowsOf(step, maps_[step.from]); }
  // Memory of so many columns of a filter.
  size_t FloatsOf(const Step& step, int columns) const {
    if (step.method == nullptr) return RowsOf(step) * columns / (IsHalf(step) ? 2 : 1);
    return static_cast<size_t>(maps_[step.from].channels) * columns * step.method->filters;
  }

  void Do(const Step& step, int first, int end) {
    const bool in_half = IsHalf(step);
    if (step.kind == kConvolution) {
      if (in_half && amx_) return ConvolveByAmx(step, first, end);
      return in_half ? Convolve<uint16_t>(halves_, step, first, end) : Convolve<float>(tiles_, step, first, end);
    }
    const Map &from = maps_[step.from], &to = maps_[step.to];
    for (int image = first; image < end; image++) {
      if (step.kind == kCast) Cast(from, to, image);
      if (step.kind == kMaximum) (in_half ? Maximum<uint16_t> : Maximum<float>)(step, from, to, image);
      if (step.kind == kMean) Mean(from, to, image);
      if (step.kind == kNormalise) Normalise(from, to, image);
    }
  }

  // Calls `compute` for each panel of the filter: its weights, first output and columns.
  template <class Compute>
  void EachPanel(const Step& step, Compute compute) {
    for (int channel = 0, panel = 0; channel < step.outputs; channel += step.panel, panel++) {
      if (!step.kept) Pack(step, channel, step.panels[panel]);
      compute(step.panels[panel], channel, std::min(step.panel, step.outputs - channel));
    }
  }

  void ConvolveByAmx(const Step& step, int first, int end) {
    const Map &from = maps_[step.from], &to = maps_[step.to];
    EachPanel(step, [&](const float* panel, int channel, int columns) {
      matrices_.Convolve(step, from, to, first, end, panel, channel, columns);
    });
  }

  template <class Number, class TilesOfNumber>
  void Convolve(const TilesOfNumber& tiles, const Step& step, int first, int end) {
    const Map &from = maps_[step.from], &to = maps_[step.to];
    if (step.method != nullptr) return winograd_.Convolve(step, from, to, first, end);
    TileOf<Number> tile;
    tile.step = static_cast<long>(step.stride) * from.channels;
    tile.line = from.line();
    tile.pixel = from.channels;
    tile.height = step.height;
    tile.width = step.width;
    tile.inputs = from.channels;
    tile.output_step = to.channels;
    tile.add = step.add;
    tile.relu = step.relu;
    const bool flat = IsFlat(step, from, to);
    const int images = flat ? 1 : end - first;
    const int lines = flat ? 1 : to.height;
    const int width = flat ? to.height * to.width * (end - first) : to.width;
    EachPanel(step, [&](const float* panel, int channel, int columns) {
      const int most = tiles.MostRows(columns);
      const int parts = (width + most - 1) / most;
      tile.filter = reinterpret_cast<const Number*>(panel);
      tile.bias = step.panels.back() + channel;
      for (int image = first; image < first + images; image++) {
        for (int y = 0; y < lines; y++) {
          const Number* input = from.at<Number>(image, y * step.stride - step.top, -step.left);
          Number* output = to.at<Number>(image, y, 0) + step.channel + channel;
          for (int part = 0; part < parts; part++) {
            const int begin = static_cast<long>(width) * part / parts;
            const int rows = static_cast<long>(width) * (part + 1) / parts - begin;
            tile.input = input + begin * tile.step;
            tile.output = output + begin * tile.output_step;
            tiles.ComputeOf(columns, rows)(tile);
          }
        }
      }
    });
  }

  int each_, batch_;
  std::vector<Map> maps_;
  std::vector<Step> steps_;
  const Tiles tiles_;
  const half::Tiles halves_;
  const bool packs_, amx_;
  bool filled_ = false;
  const float* weights_;
  Winograd winograd_;
  amx::Matrices matrices_;
  std::unique_ptr<Memory> memory_;
  KeptFilters filters_;
};

}  // namespace

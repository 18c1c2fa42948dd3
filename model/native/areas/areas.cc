// A Node-API addon that averages areas of a photo: cells of any number of grids, with the bits of the loops in
// model/simd/assembly/areas.ts, in a third of their time. For processors with AVX2.
#include <node_api.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

// clang knows no instructions for a part of a file.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAS_AREAS 1
#endif

#ifdef HAS_AREAS
#pragma GCC push_options
#pragma GCC target("avx2")
#include <immintrin.h>

namespace {

constexpr int COLOURS = 3;
constexpr int WIDE_CHUNK = 128, CHUNK = 32;  // bytes of a line that are added at a time
constexpr double OFTEN = 4;                  // times that grids in a pass read a pixel
constexpr int MOST = 257;                    // lines whose sum fits into 16 bits

// One side of a grid: cells `from` up to `to` of a side of `size` pixels from `offset` on, divided into `target` cells.
struct Side {
  int32_t size, target, from, to, offset;
  int64_t first(int64_t cell) const { return offset + cell * size / target; }
  int64_t end(int64_t cell) const { return offset + ((cell + 1) * size + target - 1) / target; }
  bool isInside(int64_t length) const {
    return target > 0 && size > 0 && offset >= 0 && from >= 0 && from < to && to <= target && end(to - 1) <= length;
  }
};

// As the caller writes it: 11 values of 32 bits.
struct Grid {
  Side columns, rows;
  int32_t at;  // of its values [rows, columns, 3] among all values
};

// Sums of `lines` lines, `stride` bytes apart, for each of 16 times HALVES bytes.
template <int HALVES>
inline void addChunk(const uint8_t* line, size_t stride, int lines, uint16_t* into) {
  __m256i sums[HALVES];
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  for (int left = lines; left > 0; left--, line += stride) {
#pragma GCC unroll 8
    for (int half = 0; half < HALVES; half++) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(line + half * 16));
      sums[half] = _mm256_add_epi16(sums[half], _mm256_cvtepu8_epi16(bytes));
    }
  }
  for (int half = 0; half < HALVES; half++) _mm256_storeu_si256(reinterpret_cast<__m256i*>(into + half * 16), sums[half]);
}

// The same for each of `bytes` bytes.
void addLines(const uint8_t* from, size_t stride, int lines, int bytes, uint16_t* into) {
  int at = 0;
  for (; at + WIDE_CHUNK <= bytes; at += WIDE_CHUNK) addChunk<WIDE_CHUNK / 16>(from + at, stride, lines, into + at);
  for (; at + CHUNK <= bytes; at += CHUNK) addChunk<CHUNK / 16>(from + at, stride, lines, into + at);
  if (at == bytes) return;
  // The last chunk ends with the line: some bytes are added once more.
  if (bytes >= CHUNK) return addChunk<CHUNK / 16>(from + bytes - CHUNK, stride, lines, into + bytes - CHUNK);
  for (; at < bytes; at++) {
    into[at] = 0;
    for (int line = 0; line < lines; line++) into[at] += from[line * stride + at];
  }
}

// Adds a line to sums.
void addLine(const uint8_t* line, int bytes, uint16_t* sums) {
  int at = 0;
  for (; at + 16 <= bytes; at += 16) {
    auto* place = reinterpret_cast<__m256i*>(sums + at);
    const __m256i values = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(line + at)));
    _mm256_storeu_si256(place, _mm256_add_epi16(_mm256_loadu_si256(place), values));
  }
  for (; at < bytes; at++) sums[at] += line[at];
}

// (x - 127.5) / 128, in single precision.
inline __m128 averaged(__m128i sum, float pixels) {
  const __m128 average = _mm_div_ps(_mm_cvtepi32_ps(sum), _mm_set1_ps(pixels));
  return _mm_mul_ps(_mm_sub_ps(average, _mm_set1_ps(127.5f)), _mm_set1_ps(1.0f / 128));
}

// The same in double precision, rounded once.
inline __m128 averaged(__m128i sum, double share) {
  __m256d average = _mm256_mul_pd(_mm256_cvtepi32_pd(sum), _mm256_set1_pd(share));
  asm("" : "+x"(average));  // so that the compiler does not join the product and the difference, which would round once
  return _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_sub_pd(average, _mm256_set1_pd(127.5)), _mm256_set1_pd(1.0 / 128)));
}

// Of one row of a grid: first pixel of its cells, and pixels of all of them.
int64_t leftOf(const Grid& grid) { return grid.columns.first(grid.columns.from); }
int bytesOf(const Grid& grid) { return static_cast<int>((grid.columns.end(grid.columns.to - 1) - leftOf(grid)) * COLOURS); }
int cellsOf(const Grid& grid) { return grid.columns.to - grid.columns.from; }

// Pixels of the photo.
struct Bounds {
  int64_t left, right, top, bottom;
  double area() const { return static_cast<double>(right - left) * static_cast<double>(bottom - top); }
  void include(const Bounds& other) {
    left = std::min(left, other.left), right = std::max(right, other.right);
    top = std::min(top, other.top), bottom = std::max(bottom, other.bottom);
  }
};

Bounds boundsOf(const Grid& grid) {
  return {leftOf(grid), grid.columns.end(grid.columns.to - 1), grid.rows.first(grid.rows.from), grid.rows.end(grid.rows.to - 1)};
}

// Calls each(cell, columns, sum) for a row of cells whose columns have these sums. The sum has four values, the fourth is not used.
template <typename Each>
inline void forCells(const Side& columns, const uint16_t* sums, Each each) {
  const int cells = columns.to - columns.from;
  // A cell's first pixel without a division for each cell.
  int64_t place = static_cast<int64_t>(columns.from) * columns.size / columns.target;
  int64_t over = static_cast<int64_t>(columns.from) * columns.size % columns.target;
  const int64_t step = columns.size / columns.target, more = columns.size % columns.target, start = place;
  for (int cell = 0; cell < cells; cell++) {
    const int64_t first = place;
    place += step, over += more;
    if (over >= columns.target) over -= columns.target, place++;
    const int count = static_cast<int>(place + (over > 0) - first);
    const uint16_t* from = sums + (first - start) * COLOURS;
    __m128i sum = _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
    for (int column = 1; column < count; column++)
      sum = _mm_add_epi32(sum, _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + column * COLOURS))));
    each(cell, count, sum);
  }
}

// In single precision the sum is divided by the number of pixels, in double precision multiplied by its inverse.
template <typename Precise>
inline Precise divisorOf(int columns, int64_t lines) {
  if (sizeof(Precise) == sizeof(double)) return static_cast<Precise>(1 / (static_cast<double>(columns) * static_cast<double>(lines)));
  return static_cast<Precise>(columns) * static_cast<Precise>(lines);
}

// Writes a row of cells over `lines` lines, whose columns have these sums, and whose cells have `totals` beside.
template <typename Precise>
void writeRow(const Grid& grid, const uint16_t* sums, int64_t lines, const int32_t* totals, float* into) {
  const int last = cellsOf(grid) - 1;
  int counted = 0;
  Precise divisor = 1;
  forCells(grid.columns, sums, [&](int cell, int count, __m128i sum) {
    if (totals != nullptr) sum = _mm_add_epi32(sum, _mm_loadu_si128(reinterpret_cast<const __m128i*>(totals + cell * 4)));
    if (count != counted) divisor = divisorOf<Precise>(counted = count, lines);
    const __m128 average = averaged(sum, divisor);
    float* to = into + cell * COLOURS;
    // The fourth value is overwritten by the next cell.
    if (cell < last) return _mm_storeu_ps(to, average);
    _mm_storel_pi(reinterpret_cast<__m64*>(to), average);
    _mm_store_ss(to + 2, _mm_movehl_ps(average, average));
  });
}

struct Photo {
  const uint8_t* data;
  size_t stride;
  const uint8_t* at(int64_t line, int64_t column) const { return data + line * stride + column * COLOURS; }
};

// A grid by itself: reads its own pixels only.
template <typename Precise>
void fillApart(const Photo& photo, const Grid& grid, float* values) {
  const int bytes = bytesOf(grid), cells = cellsOf(grid);
  static thread_local std::vector<uint16_t> sums;
  sums.resize(bytes + CHUNK);
  std::vector<int32_t> totals;
  for (int64_t row = grid.rows.from; row < grid.rows.to; row++) {
    const int64_t top = grid.rows.first(row), lines = grid.rows.end(row) - top;
    int64_t left = lines;
    if (lines > MOST) totals.assign(cells * 4, 0);
    for (; left > MOST; left -= MOST) {
      addLines(photo.at(top + lines - left, leftOf(grid)), photo.stride, MOST, bytes, sums.data());
      forCells(grid.columns, sums.data(), [&](int cell, int, __m128i sum) {
        auto* total = reinterpret_cast<__m128i*>(totals.data() + cell * 4);
        _mm_storeu_si128(total, _mm_add_epi32(_mm_loadu_si128(total), sum));
      });
    }
    addLines(photo.at(top + lines - left, leftOf(grid)), photo.stride, static_cast<int>(left), bytes, sums.data());
    float* into = values + grid.at + static_cast<int64_t>(row - grid.rows.from) * cells * COLOURS;
    writeRow<Precise>(grid, sums.data(), lines, lines > MOST ? totals.data() : nullptr, into);
  }
}

// A grid in a pass down the photo, whose columns are summed up on the way: a row of cells is the difference of the
// sums below it and above it, which is right in 16 bits for up to MOST lines.
class Passing {
 public:
  Passing(const Grid& grid, int64_t left) : grid(&grid), from((leftOf(grid) - left) * COLOURS), bytes(bytesOf(grid)), row(grid.rows.from), begun(row) {
    for (auto& one : above) one.resize(bytes + CHUNK);
  }

  // The next line above which it needs the sums; -1 if it is complete.
  int64_t due() const {
    const Side& rows = grid->rows;
    if (row == rows.to) return -1;
    if (begun == row) return rows.first(row);
    return begun < rows.to ? std::min(rows.end(row), rows.first(begun)) : rows.end(row);
  }

  // Called with the sums above this line.
  void visit(int64_t line, const uint16_t* sums, float* values) {
    const Side& rows = grid->rows;
    sums += from;
    if (row < begun && rows.end(row) == line) {
      uint16_t* over = above[row % 2].data();
      for (int at = 0; at < bytes; at += CHUNK / 2) {
        auto* place = reinterpret_cast<__m256i*>(over + at);
        const __m256i below = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + at));
        _mm256_storeu_si256(place, _mm256_sub_epi16(below, _mm256_loadu_si256(place)));
      }
      float* into = values + grid->at + static_cast<int64_t>(row - rows.from) * cellsOf(*grid) * COLOURS;
      writeRow<float>(*grid, over, rows.end(row) - rows.first(row), nullptr, into);
      row++;
    }
    if (begun < rows.to && rows.first(begun) == line) std::memcpy(above[begun++ % 2].data(), sums, bytes * sizeof(uint16_t));
  }

 private:
  const Grid* grid;
  int64_t from;
  int bytes;
  int64_t row, begun;
  std::vector<uint16_t> above[2];  // of consecutive rows, which may share a line
};

// Whether sums of 16 bits suffice, and no line begins two rows.
bool canPass(const Side& rows) { return rows.size >= rows.target && rows.size / rows.target + 2 <= MOST; }

void pass(const Photo& photo, const std::vector<const Grid*>& grids, const Bounds& bounds, float* values) {
  const auto [left, right, top, bottom] = bounds;
  std::vector<Passing> passing;
  passing.reserve(grids.size());
  // Grids by the line at which they are due, as linked lists.
  std::vector<int> first(bottom - top + 1, -1), next(grids.size());
  const auto wait = [&](int grid) {
    const int64_t line = passing[grid].due();
    if (line >= 0) next[grid] = first[line - top], first[line - top] = grid;
  };
  for (const Grid* grid : grids) {
    passing.emplace_back(*grid, left);
    wait(static_cast<int>(passing.size()) - 1);
  }
  const int bytes = static_cast<int>((right - left) * COLOURS);
  std::vector<uint16_t> sums(bytes + 2 * CHUNK, 0);
  for (int64_t line = top; line <= bottom; line++) {
    for (int grid = first[line - top]; grid >= 0;) {
      const int other = next[grid];
      passing[grid].visit(line, sums.data(), values);
      wait(grid);
      grid = other;
    }
    if (line < bottom) addLine(photo.at(line, left), bytes, sums.data());
  }
}

// Whether grids overlap so often that one pass over the lines takes less time than reading each by itself.
bool overlapOften(const std::vector<const Grid*>& grids, const Bounds& whole) {
  double pixels = 0;
  for (const Grid* grid : grids) pixels += boundsOf(*grid).area();
  return pixels > OFTEN * whole.area();
}

// The first `passed` grids in single precision, the others in double precision.
void average(const Photo& photo, const Grid* grids, size_t count, size_t passed, float* values) {
  std::vector<const Grid*> together;
  for (size_t at = 0; at < passed; at++)
    if (canPass(grids[at].rows)) together.push_back(grids + at);
  Bounds bounds{INT64_MAX, 0, INT64_MAX, 0};
  for (const Grid* grid : together) bounds.include(boundsOf(*grid));
  const bool passes = !together.empty() && overlapOften(together, bounds);
  if (passes) pass(photo, together, bounds, values);
  for (size_t at = 0; at < count; at++) {
    if (at >= passed) fillApart<double>(photo, grids[at], values);
    else if (!passes || !canPass(grids[at].rows)) fillApart<float>(photo, grids[at], values);
  }
}

}  // namespace
#pragma GCC pop_options

namespace {

// The data of a typed array and its number of values; nullptr if it is of another type.
void* valuesOf(napi_env env, napi_value value, napi_typedarray_type type, size_t* count) {
  napi_typedarray_type actual;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &actual, count, &data, nullptr, nullptr) != napi_ok) return nullptr;
  return actual == type ? data : nullptr;
}

// (photo [height, width, 3], width, grids [count, 11], how many of them in single precision, values)
napi_value Average(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t given = 5, bytes = 0, words = 0, space = 0;
  uint32_t width = 0, passed = 0;
  const bool isRead = napi_get_cb_info(env, info, &given, arguments, nullptr, nullptr) == napi_ok && given == 5 &&
                      napi_get_value_uint32(env, arguments[1], &width) == napi_ok && width > 0 &&
                      napi_get_value_uint32(env, arguments[3], &passed) == napi_ok;
  const void* photo = isRead ? valuesOf(env, arguments[0], napi_uint8_array, &bytes) : nullptr;
  const void* grids = isRead ? valuesOf(env, arguments[2], napi_int32_array, &words) : nullptr;
  void* values = isRead ? valuesOf(env, arguments[4], napi_float32_array, &space) : nullptr;
  constexpr size_t each = sizeof(Grid) / sizeof(int32_t);
  bool fits = photo != nullptr && grids != nullptr && values != nullptr && words % each == 0 && passed <= words / each;
  const size_t height = fits ? bytes / (static_cast<size_t>(width) * COLOURS) : 0;
  for (size_t at = 0; fits && at < words / each; at++) {
    const Grid& grid = static_cast<const Grid*>(grids)[at];
    fits = grid.columns.isInside(width) && grid.rows.isInside(height) && grid.at >= 0 &&
           grid.at + static_cast<size_t>(grid.columns.to - grid.columns.from) * (grid.rows.to - grid.rows.from) * COLOURS <= space;
  }
  if (!fits) {
    napi_throw_range_error(env, nullptr, "A grid lies outside the photo or the values.");
    return nullptr;
  }
  average({static_cast<const uint8_t*>(photo), static_cast<size_t>(width) * COLOURS}, static_cast<const Grid*>(grids), words / each, passed,
          static_cast<float*>(values));
  return nullptr;
}

}  // namespace
#endif

namespace {

napi_value Init(napi_env env, napi_value exports) {
#ifdef HAS_AREAS
  if (__builtin_cpu_supports("avx2")) {
    napi_value function;
    napi_create_function(env, "average", NAPI_AUTO_LENGTH, Average, nullptr, &function);
    napi_set_named_property(env, exports, "average", function);
  }
#endif
  return exports;
}

}  // namespace

NAPI_MODULE(areas, Init)

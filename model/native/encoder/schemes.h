// Schemes of Winograd's for one axis of a convolution (Lavin and Gray, arXiv 1509.09308): inputs and weights are
// the coefficients of two polynomials; both are evaluated at kPoints points, multiplied there, and the outputs
// are interpolated from the products. OUTPUTS outputs of TAPS taps need OUTPUTS + TAPS - 1 products.

namespace {

// The points are 0, pairs of p and -p, and infinity. These pairs have the smallest errors in float32.
template <int PAIRS>
struct Pairs {
  double at[1] = {1};
};
template <>
struct Pairs<2> {
  double at[2] = {2.0 / 3, 1.5};
};
template <>
struct Pairs<3> {
  double at[3] = {0.5, 1, 2};
};
template <>
struct Pairs<4> {
  double at[4] = {0.5, 0.75, 1.25, 2};
};

// Coefficients of the product of all (x - p * p), and of all but that of one pair.
template <int PAIRS>
struct Products {
  double all[PAIRS + 1] = {}, but[PAIRS + 1][PAIRS + 1] = {};

  constexpr Products() {
    for (int except = 0; except <= PAIRS; except++) {
      double* product = except < PAIRS ? but[except] : all;
      int degree = 0;
      product[0] = 1;
      for (int pair = 0; pair < PAIRS; pair++) {
        if (pair == except) continue;
        const double square = Pairs<PAIRS>().at[pair] * Pairs<PAIRS>().at[pair];
        product[++degree] = 1;
        for (int at = degree - 1; at >= 0; at--) {
          product[at] = (at > 0 ? product[at - 1] : 0) - square * product[at];
        }
      }
    }
  }
};

// A number of each of 16 filters, whose transforms are computed together.
constexpr int kLanes = 16;
typedef double Lanes __attribute__((vector_size(kLanes * sizeof(double))));

constexpr double Power(double base, int exponent) {
  return exponent == 0 ? 1 : base * Power(base, exponent - 1);
}

// With one output and one tap it leaves this axis as it is.
template <int OUTPUTS, int TAPS>
struct Scheme {
  static constexpr int kOutputs = OUTPUTS, kTaps = TAPS, kStride = 1;
  static constexpr int kPoints = OUTPUTS + TAPS - 1, kInputs = kPoints, kPairs = (kPoints - 1) / 2;
  static constexpr int kFilters = kPoints;  // of which each point but the last ones has its own
  static_assert(kPoints == 1 || kPoints % 2 == 0, "points come in pairs");
  static constexpr Pairs<kPairs> kPair{};
  static constexpr Products<kPairs> kProduct{};

  static void TransformFilter(const Lanes* taps, Lanes* filters) {
    filters[kPoints - 1] = taps[TAPS - 1];
    if (kPoints == 1) return;
    filters[0] = taps[0] * (1 / kProduct.all[0]);
    for (int pair = 0; pair < kPairs; pair++) {
      const double square = kPair.at[pair] * kPair.at[pair];
      double scale = 0;
      for (int at = kPairs - 1; at >= 0; at--) scale = scale * square + kProduct.but[pair][at];
      double power = 1 / (2 * square * scale);
      Lanes sums[2] = {};
      for (int tap = 0; tap < TAPS; tap++, power *= kPair.at[pair]) sums[tap % 2] += taps[tap] * power;
      filters[1 + 2 * pair] = sums[0] + sums[1];
      filters[2 + 2 * pair] = sums[0] - sums[1];
    }
  }
};

// Three taps with a stride of two: two of them see every second input, as a scheme of two taps; the third sees the
// inputs between, and is multiplied as it is.
template <int OUTPUTS>
struct Strided {
  using Even = Scheme<OUTPUTS, 2>;
  static constexpr int kOutputs = OUTPUTS, kTaps = 3, kStride = 2;
  static constexpr int kPoints = Even::kPoints + OUTPUTS, kInputs = 2 * OUTPUTS + 1;
  static constexpr int kFilters = Even::kPoints + 1;

  static void TransformFilter(const Lanes* taps, Lanes* filters) {
    const Lanes even[] = {taps[0], taps[2]};
    Even::TransformFilter(even, filters);
    filters[Even::kPoints] = taps[1];
  }
};

// Both axes: the taps of a filter [y][x], and what the values at the points are multiplied with.
template <class Y, class X>
void TransformFilterOf(const Lanes* taps, Lanes* filters) {
  Lanes between[Y::kTaps][X::kFilters], column[Y::kTaps], along[Y::kFilters];
  for (int y = 0; y < Y::kTaps; y++) X::TransformFilter(taps + y * X::kTaps, between[y]);
  for (int x = 0; x < X::kFilters; x++) {
    for (int y = 0; y < Y::kTaps; y++) column[y] = between[y][x];
    Y::TransformFilter(column, along);
    for (int y = 0; y < Y::kFilters; y++) filters[y * X::kFilters + x] = along[y];
  }
}

}  // namespace

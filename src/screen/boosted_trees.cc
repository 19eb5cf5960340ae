#include "screen/boosted_trees.h"

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "base/mapped_file.h"

#ifdef SOTTO_HAS_XGBOOST
#include <xgboost/c_api.h>

#include <limits>
#endif

namespace sotto {

#ifdef SOTTO_HAS_XGBOOST

struct BoostedTrees::Impl {
  BoosterHandle booster = nullptr;
  size_t n_features = 0;
  mutable std::mutex mutex;
  ~Impl() {
    if (booster != nullptr) XGBoosterFree(booster);
  }
};

namespace {

constexpr int kContributions = 4;  // of XGBoosterPredict's option mask

Result<void> Called(int status, std::string_view what) {
  if (status == 0) return {};
  std::string message = XGBGetLastError();
  message = message.substr(0, message.find('\n'));
  return MakeError(ErrorCode::kUnavailable, "xgboost: {}: {}", what, message);
}

// Rows as the library holds them; freed with the object.
class Matrix {
 public:
  Matrix() = default;
  ~Matrix() {
    if (handle_ != nullptr) XGDMatrixFree(handle_);
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  Result<void> Fill(std::span<const float> rows, size_t n_features) {
    SOTTO_CHECK(n_features > 0 && rows.size() % n_features == 0);
    return Called(XGDMatrixCreateFromMat(rows.data(), rows.size() / n_features, n_features,
                                         std::numeric_limits<float>::quiet_NaN(), &handle_),
                  "rows");
  }
  DMatrixHandle get() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

Result<std::vector<float>> PredictWith(const BoosterHandle booster, std::span<const float> rows,
                                       size_t n_features, int mask) {
  if (rows.empty()) return std::vector<float>();
  Matrix matrix;
  SOTTO_RETURN_IF_ERROR(matrix.Fill(rows, n_features));
  bst_ulong n = 0;
  const float* out = nullptr;
  SOTTO_RETURN_IF_ERROR(Called(XGBoosterPredict(booster, matrix.get(), mask, 0, 0, &n, &out), "predict"));
  return std::vector<float>(out, out + n);
}

}  // namespace

bool HasBoostedTrees() { return true; }

Result<std::shared_ptr<const BoostedTrees>> BoostedTrees::Train(std::span<const float> rows,
                                                                size_t n_features,
                                                                std::span<const float> labels,
                                                                const BoostingOptions& options) {
  SOTTO_CHECK(rows.size() == labels.size() * n_features);
  const auto frauds = std::ranges::count(labels, 1.0F);
  if (frauds == 0 || frauds == std::ssize(labels)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "the {} payments to learn from are all {}: nothing can be learnt from one kind",
                     labels.size(), frauds == 0 ? "genuine" : "fraud");
  }
  Matrix matrix;
  SOTTO_RETURN_IF_ERROR(matrix.Fill(rows, n_features));
  SOTTO_RETURN_IF_ERROR(
      Called(XGDMatrixSetFloatInfo(matrix.get(), "label", labels.data(), labels.size()), "labels"));
  auto impl = std::make_unique<Impl>();
  impl->n_features = n_features;
  const DMatrixHandle handle = matrix.get();
  SOTTO_RETURN_IF_ERROR(Called(XGBoosterCreate(&handle, 1, &impl->booster), "create"));
  const std::pair<const char*, std::string> parameters[] = {
      {"objective", "binary:logistic"},
      {"tree_method", "hist"},
      {"verbosity", "0"},
      {"max_depth", fmt::format("{}", options.depth)},
      {"eta", fmt::format("{}", options.learning_rate)},
      {"subsample", fmt::format("{}", options.subsample)},
      {"colsample_bytree", fmt::format("{}", options.columns)},
      {"min_child_weight", fmt::format("{}", options.min_child_weight)},
      {"nthread", fmt::format("{}", options.threads)},
      {"seed", fmt::format("{}", options.seed)}};
  for (const auto& [name, value] : parameters)
    SOTTO_RETURN_IF_ERROR(Called(XGBoosterSetParam(impl->booster, name, value.c_str()), name));
  for (int i = 0; i < options.trees; ++i)
    SOTTO_RETURN_IF_ERROR(Called(XGBoosterUpdateOneIter(impl->booster, i, matrix.get()), "train"));
  return std::shared_ptr<const BoostedTrees>(new BoostedTrees(std::move(impl)));
}

Result<std::shared_ptr<const BoostedTrees>> BoostedTrees::Open(const std::filesystem::path& path,
                                                               size_t n_features) {
  SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  auto impl = std::make_unique<Impl>();
  SOTTO_RETURN_IF_ERROR(Called(XGBoosterCreate(nullptr, 0, &impl->booster), "create"));
  if (XGBoosterLoadModelFromBuffer(impl->booster, bytes.data(), bytes.size()) != 0)
    return MakeError(ErrorCode::kCorrupt, "{}: is no model of boosted trees", path.string());
  bst_ulong features = 0;
  SOTTO_RETURN_IF_ERROR(Called(XGBoosterGetNumFeature(impl->booster, &features), "features"));
  if (features != n_features) {
    return MakeError(ErrorCode::kCorrupt, "{}: reads {} features, this program makes {}: train it anew",
                     path.string(), features, n_features);
  }
  impl->n_features = n_features;
  XGBoosterSetParam(impl->booster, "verbosity", "0");
  XGBoosterSetParam(impl->booster, "nthread", "1");
  return std::shared_ptr<const BoostedTrees>(new BoostedTrees(std::move(impl)));
}

Result<void> BoostedTrees::Save(const std::filesystem::path& path) const {
  const std::lock_guard lock(impl_->mutex);
  bst_ulong n = 0;
  const char* bytes = nullptr;
  SOTTO_RETURN_IF_ERROR(
      Called(XGBoosterSaveModelToBuffer(impl_->booster, R"({"format": "ubj"})", &n, &bytes), "save"));
  return WriteFileAtomically(path, std::string_view(bytes, n));
}

Result<std::vector<float>> BoostedTrees::Predict(std::span<const float> rows) const {
  const std::lock_guard lock(impl_->mutex);
  return PredictWith(impl_->booster, rows, impl_->n_features, 0);
}

Result<std::vector<float>> BoostedTrees::Contributions(std::span<const float> rows) const {
  const std::lock_guard lock(impl_->mutex);
  return PredictWith(impl_->booster, rows, impl_->n_features, kContributions);
}

#else

struct BoostedTrees::Impl {};

namespace {
tl::unexpected<Error> NoLibrary() {
  return MakeError(
      ErrorCode::kUnsupported,
      "screening takes XGBoost, which this build does not have: install libxgboost-dev and build again");
}
}  // namespace

bool HasBoostedTrees() { return false; }
Result<std::shared_ptr<const BoostedTrees>> BoostedTrees::Train(std::span<const float>, size_t,
                                                                std::span<const float>,
                                                                const BoostingOptions&) {
  return NoLibrary();
}
Result<std::shared_ptr<const BoostedTrees>> BoostedTrees::Open(const std::filesystem::path&, size_t) {
  return NoLibrary();
}
Result<void> BoostedTrees::Save(const std::filesystem::path&) const { return NoLibrary(); }
Result<std::vector<float>> BoostedTrees::Predict(std::span<const float>) const { return NoLibrary(); }
Result<std::vector<float>> BoostedTrees::Contributions(std::span<const float>) const { return NoLibrary(); }

#endif

BoostedTrees::BoostedTrees(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoostedTrees::~BoostedTrees() = default;

}  // namespace sotto

#include "trainer/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace sotto {
namespace {

constexpr char kMagic[8] = {'S', 'O', 'T', 'T', 'O', 'C', 'K', 'P'};

struct Closer {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Closer>;

Result<std::string> ReadHeaderText(FILE* file, const std::string& name) {
  char magic[8];
  uint32_t size = 0;
  if (std::fread(magic, 1, sizeof magic, file) != sizeof magic ||
      std::memcmp(magic, kMagic, sizeof magic) != 0 || std::fread(&size, sizeof size, 1, file) != 1 ||
      size > (1u << 20)) {
    return MakeError(ErrorCode::kCorrupt, "{}: not a checkpoint of sotto-train", name);
  }
  std::string text(size, '\0');
  if (std::fread(text.data(), 1, size, file) != size) {
    return MakeError(ErrorCode::kCorrupt, "{}: the header is cut off", name);
  }
  return text;
}

}  // namespace

Result<void> WriteCheckpoint(const std::filesystem::path& path, const Json& header, const Weights& weights,
                             Optimizer& optimizer) {
  const std::filesystem::path part = path.string() + ".part";
  const std::string text = header.dump();
  const auto size = static_cast<uint32_t>(text.size());
  const auto fail = [&](const char* what) -> Result<void> {
    auto error = MakeError(ErrorCode::kIo, "{}: {}: {}", part.string(), what, std::strerror(errno));
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    return error;
  };
  {
    File file(std::fopen(part.c_str(), "wb"));
    if (file == nullptr) return fail("cannot be written");
    bool ok = std::fwrite(kMagic, 1, sizeof kMagic, file.get()) == sizeof kMagic &&
              std::fwrite(&size, sizeof size, 1, file.get()) == 1 &&
              std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
    for (const at::Tensor& t : {weights.flat(), optimizer.first_moment(), optimizer.second_moment()}) {
      const auto n = static_cast<size_t>(t.numel());
      ok = ok && std::fwrite(t.data_ptr<float>(), sizeof(float), n, file.get()) == n;
    }
    if (!ok || std::fflush(file.get()) != 0 || fsync(fileno(file.get())) != 0)
      return fail("cannot be written");
  }
  std::error_code error;
  std::filesystem::rename(part, path, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", path.string(), error.message());
  return {};
}

Result<Json> ReadCheckpointHeader(const std::filesystem::path& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return MakeError(ErrorCode::kNotFound, "{}: {}", path.string(), std::strerror(errno));
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadHeaderText(file.get(), path.string()));
  return ParseJson(text, path.string());
}

Result<void> ReadCheckpoint(const std::filesystem::path& path, Weights& weights, Optimizer& optimizer) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return MakeError(ErrorCode::kNotFound, "{}: {}", path.string(), std::strerror(errno));
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadHeaderText(file.get(), path.string()));
  SOTTO_ASSIGN_OR_RETURN(const Json header, ParseJson(text, path.string()));
  for (at::Tensor t : {weights.flat(), optimizer.first_moment(), optimizer.second_moment()}) {
    const auto n = static_cast<size_t>(t.numel());
    if (std::fread(t.data_ptr<float>(), sizeof(float), n, file.get()) != n) {
      return MakeError(ErrorCode::kCorrupt, "{}: cut off, or of a model of another size", path.string());
    }
  }
  if (std::fgetc(file.get()) != EOF) {
    return MakeError(ErrorCode::kCorrupt, "{}: of a model of another size", path.string());
  }
  optimizer.set_steps(header.value("step", int64_t{0}));
  return {};
}

}  // namespace sotto

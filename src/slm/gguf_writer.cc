#include "slm/gguf_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace sotto {
namespace {

constexpr size_t kAlignment = 32;

template <typename T>
void Append(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void AppendString(std::string& out, std::string_view text) {
  Append(out, uint64_t{text.size()});
  out += text;
}

std::string Encoded(GgufValueType type) {
  std::string out;
  Append(out, static_cast<uint32_t>(type));
  return out;
}

template <typename T>
std::string EncodeNumber(GgufValueType type, T value) {
  std::string out = Encoded(type);
  Append(out, value);
  return out;
}

std::string ArrayHeader(GgufValueType element_type, size_t count) {
  std::string out = Encoded(GgufValueType::kArray);
  Append(out, static_cast<uint32_t>(element_type));
  Append(out, uint64_t{count});
  return out;
}

template <typename T>
std::string EncodeNumbers(GgufValueType element_type, std::span<const T> values) {
  std::string out = ArrayHeader(element_type, values.size());
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return out;
}

template <typename Text>
std::string EncodeStrings(std::span<const Text> values) {
  std::string out = ArrayHeader(GgufValueType::kString, values.size());
  for (const Text& value : values) AppendString(out, value);
  return out;
}

std::string EncodeInteger(GgufValueType type, uint64_t bits) {
  switch (type) {
    case GgufValueType::kU8:
    case GgufValueType::kI8:
      return EncodeNumber(type, static_cast<uint8_t>(bits));
    case GgufValueType::kU16:
    case GgufValueType::kI16:
      return EncodeNumber(type, static_cast<uint16_t>(bits));
    case GgufValueType::kU32:
    case GgufValueType::kI32:
      return EncodeNumber(type, static_cast<uint32_t>(bits));
    default:
      return EncodeNumber(type, bits);
  }
}

std::string EncodeValue(const GgufValue& value) {
  struct Visitor {
    GgufValueType type;
    std::string operator()(uint64_t number) const { return EncodeInteger(type, number); }
    std::string operator()(int64_t number) const {
      return EncodeInteger(type, static_cast<uint64_t>(number));
    }
    std::string operator()(double number) const {
      if (type == GgufValueType::kF32) return EncodeNumber(type, static_cast<float>(number));
      return EncodeNumber(type, number);
    }
    std::string operator()(bool flag) const { return EncodeNumber(type, static_cast<uint8_t>(flag)); }
    std::string operator()(std::string_view text) const {
      std::string out = Encoded(type);
      AppendString(out, text);
      return out;
    }
    std::string operator()(const GgufArray& array) const {
      if (array.element_type == GgufValueType::kString) {
        return EncodeStrings(std::span<const std::string_view>(array.strings));
      }
      std::string out = ArrayHeader(array.element_type, array.count);
      out.append(reinterpret_cast<const char*>(array.raw.data()), array.raw.size());
      return out;
    }
  };
  return std::visit(Visitor{value.type}, value.value);
}

size_t Padding(size_t size) { return (kAlignment - size % kAlignment) % kAlignment; }

// The temporary file of one Write(): removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& path)
      : path_(path.string()), temporary_(fmt::format("{}.{}.tmp", path_, ::getpid())) {}
  ~TemporaryFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!done_) ::unlink(temporary_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Result<void> Create() {
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) return Failed("create");
    return {};
  }
  Result<void> Append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Failed("write");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }
  Result<void> Commit() {
    if (::fsync(fd_) != 0) return Failed("sync");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return Failed("rename");
    done_ = true;
    return {};
  }

 private:
  tl::unexpected<Error> Failed(std::string_view what) const {
    const int number = errno;
    return MakeError(number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
                     "cannot {} {}: {}", what, path_, std::strerror(number));
  }

  std::string path_;
  std::string temporary_;
  int fd_ = -1;
  bool done_ = false;
};

}  // namespace

void GgufWriter::Set(std::string_view key, std::string encoded) {
  SOTTO_CHECK(!key.empty());
  const auto [place, added] = index_.emplace(std::string(key), entries_.size());
  if (added) {
    entries_.push_back({std::string(key), std::move(encoded)});
  } else {
    entries_[place->second].encoded = std::move(encoded);
  }
}

void GgufWriter::SetU32(std::string_view key, uint32_t value) {
  Set(key, EncodeNumber(GgufValueType::kU32, value));
}
void GgufWriter::SetI32(std::string_view key, int32_t value) {
  Set(key, EncodeNumber(GgufValueType::kI32, value));
}
void GgufWriter::SetU64(std::string_view key, uint64_t value) {
  Set(key, EncodeNumber(GgufValueType::kU64, value));
}
void GgufWriter::SetF32(std::string_view key, float value) {
  Set(key, EncodeNumber(GgufValueType::kF32, value));
}
void GgufWriter::SetBool(std::string_view key, bool value) {
  Set(key, EncodeNumber(GgufValueType::kBool, static_cast<uint8_t>(value)));
}
void GgufWriter::SetString(std::string_view key, std::string_view value) {
  Set(key, EncodeValue({GgufValueType::kString, value}));
}
void GgufWriter::SetStringArray(std::string_view key, std::span<const std::string> values) {
  Set(key, EncodeStrings(values));
}
void GgufWriter::SetStringArray(std::string_view key, std::span<const std::string_view> values) {
  Set(key, EncodeStrings(values));
}
void GgufWriter::SetF32Array(std::string_view key, std::span<const float> values) {
  Set(key, EncodeNumbers(GgufValueType::kF32, values));
}
void GgufWriter::SetI32Array(std::string_view key, std::span<const int32_t> values) {
  Set(key, EncodeNumbers(GgufValueType::kI32, values));
}
void GgufWriter::SetU32Array(std::string_view key, std::span<const uint32_t> values) {
  Set(key, EncodeNumbers(GgufValueType::kU32, values));
}
void GgufWriter::SetValue(std::string_view key, const GgufValue& value) { Set(key, EncodeValue(value)); }

void GgufWriter::Remove(std::string_view key) {
  const auto found = index_.find(std::string(key));
  if (found == index_.end()) return;
  entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(found->second));
  index_.clear();
  for (size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].key, i);
}

// Tensors are always laid out at the default alignment, so a file's own value is not taken over.
void GgufWriter::CopyMetadata(const GgufFile& file) {
  for (const GgufEntry& entry : file.metadata()) {
    if (entry.key != "general.alignment") SetValue(entry.key, entry.value);
  }
}

GgufWriter::Tensor& GgufWriter::NewTensor(std::string_view name, DType type,
                                          std::span<const uint64_t> shape) {
  SOTTO_CHECK(!shape.empty() && shape.size() <= 4 && shape[0] % BlockSize(type) == 0,
              "tensor {}: rows of {} are not whole blocks", name, shape.empty() ? 0 : shape[0]);
  size_t size_bytes = shape[0] / BlockSize(type) * BlockBytes(type);
  for (const uint64_t size : shape.subspan(1)) size_bytes *= size;
  return tensors_.emplace_back(
      Tensor{std::string(name), type, std::vector<uint64_t>(shape.begin(), shape.end()), size_bytes, {}, {}});
}

void GgufWriter::AddTensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                           std::span<const std::byte> data) {
  Tensor& tensor = NewTensor(name, type, shape);
  SOTTO_CHECK(data.size() == tensor.size_bytes, "tensor {}: {} bytes, its shape needs {}", name, data.size(),
              tensor.size_bytes);
  tensor.data = data;
}

void GgufWriter::AddTensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                           std::function<Result<void>(std::span<std::byte>)> fill) {
  NewTensor(name, type, shape).fill = std::move(fill);
}

std::string GgufWriter::Header() const {
  std::string out = "GGUF";
  Append(out, uint32_t{3});
  Append(out, uint64_t{tensors_.size()});
  Append(out, uint64_t{entries_.size()});
  for (const Entry& entry : entries_) {
    AppendString(out, entry.key);
    out += entry.encoded;
  }
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    AppendString(out, tensor.name);
    Append(out, static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t size : tensor.shape) Append(out, size);
    Append(out, static_cast<uint32_t>(tensor.type));
    Append(out, offset);
    offset += tensor.size_bytes + Padding(tensor.size_bytes);
  }
  out.append(Padding(out.size()), '\0');
  return out;
}

Result<void> GgufWriter::Stream(const std::function<Result<void>(std::string_view)>& sink) const {
  SOTTO_RETURN_IF_ERROR(sink(Header()));
  std::vector<std::byte> buffer;
  for (const Tensor& tensor : tensors_) {
    std::span<const std::byte> data = tensor.data;
    if (tensor.fill) {
      buffer.assign(tensor.size_bytes, std::byte{0});
      SOTTO_RETURN_IF_ERROR(tensor.fill(buffer));
      data = buffer;
    }
    SOTTO_RETURN_IF_ERROR(sink({reinterpret_cast<const char*>(data.data()), data.size()}));
    SOTTO_RETURN_IF_ERROR(sink(std::string(Padding(tensor.size_bytes), '\0')));
  }
  return {};
}

Result<void> GgufWriter::Write(const std::filesystem::path& path) const {
  TemporaryFile file(path);
  SOTTO_RETURN_IF_ERROR(file.Create());
  SOTTO_RETURN_IF_ERROR(Stream([&](std::string_view bytes) { return file.Append(bytes); }));
  return file.Commit();
}

Result<std::string> GgufWriter::ToBytes() const {
  std::string out;
  SOTTO_RETURN_IF_ERROR(Stream([&](std::string_view bytes) -> Result<void> {
    out += bytes;
    return {};
  }));
  return out;
}

}  // namespace sotto

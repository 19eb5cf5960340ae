#include "slm/gguf.h"

#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"

static_assert(std::endian::native == std::endian::little, "GGUF values are read in place");

namespace sotto {
namespace {

// Types of the format that this build does not compute, by number.
constexpr std::pair<uint32_t, std::string_view> kOtherTypes[] = {
    {3, "Q4_1"},    {9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"},
    {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},
    {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},   {26, "I32"},    {27, "I64"},   {28, "F64"},
    {29, "IQ1_M"},  {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"},
};

// Bytes of one number of the metadata; 0 for strings, arrays and unknown types.
size_t NumberBytes(GgufValueType type) {
  switch (type) {
    case GgufValueType::kU8:
    case GgufValueType::kI8:
    case GgufValueType::kBool:
      return 1;
    case GgufValueType::kU16:
    case GgufValueType::kI16:
      return 2;
    case GgufValueType::kU32:
    case GgufValueType::kI32:
    case GgufValueType::kF32:
      return 4;
    case GgufValueType::kU64:
    case GgufValueType::kI64:
    case GgufValueType::kF64:
      return 8;
    default:
      return 0;
  }
}

template <typename T>
T Load(const std::byte* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

// One number as the alternative that GgufValue keeps it in. REQUIRES: NumberBytes(type) bytes at `data`.
GgufValue LoadNumber(GgufValueType type, const std::byte* data) {
  switch (type) {
    case GgufValueType::kU8:
      return {type, uint64_t{Load<uint8_t>(data)}};
    case GgufValueType::kU16:
      return {type, uint64_t{Load<uint16_t>(data)}};
    case GgufValueType::kU32:
      return {type, uint64_t{Load<uint32_t>(data)}};
    case GgufValueType::kU64:
      return {type, Load<uint64_t>(data)};
    case GgufValueType::kI8:
      return {type, int64_t{Load<int8_t>(data)}};
    case GgufValueType::kI16:
      return {type, int64_t{Load<int16_t>(data)}};
    case GgufValueType::kI32:
      return {type, int64_t{Load<int32_t>(data)}};
    case GgufValueType::kI64:
      return {type, Load<int64_t>(data)};
    case GgufValueType::kF32:
      return {type, double{Load<float>(data)}};
    case GgufValueType::kF64:
      return {type, Load<double>(data)};
    case GgufValueType::kBool:
      return {type, Load<uint8_t>(data) != 0};
    default:
      SOTTO_CHECK(false, "not a number");
  }
}

// The value as an integer in [low, high], if it is one.
std::optional<int64_t> AsInteger(const GgufValue& value, int64_t low, int64_t high) {
  if (const auto* number = std::get_if<int64_t>(&value.value)) {
    if (*number >= low && *number <= high) return *number;
  } else if (const auto* positive = std::get_if<uint64_t>(&value.value)) {
    if (*positive <= static_cast<uint64_t>(high)) return static_cast<int64_t>(*positive);
  }
  return std::nullopt;
}

}  // namespace

std::string_view GgufTensorTypeName(DType type) {
  const uint32_t number = static_cast<uint32_t>(type);
  if (const auto computed = DTypeFromId(number)) return DTypeName(*computed);
  for (const auto& [other, name] : kOtherTypes) {
    if (other == number) return name;
  }
  return "?";
}

std::string_view GgufSupportedTensorTypes() {
  return "F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K";
}

std::string_view GgufValueTypeName(GgufValueType type) {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  const auto index = static_cast<size_t>(type);
  return index < std::size(kNames) ? kNames[index] : "?";
}

std::string ShapeToString(const GgufTensor& tensor) {
  std::string text = "[";
  for (int i = 0; i < tensor.n_dims; ++i) {
    text += fmt::format("{}{}", i > 0 ? ", " : "", tensor.shape[static_cast<size_t>(i)]);
  }
  return text + "]";
}

// Reads the bytes of one file from front to back. Every Read... checks against the end first.
class GgufParser {
 public:
  explicit GgufParser(GgufFile& file) : file_(file), bytes_(file.bytes_) {}

  Result<void> Run() {
    SOTTO_RETURN_IF_ERROR(ReadHeader());
    SOTTO_RETURN_IF_ERROR(ReadMetadata());
    SOTTO_RETURN_IF_ERROR(ReadAlignment());
    SOTTO_RETURN_IF_ERROR(ReadTensorInfos());
    return PlaceTensors();
  }

 private:
  template <typename... Args>
  tl::unexpected<Error> Corrupt(fmt::format_string<Args...> format, Args&&... args) const {
    return MakeError(ErrorCode::kCorrupt, "{}: {}", file_.path_,
                     fmt::format(format, std::forward<Args>(args)...));
  }

  size_t remaining() const { return bytes_.size() - position_; }

  template <typename T>
  Result<T> Read(std::string_view field) {
    if (remaining() < sizeof(T)) {
      return Corrupt("truncated at byte {} in {}", bytes_.size(), field);
    }
    const T value = Load<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }

  Result<std::string_view> ReadString(std::string_view field) {
    SOTTO_ASSIGN_OR_RETURN(const uint64_t length, Read<uint64_t>(field));
    if (length > remaining()) {
      return Corrupt("{} has length {}, but only {} bytes are left", field, length, remaining());
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + position_), length);
    position_ += length;
    return text;
  }

  Result<void> ReadHeader() {
    if (bytes_.size() < 4 || std::memcmp(bytes_.data(), "GGUF", 4) != 0) {
      return Corrupt("not a GGUF file: it does not begin with the magic \"GGUF\"");
    }
    position_ = 4;
    SOTTO_ASSIGN_OR_RETURN(const uint32_t version, Read<uint32_t>("version"));
    if (version != 3 && version != 2) {
      return MakeError(ErrorCode::kUnsupported, "{}: GGUF version {}; supported are 2 and 3", file_.path_,
                       version);
    }
    SOTTO_ASSIGN_OR_RETURN(n_tensors_, Read<uint64_t>("tensor count"));
    SOTTO_ASSIGN_OR_RETURN(n_metadata_, Read<uint64_t>("metadata count"));
    // The smallest tensor info has 8 + 1 + 4 + 8 + 4 + 8 bytes, the smallest entry 8 + 1 + 4 + 1.
    if (n_tensors_ > remaining() / 33) return Corrupt("tensor count {} exceeds the file", n_tensors_);
    if (n_metadata_ > remaining() / 14) return Corrupt("metadata count {} exceeds the file", n_metadata_);
    return {};
  }

  Result<void> ReadMetadata() {
    file_.metadata_.reserve(n_metadata_);
    for (uint64_t i = 0; i < n_metadata_; ++i) {
      SOTTO_ASSIGN_OR_RETURN(const std::string_view key, ReadString(fmt::format("metadata key {}", i)));
      if (key.empty()) return Corrupt("metadata key {} is empty", i);
      SOTTO_ASSIGN_OR_RETURN(const uint32_t type, Read<uint32_t>(fmt::format("the type of {}", Shown(key))));
      SOTTO_ASSIGN_OR_RETURN(GgufValue value, ReadValue(static_cast<GgufValueType>(type), key));
      if (!file_.metadata_index_.emplace(key, file_.metadata_.size()).second) {
        return Corrupt("metadata key {} stands there twice", Shown(key));
      }
      file_.metadata_.push_back({key, std::move(value)});
    }
    return {};
  }

  Result<GgufValue> ReadValue(GgufValueType type, std::string_view key) {
    if (type == GgufValueType::kString) {
      SOTTO_ASSIGN_OR_RETURN(const std::string_view text, ReadString(Shown(key)));
      return GgufValue{type, text};
    }
    if (type == GgufValueType::kArray) {
      SOTTO_ASSIGN_OR_RETURN(GgufArray array, ReadArray(key));
      return GgufValue{type, std::move(array)};
    }
    const size_t size = NumberBytes(type);
    if (size == 0)
      return Corrupt("{} has the unknown value type {}", Shown(key), static_cast<uint32_t>(type));
    if (remaining() < size) return Corrupt("truncated at byte {} in {}", bytes_.size(), Shown(key));
    position_ += size;
    return LoadNumber(type, bytes_.data() + position_ - size);
  }

  Result<GgufArray> ReadArray(std::string_view key) {
    GgufArray array;
    SOTTO_ASSIGN_OR_RETURN(const uint32_t type, Read<uint32_t>(Shown(key)));
    SOTTO_ASSIGN_OR_RETURN(const uint64_t count, Read<uint64_t>(Shown(key)));
    array.element_type = static_cast<GgufValueType>(type);
    const size_t size = array.element_type == GgufValueType::kString ? 8 : NumberBytes(array.element_type);
    if (size == 0) return Corrupt("{} is an array of the unsupported element type {}", Shown(key), type);
    if (count > remaining() / size) {
      return Corrupt("{} has {} elements, but only {} bytes are left", Shown(key), count, remaining());
    }
    array.count = count;
    if (array.element_type != GgufValueType::kString) {
      array.raw = bytes_.subspan(position_, count * size);
      position_ += count * size;
      return array;
    }
    array.strings.reserve(count);
    const std::string field = Shown(key);
    for (uint64_t i = 0; i < count; ++i) {
      SOTTO_ASSIGN_OR_RETURN(const std::string_view text, ReadString(field));
      array.strings.push_back(text);
    }
    return array;
  }

  Result<void> ReadAlignment() {
    SOTTO_ASSIGN_OR_RETURN(file_.alignment_, file_.GetU32Or("general.alignment", 32));
    if (!std::has_single_bit(file_.alignment_) || file_.alignment_ < 8 || file_.alignment_ > (1u << 20)) {
      return Corrupt("general.alignment is {}; it must be a power of two from 8 to 1048576",
                     file_.alignment_);
    }
    return {};
  }

  Result<void> ReadTensorInfos() {
    file_.tensors_.reserve(n_tensors_);
    offsets_.reserve(n_tensors_);
    for (uint64_t i = 0; i < n_tensors_; ++i) {
      GgufTensor tensor;
      SOTTO_ASSIGN_OR_RETURN(tensor.name, ReadString(fmt::format("the name of tensor {}", i)));
      if (tensor.name.empty()) return Corrupt("tensor {} has an empty name", i);
      SOTTO_RETURN_IF_ERROR(ReadShape(tensor));
      SOTTO_ASSIGN_OR_RETURN(const uint32_t type, Read<uint32_t>(Shown(tensor.name)));
      tensor.type = static_cast<DType>(type);
      if (!DTypeFromId(type)) {
        return MakeError(ErrorCode::kUnsupported, "{}: tensor {} has type {} ({}); supported are {}",
                         file_.path_, Shown(tensor.name), type, GgufTensorTypeName(tensor.type),
                         GgufSupportedTensorTypes());
      }
      SOTTO_ASSIGN_OR_RETURN(const uint64_t offset, Read<uint64_t>(Shown(tensor.name)));
      if (offset % file_.alignment_ != 0) {
        return Corrupt("tensor {} has offset {}, not a multiple of the alignment {}", Shown(tensor.name),
                       offset, file_.alignment_);
      }
      if (!file_.tensor_index_.emplace(tensor.name, file_.tensors_.size()).second) {
        return Corrupt("tensor {} stands there twice", Shown(tensor.name));
      }
      offsets_.push_back(offset);
      file_.tensors_.push_back(tensor);
    }
    return {};
  }

  Result<void> ReadShape(GgufTensor& tensor) {
    SOTTO_ASSIGN_OR_RETURN(const uint32_t n_dims, Read<uint32_t>(Shown(tensor.name)));
    if (n_dims < 1 || n_dims > 4) {
      return Corrupt("tensor {} has {} dimensions; allowed are 1 to 4", Shown(tensor.name), n_dims);
    }
    tensor.n_dims = static_cast<int>(n_dims);
    uint64_t n_elements = 1;
    for (uint32_t i = 0; i < n_dims; ++i) {
      SOTTO_ASSIGN_OR_RETURN(const uint64_t size, Read<uint64_t>(Shown(tensor.name)));
      // No real tensor comes near 2^48 elements; below that no later product can overflow.
      if (size == 0 || size > (uint64_t{1} << 48) / n_elements) {
        return Corrupt("dimension {} of tensor {} is {}", i, Shown(tensor.name), size);
      }
      n_elements *= size;
      tensor.shape[i] = size;
    }
    return {};
  }

  // Tensor data begins at the first aligned byte after the infos.
  Result<void> PlaceTensors() {
    const size_t mask = file_.alignment_ - 1;
    const size_t data_begin = (position_ + mask) & ~mask;
    const size_t data_bytes = data_begin < bytes_.size() ? bytes_.size() - data_begin : 0;
    for (size_t i = 0; i < file_.tensors_.size(); ++i) {
      GgufTensor& tensor = file_.tensors_[i];
      const size_t block = BlockSize(tensor.type);
      if (tensor.shape[0] % block != 0) {
        return Corrupt("rows of tensor {} have {} elements, not a multiple of {}'s block of {}",
                       Shown(tensor.name), tensor.shape[0], GgufTensorTypeName(tensor.type), block);
      }
      const uint64_t size = tensor.n_elements() / block * BlockBytes(tensor.type);
      if (offsets_[i] > data_bytes || size > data_bytes - offsets_[i]) {
        return Corrupt("tensor {} ends beyond the file (offset {}, {} bytes; the data has {} bytes)",
                       Shown(tensor.name), offsets_[i], size, data_bytes);
      }
      tensor.data = bytes_.subspan(data_begin + offsets_[i], size);
    }
    return {};
  }

  // A key or name fit for a one-line message, whatever bytes it has.
  static std::string Shown(std::string_view text) {
    std::string shown = "\"";
    for (const char c : text.substr(0, 80)) shown += c >= ' ' && c < 127 ? c : '?';
    return shown + (text.size() > 80 ? "...\"" : "\"");
  }

  GgufFile& file_;
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  uint64_t n_tensors_ = 0;
  uint64_t n_metadata_ = 0;
  std::vector<uint64_t> offsets_;
};

Result<std::shared_ptr<const GgufFile>> GgufFile::Open(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::Open(path));
  std::shared_ptr<GgufFile> file(new GgufFile);
  file->path_ = path.string();
  file->mapped_.emplace(std::move(mapped));
  file->bytes_ = file->mapped_->bytes();
  SOTTO_RETURN_IF_ERROR(GgufParser(*file).Run());
  return file;
}

Result<std::shared_ptr<const GgufFile>> GgufFile::Parse(std::string contents, std::string_view name) {
  std::shared_ptr<GgufFile> file(new GgufFile);
  file->path_ = name;
  file->owned_ = std::move(contents);
  file->bytes_ = std::as_bytes(std::span(file->owned_));
  SOTTO_RETURN_IF_ERROR(GgufParser(*file).Run());
  return file;
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto found = metadata_index_.find(key);
  return found == metadata_index_.end() ? nullptr : &metadata_[found->second].value;
}

Result<const GgufValue*> GgufFile::Get(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return MakeError(ErrorCode::kNotFound, "{}: metadata key {} is missing", path_, key);
  return value;
}

tl::unexpected<Error> GgufFile::WrongType(std::string_view key, const GgufValue& value,
                                          std::string_view wanted) const {
  if (const auto* array = std::get_if<GgufArray>(&value.value)) {
    return MakeError(ErrorCode::kCorrupt, "{}: metadata key {} is an array of {}, wanted {}", path_, key,
                     GgufValueTypeName(array->element_type), wanted);
  }
  return MakeError(ErrorCode::kCorrupt, "{}: metadata key {} is a {}, wanted {}", path_, key,
                   GgufValueTypeName(value.type), wanted);
}

Result<uint32_t> GgufFile::GetU32(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto number = AsInteger(*value, 0, std::numeric_limits<uint32_t>::max());
  if (!number) return WrongType(key, *value, "an integer from 0 to 4294967295");
  return static_cast<uint32_t>(*number);
}

Result<uint64_t> GgufFile::GetU64(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto number = AsInteger(*value, 0, std::numeric_limits<int64_t>::max());
  if (!number) return WrongType(key, *value, "an integer from 0 to 9223372036854775807");
  return static_cast<uint64_t>(*number);
}

Result<float> GgufFile::GetF32(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto* number = std::get_if<double>(&value->value);
  if (number == nullptr) return WrongType(key, *value, "a floating point number");
  return static_cast<float>(*number);
}

Result<bool> GgufFile::GetBool(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto* flag = std::get_if<bool>(&value->value);
  if (flag == nullptr) return WrongType(key, *value, "a bool");
  return *flag;
}

Result<std::string_view> GgufFile::GetString(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto* text = std::get_if<std::string_view>(&value->value);
  if (text == nullptr) return WrongType(key, *value, "a string");
  return *text;
}

Result<std::vector<float>> GgufFile::GetF32Array(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto* array = std::get_if<GgufArray>(&value->value);
  if (array == nullptr ||
      (array->element_type != GgufValueType::kF32 && array->element_type != GgufValueType::kF64)) {
    return WrongType(key, *value, "an array of f32");
  }
  std::vector<float> numbers(array->count);
  const size_t size = NumberBytes(array->element_type);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const GgufValue number = LoadNumber(array->element_type, array->raw.data() + i * size);
    numbers[i] = static_cast<float>(std::get<double>(number.value));
  }
  return numbers;
}

Result<std::vector<int32_t>> GgufFile::GetI32Array(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto* array = std::get_if<GgufArray>(&value->value);
  const size_t size = array != nullptr ? NumberBytes(array->element_type) : 0;
  if (size == 0) return WrongType(key, *value, "an array of i32");
  std::vector<int32_t> numbers(array->count);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto number = AsInteger(LoadNumber(array->element_type, array->raw.data() + i * size),
                                  std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
    if (!number) return WrongType(key, *value, "an array of i32");
    numbers[i] = static_cast<int32_t>(*number);
  }
  return numbers;
}

Result<std::span<const std::string_view>> GgufFile::GetStringArray(std::string_view key) const {
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  const auto* array = std::get_if<GgufArray>(&value->value);
  if (array == nullptr || array->element_type != GgufValueType::kString) {
    return WrongType(key, *value, "an array of strings");
  }
  return std::span<const std::string_view>(array->strings);
}

Result<uint32_t> GgufFile::GetU32Or(std::string_view key, uint32_t fallback) const {
  if (!Has(key)) return fallback;
  return GetU32(key);
}

Result<float> GgufFile::GetF32Or(std::string_view key, float fallback) const {
  if (!Has(key)) return fallback;
  return GetF32(key);
}

Result<bool> GgufFile::GetBoolOr(std::string_view key, bool fallback) const {
  if (!Has(key)) return fallback;
  return GetBool(key);
}

Result<std::string_view> GgufFile::GetStringOr(std::string_view key, std::string_view fallback) const {
  if (!Has(key)) return fallback;
  return GetString(key);
}

Result<std::optional<uint32_t>> GgufFile::GetOptionalU32(std::string_view key) const {
  if (!Has(key)) return std::optional<uint32_t>();
  SOTTO_ASSIGN_OR_RETURN(const GgufValue* value, Get(key));
  if (const auto* number = std::get_if<int64_t>(&value->value); number != nullptr && *number == -1) {
    return std::optional<uint32_t>();
  }
  SOTTO_ASSIGN_OR_RETURN(const uint32_t number, GetU32(key));
  if (number == std::numeric_limits<uint32_t>::max()) return std::optional<uint32_t>();
  return std::optional<uint32_t>(number);
}

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

Result<const GgufTensor*> GgufFile::GetTensor(std::string_view name) const {
  const GgufTensor* tensor = FindTensor(name);
  if (tensor == nullptr) return MakeError(ErrorCode::kNotFound, "{}: tensor {} is missing", path_, name);
  return tensor;
}

}  // namespace sotto

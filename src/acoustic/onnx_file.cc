#include "acoustic/onnx_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/mapped_file.h"
#include "base/sha256.h"

namespace sotto {
namespace {

// More than any model that this reads, and far below what a hostile header could make one allocate.
constexpr size_t kMaxElements = size_t{1} << 30;

size_t ElementBytes(OnnxType type) {
  switch (type) {
    case OnnxType::kFloat:
      return 4;
    case OnnxType::kInt64:
      return 8;
    case OnnxType::kUint8:
    case OnnxType::kInt8:
      return 1;
    case OnnxType::kOther:
      return 0;
  }
  return 0;
}

OnnxType TypeOf(int32_t type) {
  switch (type) {
    case 1:
    case 2:
    case 3:
    case 7:
      return static_cast<OnnxType>(type);
    default:
      return OnnxType::kOther;
  }
}

// Values of the numbers' own field, for types that are written there where there are no raw bytes.
template <typename Stored, typename Field>
std::string Packed(const Field& field) {
  std::string data(static_cast<size_t>(field.size()) * sizeof(Stored), '\0');
  for (int i = 0; i < field.size(); ++i) {
    const auto value = static_cast<Stored>(field.Get(i));
    std::memcpy(data.data() + static_cast<size_t>(i) * sizeof(Stored), &value, sizeof(Stored));
  }
  return data;
}

std::string DataOf(const onnx::TensorProto& proto, OnnxType type) {
  if (proto.has_raw_data()) return proto.raw_data();
  switch (type) {
    case OnnxType::kFloat:
      return Packed<float>(proto.float_data());
    case OnnxType::kUint8:
    case OnnxType::kInt8:
      return Packed<uint8_t>(proto.int32_data());
    case OnnxType::kInt64:
      return Packed<int64_t>(proto.int64_data());
    case OnnxType::kOther:
      return {};
  }
  return {};
}

}  // namespace

size_t OnnxTensor::n_elements() const {
  size_t n = 1;
  for (const size_t dim : dims) n *= dim;
  return n;
}

std::string OnnxTensor::shape() const { return fmt::format("[{}]", fmt::join(dims, ", ")); }

class OnnxReader {
 public:
  explicit OnnxReader(OnnxFile& file) : file_(file) {}

  Result<void> Read(std::string_view bytes) {
    onnx::ModelProto model;
    google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                              static_cast<int>(bytes.size()));
    if (!model.ParseFromCodedStream(&in) || !in.ConsumedEntireMessage()) {
      return MakeError(ErrorCode::kCorrupt, "{}: no ONNX file, or a damaged or truncated one", file_.path_);
    }
    if (!model.has_graph() || model.graph().node_size() == 0) {
      return MakeError(ErrorCode::kCorrupt, "{}: an ONNX file without a graph", file_.path_);
    }
    for (const auto& input : model.graph().input()) file_.inputs_.push_back(input.name());
    return Graph(model.graph(), 0);
  }

 private:
  Result<void> Graph(const onnx::GraphProto& graph, int depth) {
    if (depth > 16) return MakeError(ErrorCode::kCorrupt, "{}: branches within branches", file_.path_);
    for (const auto& tensor : graph.initializer()) SOTTO_RETURN_IF_ERROR(Tensor(tensor, tensor.name()));
    for (const auto& node : graph.node()) SOTTO_RETURN_IF_ERROR(Node(node, depth));
    return {};
  }

  Result<void> Node(const onnx::NodeProto& proto, int depth) {
    OnnxNode node;
    node.op = proto.op_type();
    node.name = proto.name();
    node.inputs.assign(proto.input().begin(), proto.input().end());
    node.outputs.assign(proto.output().begin(), proto.output().end());
    for (const auto& attribute : proto.attribute()) {
      if (attribute.has_i()) node.integers[attribute.name()] = {attribute.i()};
      if (attribute.ints_size() > 0)
        node.integers[attribute.name()].assign(attribute.ints().begin(), attribute.ints().end());
      if (attribute.has_t() && node.op == "Constant" && !node.outputs.empty())
        SOTTO_RETURN_IF_ERROR(Tensor(attribute.t(), node.outputs[0]));
    }
    file_.nodes_.push_back(std::move(node));
    for (const auto& attribute : proto.attribute()) {
      if (attribute.has_g()) SOTTO_RETURN_IF_ERROR(Graph(attribute.g(), depth + 1));
    }
    return {};
  }

  Result<void> Tensor(const onnx::TensorProto& proto, const std::string& name) {
    OnnxTensor tensor;
    tensor.name = name;
    tensor.type = TypeOf(proto.data_type());
    size_t n = 1;
    for (const int64_t dim : proto.dims()) {
      if (dim < 0 || (dim > 0 && n > kMaxElements / static_cast<size_t>(dim))) {
        return MakeError(ErrorCode::kCorrupt, "{}: tensor {} has a dimension of {}", file_.path_, name, dim);
      }
      n *= static_cast<size_t>(dim);
      tensor.dims.push_back(static_cast<size_t>(dim));
    }
    if (proto.external_data_size() > 0) {
      return MakeError(ErrorCode::kUnsupported, "{}: tensor {} lies in another file, which is not supported",
                       file_.path_, name);
    }
    if (tensor.type != OnnxType::kOther) {
      tensor.data = DataOf(proto, tensor.type);
      if (tensor.data.size() != n * ElementBytes(tensor.type)) {
        return MakeError(ErrorCode::kCorrupt, "{}: tensor {} of shape {} has {} bytes, expected {}",
                         file_.path_, name, tensor.shape(), tensor.data.size(),
                         n * ElementBytes(tensor.type));
      }
    }
    file_.tensors_.insert_or_assign(name, std::move(tensor));
    return {};
  }

  OnnxFile& file_;
};

Result<OnnxFile> OnnxFile::Open(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  return Parse(bytes, path.string());
}

Result<OnnxFile> OnnxFile::Parse(std::string_view bytes, std::string name) {
  OnnxFile file;
  file.path_ = std::move(name);
  if (bytes.size() > INT32_MAX) {
    return MakeError(ErrorCode::kUnsupported, "{}: {} bytes, ONNX files are at most 2 GB", file.path_,
                     bytes.size());
  }
  SOTTO_RETURN_IF_ERROR(OnnxReader(file).Read(bytes));
  file.sha256_ = Sha256(bytes);
  return file;
}

const OnnxTensor* OnnxFile::Find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<const OnnxTensor*> OnnxFile::Get(std::string_view name) const {
  if (const OnnxTensor* tensor = Find(name)) return tensor;
  return MakeError(ErrorCode::kUnsupported, "{}: has no constant {}: not a model that can be imported", path_,
                   name);
}

tl::unexpected<Error> OnnxFile::Wrong(const OnnxTensor& tensor, std::string_view wanted) const {
  return MakeError(ErrorCode::kUnsupported, "{}: tensor {} has shape {} and type {}, expected {}", path_,
                   tensor.name, tensor.shape(), static_cast<int>(tensor.type), wanted);
}

Result<void> OnnxFile::CheckOperations(std::span<const std::string_view> known) const {
  for (const OnnxNode& node : nodes_) {
    if (std::ranges::find(known, node.op) == known.end()) {
      return MakeError(ErrorCode::kUnsupported,
                       "{}: operation {} of node '{}' is not one of a model that can be imported", path_,
                       node.op, node.name);
    }
  }
  return {};
}

namespace {

bool SameShape(std::span<const size_t> dims, std::span<const size_t> wanted) {
  const auto trimmed = [](std::span<const size_t> shape) {
    while (!shape.empty() && shape.back() == 1) shape = shape.first(shape.size() - 1);
    return shape;
  };
  return std::ranges::equal(trimmed(dims), trimmed(wanted));
}

std::vector<float> FloatsOf(const OnnxTensor& tensor) {
  std::vector<float> values(tensor.n_elements());
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

}  // namespace

Result<std::vector<float>> OnnxFile::Floats(std::string_view name, std::span<const size_t> dims) const {
  SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* tensor, Get(name));
  if (tensor->type != OnnxType::kFloat || !SameShape(tensor->dims, dims)) {
    return Wrong(*tensor, fmt::format("floats [{}]", fmt::join(dims, ", ")));
  }
  std::vector<float> values = FloatsOf(*tensor);
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
    return MakeError(ErrorCode::kCorrupt, "{}: tensor {} holds values that are no finite numbers", path_,
                     name);
  }
  return values;
}

Result<float> OnnxFile::Number(std::string_view name) const {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<float> values, Floats(name, {}));
  return values[0];
}

Result<std::vector<int64_t>> OnnxFile::Integers(std::string_view name) const {
  SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* tensor, Get(name));
  if (tensor->type != OnnxType::kInt64) return Wrong(*tensor, "integers");
  std::vector<int64_t> values(tensor->n_elements());
  std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

Result<OnnxFile::Dequantised> OnnxFile::Dequantise(std::string_view base,
                                                   std::span<const size_t> dims) const {
  SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* quants, Get(fmt::format("{}_quantized", base)));
  const bool is_signed = quants->type == OnnxType::kInt8;
  if ((!is_signed && quants->type != OnnxType::kUint8) || !SameShape(quants->dims, dims)) {
    return Wrong(*quants, fmt::format("8-bit integers [{}]", fmt::join(dims, ", ")));
  }
  SOTTO_ASSIGN_OR_RETURN(const float scale, Number(fmt::format("{}_scale", base)));
  SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* zero, Get(fmt::format("{}_zero_point", base)));
  if (!(scale > 0)) {
    return MakeError(ErrorCode::kCorrupt, "{}: {}_scale is {}, expected a positive number", path_, base,
                     scale);
  }
  const auto integer = [](char byte, bool with_sign) {
    return with_sign ? static_cast<int>(static_cast<signed char>(byte))
                     : static_cast<int>(static_cast<unsigned char>(byte));
  };
  Dequantised out;
  out.values.resize(quants->n_elements());
  if (zero->type == OnnxType::kFloat) {
    SOTTO_ASSIGN_OR_RETURN(const float offset, Number(zero->name));
    for (size_t i = 0; i < out.values.size(); ++i)
      out.values[i] = static_cast<float>(integer(quants->data[i], is_signed)) * scale + offset;
    return out;
  }
  if (zero->type != quants->type || zero->n_elements() != 1) {
    return Wrong(*zero, "one zero point of the quants' own type");
  }
  const int offset = integer(zero->data[0], is_signed);
  out.scale = scale;
  for (size_t i = 0; i < out.values.size(); ++i)
    out.values[i] = static_cast<float>(integer(quants->data[i], is_signed) - offset) * scale;
  return out;
}

}  // namespace sotto

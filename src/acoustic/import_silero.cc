#include <algorithm>

#include "acoustic/import_model.h"
#include "slm/imported_tensors.h"

namespace sotto {
namespace {

constexpr std::string_view kOperations[] = {"Add",   "Cast",    "Concat",  "Constant",  "ConstantOfShape",
                                            "Conv",  "Equal",   "Gather",  "Identity",  "If",
                                            "LSTM",  "Not",     "Pad",     "Pow",       "ReduceMean",
                                            "Relu",  "Reshape", "Shape",   "Sigmoid",   "Size",
                                            "Slice", "Sqrt",    "Squeeze", "Transpose", "Unsqueeze"};

}  // namespace

Result<void> ImportSilero(const OnnxFile& file, const ImportOptions& options, GgufWriter& writer) {
  SOTTO_RETURN_IF_ERROR(file.CheckOperations(kOperations));
  writer.SetString("general.architecture", "silero-vad");
  SetOrigin(options, "silero-vad", writer);
  writer.SetString("sotto.import.sha256", file.sha256());
  ImportedTensors tensors(writer, true);
  // The branch of 16 kHz.
  const std::string prefix = "If_0_then_branch__Inline_0__";
  const struct {
    const char* from;
    const char* to;
    std::vector<size_t> dims;
  } wanted[] = {
      {"stft.forward_basis_buffer", "vad.stft.weight", {258, 1, 256}},
      {"encoder.0.reparam_conv.weight", "vad.conv0.weight", {128, 129, 3}},
      {"encoder.0.reparam_conv.bias", "vad.conv0.bias", {128}},
      {"encoder.1.reparam_conv.weight", "vad.conv1.weight", {64, 128, 3}},
      {"encoder.1.reparam_conv.bias", "vad.conv1.bias", {64}},
      {"encoder.2.reparam_conv.weight", "vad.conv2.weight", {64, 64, 3}},
      {"encoder.2.reparam_conv.bias", "vad.conv2.bias", {64}},
      {"encoder.3.reparam_conv.weight", "vad.conv3.weight", {128, 64, 3}},
      {"encoder.3.reparam_conv.bias", "vad.conv3.bias", {128}},
      {"decoder.rnn.weight_ih", "vad.lstm.input.weight", {512, 128}},
      {"decoder.rnn.bias_ih", "vad.lstm.input.bias", {512}},
      {"decoder.rnn.weight_hh", "vad.lstm.state.weight", {512, 128}},
      {"decoder.rnn.bias_hh", "vad.lstm.state.bias", {512}},
      {"decoder.decoder.2.weight", "vad.output.weight", {1, 128, 1}},
      {"decoder.decoder.2.bias", "vad.output.bias", {1}},
  };
  for (const auto& tensor : wanted) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<float> values, file.Floats(prefix + tensor.from, tensor.dims));
    if (tensor.dims.size() == 3) {
      values = TapsFirst(values, tensor.dims[0], tensor.dims[1], tensor.dims[2]);
      tensors.AddFloats(tensor.to, std::move(values), tensor.dims[1] * tensor.dims[2]);
    } else {
      tensors.AddFloats(tensor.to, std::move(values), tensor.dims.size() == 2 ? tensor.dims[1] : 0);
    }
  }
  return {};
}

}  // namespace sotto

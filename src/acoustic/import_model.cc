#include "acoustic/import_model.h"

#include <openssl/evp.h>

#include <algorithm>
#include <optional>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "slm/gguf_writer.h"

namespace sotto {
namespace {

Result<std::string> DecodeBase64(std::string_view text, std::string_view name) {
  std::string out(text.size() / 4 * 3, '\0');
  const int n =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (n < 0 || text.size() % 4 != 0)
    return MakeError(ErrorCode::kCorrupt, "{}: its vocabulary is no base64", name);
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

struct Inputs {
  std::optional<OnnxFile> encoder, decoder, silero;
  std::optional<Vocabulary> vocabulary;
};

bool HasInput(const OnnxFile& file, std::string_view name) {
  return std::ranges::find(file.inputs(), name) != file.inputs().end();
}

Result<void> Take(std::optional<OnnxFile>& place, OnnxFile file, std::string_view what) {
  if (place) {
    return MakeError(ErrorCode::kInvalidArgument, "two files of a {}: {} and {}", what, place->path(),
                     file.path());
  }
  place = std::move(file);
  return {};
}

Result<void> ReadOnnx(const std::filesystem::path& path, Inputs& inputs) {
  SOTTO_ASSIGN_OR_RETURN(OnnxFile file, OnnxFile::Open(path));
  if (HasInput(file, "input_values")) return Take(inputs.encoder, std::move(file), "Moonshine encoder");
  if (HasInput(file, "encoder_hidden_states"))
    return Take(inputs.decoder, std::move(file), "Moonshine decoder");
  if (HasInput(file, "sr") && HasInput(file, "state"))
    return Take(inputs.silero, std::move(file), "Silero VAD");
  return MakeError(ErrorCode::kUnsupported,
                   "{}: inputs {}: no Moonshine encoder or decoder and no Silero VAD", path.string(),
                   fmt::join(file.inputs(), ", "));
}

Result<void> ReadInput(const std::filesystem::path& path, Inputs& inputs) {
  if (path.extension() == ".onnx") return ReadOnnx(path, inputs);
  SOTTO_ASSIGN_OR_RETURN(const std::string script, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(inputs.vocabulary, ReadVocabulary(script, path.string()));
  return {};
}

// Files as they are; of a folder, what looks like a model or the script with the vocabulary.
Result<std::vector<std::filesystem::path>> FilesOf(std::span<const std::filesystem::path> paths) {
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path& path : paths) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::filesystem::path> found;
    for (auto at = std::filesystem::recursive_directory_iterator(path, error);
         !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
      if (at->path().extension() == ".onnx" || at->path().filename() == "llama-tokenizer.js")
        found.push_back(at->path());
    }
    if (found.empty()) {
      return MakeError(ErrorCode::kNotFound, "{}: holds no .onnx and no llama-tokenizer.js", path.string());
    }
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace

Result<Vocabulary> ReadVocabulary(std::string_view script, std::string_view name) {
  constexpr std::string_view kMark = "llama_vocab_base64 = \"";
  const size_t mark = script.find(kMark);
  const size_t begin = mark + kMark.size();
  const size_t end = mark == std::string_view::npos ? mark : script.find('"', begin);
  if (end == std::string_view::npos) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: has no constant llama_vocab_base64: not llama-tokenizer-js", name);
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string text, DecodeBase64(script.substr(begin, end - begin), name));
  Vocabulary vocabulary;
  for (size_t at = 0; at <= text.size();) {
    const size_t line = std::min(text.find('\n', at), text.size());
    vocabulary.pieces.push_back(text.substr(at, line - at));
    at = line + 1;
  }
  vocabulary.sha256 = Sha256(text);
  return vocabulary;
}

Result<std::string> ImportModel(std::span<const std::filesystem::path> paths,
                                const std::filesystem::path& out, const ImportOptions& options) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> files, FilesOf(paths));
  Inputs inputs;
  for (const std::filesystem::path& file : files) SOTTO_RETURN_IF_ERROR(ReadInput(file, inputs));
  GgufWriter writer;
  if (inputs.silero) {
    if (inputs.encoder || inputs.decoder || inputs.vocabulary) {
      return MakeError(ErrorCode::kInvalidArgument, "{} is a model of its own: import it alone",
                       inputs.silero->path());
    }
    SOTTO_RETURN_IF_ERROR(ImportSilero(*inputs.silero, options, writer));
  } else {
    std::vector<std::string_view> missing;
    if (!inputs.encoder) missing.push_back("the encoder's .onnx");
    if (!inputs.decoder) missing.push_back("the merged decoder's .onnx");
    if (!inputs.vocabulary) missing.push_back("llama-tokenizer.js with the vocabulary");
    if (!missing.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "missing among the files: {}", fmt::join(missing, ", "));
    }
    SOTTO_RETURN_IF_ERROR(
        ImportMoonshine(*inputs.encoder, *inputs.decoder, *inputs.vocabulary, options, writer));
  }
  std::error_code error;
  if (out.has_parent_path()) std::filesystem::create_directories(out.parent_path(), error);
  SOTTO_RETURN_IF_ERROR(writer.Write(out));
  SOTTO_ASSIGN_OR_RETURN(const auto written, GgufFile::Open(out));
  SOTTO_ASSIGN_OR_RETURN(const std::string_view name, written->GetString("general.name"));
  return std::string(name);
}

}  // namespace sotto

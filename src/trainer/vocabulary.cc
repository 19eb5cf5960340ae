#include "trainer/vocabulary.h"

#include <algorithm>
#include <cctype>

#include "text/normalise.h"

namespace sotto {
namespace {

constexpr const char* kControlTokens[] = {"<|bos|>",  "<|user|>", "<|state|>",
                                          "<|call|>", "<|end|>",  "<|pad|>"};

// Renders messages as the model was trained on them; a user message may carry `state`.
constexpr const char* kChatTemplate =
    "{{- '<|bos|>' }}{%- for message in messages %}{%- if message.role == 'user' %}"
    "{%- if message.state %}{{- '<|state|>' + message.state }}{%- endif %}"
    "{{- '<|user|>' + message.content + '<|call|>' }}"
    "{%- elif message.role == 'assistant' %}{%- for call in message.tool_calls %}"
    "{{- '{\"name\": \"' + call.function.name + '\", \"arguments\": ' + (call.function.arguments | tojson) + "
    "'}' }}"
    "{%- endfor %}{{- '<|end|>' }}{%- endif %}{%- endfor %}";

Result<TrainVocabulary> Read(const GgufFile& file, bool base_only) {
  TrainVocabulary vocabulary;
  SOTTO_ASSIGN_OR_RETURN(const uint32_t n_base, file.GetU32("sotto.base_vocabulary"));
  SOTTO_ASSIGN_OR_RETURN(const auto tokens, file.GetStringArray("tokenizer.ggml.tokens"));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<int32_t> types, file.GetI32Array("tokenizer.ggml.token_type"));
  SOTTO_ASSIGN_OR_RETURN(const auto merges, file.GetStringArray("tokenizer.ggml.merges"));
  if (n_base > tokens.size() || types.size() != tokens.size()) {
    return MakeError(ErrorCode::kCorrupt, "{}: sotto.base_vocabulary {} of {} tokens, {} types", file.path(),
                     n_base, tokens.size(), types.size());
  }
  const size_t n = base_only ? n_base : tokens.size();
  vocabulary.n_base = n_base;
  vocabulary.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n));
  vocabulary.types.assign(types.begin(), types.begin() + static_cast<std::ptrdiff_t>(n));
  vocabulary.merges.assign(merges.begin(), merges.end());
  return vocabulary;
}

}  // namespace

TrainVocabulary TrainVocabulary::FromBpe(const BpeVocabulary& bpe) {
  TrainVocabulary vocabulary;
  for (const char* token : kControlTokens) {
    vocabulary.tokens.emplace_back(token);
    vocabulary.types.push_back(static_cast<int32_t>(TokenType::kControl));
  }
  for (const std::string& token : bpe.tokens) {
    vocabulary.tokens.push_back(token);
    vocabulary.types.push_back(static_cast<int32_t>(TokenType::kNormal));
  }
  vocabulary.merges = bpe.merges;
  vocabulary.n_base = vocabulary.tokens.size();
  return vocabulary;
}

Result<TrainVocabulary> TrainVocabulary::BaseOf(const GgufFile& file) { return Read(file, true); }
Result<TrainVocabulary> TrainVocabulary::Of(const GgufFile& file) { return Read(file, false); }

void TrainVocabulary::AddFragment(std::string text, std::string meaning) {
  if (!meaning.empty()) meanings.try_emplace(text, std::move(meaning));
  if (std::find(tokens.begin(), tokens.end(), text) != tokens.end()) return;
  tokens.push_back(std::move(text));
  types.push_back(static_cast<int32_t>(TokenType::kUserDefined));
}

std::string TrainVocabulary::MeaningOf(size_t id) const {
  const auto found = meanings.find(tokens[id]);
  if (found != meanings.end()) return found->second;
  std::string_view text = tokens[id];
  if (text.starts_with("{\"name\": ")) text = text.substr(9, text.find(", \"arguments\"") - 9);
  std::string words;
  for (const char c : text) words += std::isalnum(static_cast<unsigned char>(c)) ? c : ' ';
  const size_t first = words.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return words.substr(first, words.find_last_not_of(' ') + 1 - first);
}

void TrainVocabulary::AddFragments(std::span<const ToolSpec> tools) {
  AddFragment("}}");
  for (const ToolSpec& tool : tools) {
    AddFragment("{\"name\": " + Json(tool.name).dump() + ", \"arguments\": {",
                PlainWords(tool.name) + " " + tool.description);
    if (!tool.parameters.contains("properties")) continue;
    for (const auto& [name, schema] : tool.parameters.at("properties").items()) {
      AddFragment(Json(name).dump() + ": ");
      AddFragment(", " + Json(name).dump() + ": ");
      if (!schema.is_object() || !schema.contains("enum")) continue;
      for (const Json& value : schema.at("enum")) {
        if (value.is_string()) AddFragment(value.dump());
      }
    }
  }
}

void TrainVocabulary::Write(GgufWriter& writer) const {
  writer.SetString("tokenizer.ggml.model", "gpt2");
  writer.SetString("tokenizer.ggml.pre", "smollm");
  writer.SetStringArray("tokenizer.ggml.tokens", tokens);
  writer.SetI32Array("tokenizer.ggml.token_type", types);
  writer.SetStringArray("tokenizer.ggml.merges", merges);
  writer.SetU32("tokenizer.ggml.bos_token_id", control_token::kBos);
  writer.SetU32("tokenizer.ggml.eos_token_id", control_token::kEnd);
  writer.SetU32("tokenizer.ggml.padding_token_id", control_token::kPad);
  writer.SetBool("tokenizer.ggml.add_bos_token", false);
  writer.SetBool("tokenizer.ggml.add_eos_token", false);
  writer.SetString("tokenizer.chat_template", kChatTemplate);
  writer.SetString("sotto.normaliser", "spoken");
  writer.SetU32("sotto.base_vocabulary", static_cast<uint32_t>(n_base));
}

Result<std::shared_ptr<const Tokenizer>> TrainVocabulary::MakeTokenizer() const {
  GgufWriter writer;
  writer.SetString("general.architecture", "qwen3");
  Write(writer);
  SOTTO_ASSIGN_OR_RETURN(std::string bytes, writer.ToBytes());
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Parse(std::move(bytes), "vocabulary"));
  return Tokenizer::Create(*file);
}

}  // namespace sotto

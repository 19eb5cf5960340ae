// sotto model: what a model file is, and what its tokenizer makes of a text.
#include "cli/model.h"

#include <iostream>
#include <iterator>
#include <map>

#include "cli/command.h"
#include "cli/commands.h"
#include "core/json.h"
#include "slm/chat_template.h"
#include "slm/gguf.h"
#include "slm/tokenizer.h"

namespace sotto {
namespace {

struct InfoFlags {
  std::string path;
  bool tensors = false;
  bool metadata = false;
  bool json = false;
};

struct TokenizeFlags {
  std::string path;
  std::string text;
  bool has_text = false;
  bool special = false;
  bool add_special = false;
  bool pieces = false;
  bool json = false;
};

// Bytes as a JSON string, whatever they are.
std::string Printable(std::string_view bytes) {
  return Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json ToJson(const GgufValue& value) {
  struct Visitor {
    Json operator()(uint64_t number) const { return number; }
    Json operator()(int64_t number) const { return number; }
    Json operator()(double number) const { return number; }
    Json operator()(bool flag) const { return flag; }
    Json operator()(std::string_view text) const { return text; }
    Json operator()(const GgufArray& array) const {
      return fmt::format("[{} x {}]", array.count, GgufValueTypeName(array.element_type));
    }
  };
  return std::visit(Visitor{}, value.value);
}

// What the file says of itself; what cannot be read is left out or named under "tokenizer_error".
Json InfoOf(const GgufFile& file) {
  Json info{{"file", file.path()}, {"bytes", file.file_bytes()}};
  const std::string arch(file.GetStringOr("general.architecture", "?").value_or("?"));
  info["architecture"] = arch;
  for (const auto& [name, key] : {std::pair{"name", "general.name"}, std::pair{"license", "general.license"},
                                  std::pair{"origin", "general.source"}}) {
    if (const auto value = file.GetString(key)) info[name] = *value;
  }
  uint64_t n_parameters = 0;
  std::map<std::string, uint64_t> types;
  for (const GgufTensor& tensor : file.tensors()) {
    n_parameters += tensor.n_elements();
    ++types[std::string(GgufTensorTypeName(tensor.type))];
  }
  info["parameters"] = n_parameters;
  info["tensors"] = file.tensors().size();
  info["types"] = types;
  constexpr std::pair<const char*, const char*> kShape[] = {{"n_layers", "block_count"},
                                                            {"d_model", "embedding_length"},
                                                            {"d_ff", "feed_forward_length"},
                                                            {"n_heads", "attention.head_count"},
                                                            {"n_kv_heads", "attention.head_count_kv"},
                                                            {"context_length", "context_length"}};
  for (const auto& [name, key] : kShape) {
    if (const auto value = file.GetU32(arch + "." + key)) info[name] = *value;
  }
  if (const auto model = file.GetString("tokenizer.ggml.model")) {
    info["tokenizer"] = *model;
    info["pre_tokenizer"] = file.GetStringOr("tokenizer.ggml.pre", "default").value_or("?");
    if (const auto tokens = file.GetStringArray("tokenizer.ggml.tokens")) info["n_vocab"] = tokens->size();
    if (const auto tokenizer = Tokenizer::Create(file); !tokenizer) {
      info["tokenizer_error"] = tokenizer.error().message;
    }
  }
  if (file.Has("tokenizer.chat_template")) {
    const auto chat = ChatTemplate::Create(file);
    info["chat_template"] = chat ? Json(chat->name()) : Json("unknown");
  }
  return info;
}

Result<void> RunInfo(const InfoFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(flags.path));
  Json info = InfoOf(*file);
  if (flags.metadata) {
    Json metadata = Json::object();
    for (const GgufEntry& entry : file->metadata()) metadata[std::string(entry.key)] = ToJson(entry.value);
    info["metadata"] = std::move(metadata);
  }
  if (flags.tensors) {
    Json tensors = Json::array();
    for (const GgufTensor& tensor : file->tensors()) {
      tensors.push_back({{"name", tensor.name},
                         {"type", GgufTensorTypeName(tensor.type)},
                         {"shape", ShapeToString(tensor)},
                         {"bytes", tensor.data.size()}});
    }
    info["tensor_list"] = std::move(tensors);
  }
  if (flags.json) {
    fmt::print("{}\n", info.dump(2, ' ', false, Json::error_handler_t::replace));
    return {};
  }
  for (const auto& [key, value] : info.items()) {
    if (key == "metadata") {
      for (const auto& [name, item] : value.items()) {
        fmt::print("  {} = {}\n", name,
                   item.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 100));
      }
    } else if (key == "tensor_list") {
      for (const Json& tensor : value) {
        fmt::print("  {:<40} {:<5} {}\n", tensor["name"].get<std::string>(),
                   tensor["type"].get<std::string>(), tensor["shape"].get<std::string>());
      }
    } else {
      fmt::print("{:<16} {}\n", key,
                 value.is_string() ? value.get<std::string>()
                                   : value.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }
  return {};
}

Result<void> RunTokenize(const TokenizeFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(flags.path));
  SOTTO_ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::Create(*file));
  const std::string text =
      flags.has_text ? flags.text : std::string(std::istreambuf_iterator<char>(std::cin), {});
  const std::vector<TokenId> tokens =
      tokenizer->Encode(text, {.parse_special = flags.special, .add_special = flags.add_special});
  if (flags.json) {
    Json pieces = Json::array();
    for (const TokenId id : tokens) pieces.push_back(tokenizer->TokenText(id));
    const Json out{{"tokens", tokens}, {"pieces", std::move(pieces)}};
    fmt::print("{}\n", out.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else if (flags.pieces) {
    for (const TokenId id : tokens) fmt::print("{:>7} {}\n", id, Printable(tokenizer->TokenText(id)));
  } else {
    fmt::print("[{}]\n", fmt::join(tokens, ", "));
  }
  return {};
}

}  // namespace

void AddModelInfo(CLI::App& model, CliContext& context) {
  CLI::App* command = model.add_subcommand("info", "Architecture, size, types and tokenizer of a model file");
  auto flags = std::make_shared<InfoFlags>();
  command->add_option("file", flags->path, "Model file (GGUF)")->required();
  command->add_flag("--tensors", flags->tensors, "List the tensors");
  command->add_flag("--metadata", flags->metadata, "List the metadata");
  command->add_flag("--json", flags->json, "One JSON object");
  command->footer("Example:\n  sotto model info model.gguf --json");
  command->callback([flags, &context] {
    if (auto result = RunInfo(*flags); !result) context.Fail(result.error());
  });
}

void AddModelTokenize(CLI::App& model, CliContext& context) {
  CLI::App* command = model.add_subcommand("tokenize", "The token ids of a text");
  auto flags = std::make_shared<TokenizeFlags>();
  command->add_option("--model", flags->path, "Model file (GGUF)")->required();
  CLI::Option* text = command->add_option("text", flags->text, "The text; without it, standard input");
  command->add_flag("--special", flags->special, "Special tokens in the text are special");
  command->add_flag("--add-special", flags->add_special, "Add BOS and EOS where the model wants them");
  command->add_flag("--pieces", flags->pieces, "One token a line with its text");
  command->add_flag("--json", flags->json, "One JSON object with `tokens` and `pieces`");
  command->footer("Example:\n  sotto model tokenize --model model.gguf --special \"<|im_start|>user\"");
  command->callback([flags, text, &context] {
    flags->has_text = text->count() > 0;
    if (auto result = RunTokenize(*flags); !result) context.Fail(result.error());
  });
}

void RegisterModel(CLI::App& app, CliContext& context) {
  CLI::App* model = app.add_subcommand("model", "Look into model files; import published ones");
  model->require_subcommand(1);
  AddModelInfo(*model, context);
  AddModelTokenize(*model, context);
  AddModelLogits(*model, context);
  AddModelEmbed(*model, context);
  AddModelImport(*model, context);
}

}  // namespace sotto

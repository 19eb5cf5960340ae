#include "cli/config_file.h"

#include <filesystem>
#include <vector>

#include "base/mapped_file.h"
#include "workflow/suggest.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

constexpr const char* kUsual = "sotto.yaml";

Result<void> Set(CLI::App& command, const std::string& path, const std::string& key,
                 const YAML::Node& value) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_lnames().empty()) names.push_back(option->get_lnames().front());
  }
  CLI::Option* option = command.get_option_no_throw("--" + key);
  const int line = value.Mark().line + 1;
  if (option == nullptr || key == "help" || key == "config") {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: no option '{}' of {}; {}", path, line, key,
                     command.get_name(), Suggestion(key, names));
  }
  if (option->count() > 0) return {};
  try {
    if (value.IsSequence()) {
      for (const YAML::Node& one : value) option->add_result(one.as<std::string>());
    } else {
      option->add_result(value.as<std::string>());
    }
    option->run_callback();
  } catch (const std::exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}: {}", path, line, key, error.what());
  }
  return {};
}

}  // namespace

Result<void> ApplyConfigFile(CLI::App& command, const std::string& path) {
  const std::string file = path.empty() ? kUsual : path;
  if (path.empty() && !std::filesystem::exists(file)) return {};
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", file, error.mark.line + 1, error.msg);
  }
  const YAML::Node section = root.IsMap() ? root[command.get_name()] : YAML::Node();
  if (!section) return {};
  if (!section.IsMap()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: '{}' should be a map of options", file,
                     section.Mark().line + 1, command.get_name());
  }
  for (const auto& entry : section) {
    SOTTO_RETURN_IF_ERROR(Set(command, file, entry.first.as<std::string>(), entry.second));
  }
  return {};
}

}  // namespace sotto

#include "action/answer_action.h"

#include <map>
#include <memory>
#include <mutex>

#include "base/log.h"
#include "retrieve/answer.h"
#include "retrieve/index_builder.h"
#include "retrieve/live_index.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kShortQuestion = 8;  // words; a longer one stands by itself

std::string TextOption(const Json& options, const char* key) {
  const auto found = options.find(key);
  return found != options.end() && found->is_string() ? found->get<std::string>() : "";
}

// Where a tool's index lies.
std::filesystem::path IndexOf(const Workflow& workflow, const std::filesystem::path& folder,
                              const Json& options) {
  if (const std::string index = TextOption(options, "index"); !index.empty())
    return std::filesystem::path(index).is_absolute() ? std::filesystem::path(index)
                                                      : workflow.folder / index;
  std::string name = TextOption(options, "documents");
  for (char& c : name) c = c == '/' ? '-' : c;
  return folder / (workflow.name + "." + name + ".index");
}

Query QueryOf(const ActionRequest& request) {
  Query query;
  if (!request.words.empty()) query.text = request.words.back();
  if (request.words.size() > 1 && SplitWords(query.text).size() < kShortQuestion)
    query.context = request.words[request.words.size() - 2];
  if (const auto groups = request.options.find("groups");
      groups != request.options.end() && groups->is_array()) {
    for (const Json& group : *groups)
      if (group.is_string()) query.groups.push_back(group.get<std::string>());
  }
  return query;
}

ToolResult Ask(const Index& index, const ActionRequest& request) {
  AnswerOptions options;
  options.threshold = request.options.value("threshold", kAnswerThreshold);
  const auto answer = AskIndex(index, QueryOf(request), options);
  if (!answer) {
    Log().error("tool {}: {}", request.tool, answer.error().message);
    return FailureOf(answer.error());
  }
  if (!answer->answered) return Failure("no_answer", {{"confidence", answer->confidence}});
  const Hit& hit = answer->hits[answer->best];
  Json data = ToJson(hit.citation);
  data["answer"] = answer->text;
  data["source"] = ToString(hit.citation);
  data["quote"] = hit.quote;
  data["confidence"] = answer->confidence;
  return {true, "", std::move(data)};
}

Result<void> CheckTool(const Workflow& workflow, const ToolDef& tool) {
  const std::string here = fmt::format("{}: tool {}: action", workflow.folder.string(), tool.name);
  const Json& options = tool.action_options;
  const bool index = !TextOption(options, "index").empty();
  if (index == !TextOption(options, "documents").empty())
    return MakeError(ErrorCode::kInvalidArgument, "{} needs one of 'documents' (a folder) and 'index'", here);
  if (const auto threshold = options.find("threshold");
      threshold != options.end() && !(threshold->is_number() && *threshold >= 0.0 && *threshold <= 1.0)) {
    return MakeError(ErrorCode::kInvalidArgument, "{}.threshold is {}, and should be a number of 0..1", here,
                     threshold->dump());
  }
  return {};
}

}  // namespace

Result<RegisteredAction> MakeAnswerAction(const Workflow& workflow, const std::filesystem::path& folder) {
  auto indexes = std::make_shared<std::map<std::string, std::shared_ptr<LiveIndex>>>();
  for (const ToolDef& tool : workflow.tools) {
    if (tool.action != "documents.answer") continue;
    SOTTO_RETURN_IF_ERROR(CheckTool(workflow, tool));
    const std::filesystem::path path = IndexOf(workflow, folder, tool.action_options);
    const auto context = [&](Error error) {
      return WithContext(std::move(error), fmt::format("{}: tool {}", workflow.folder.string(), tool.name));
    };
    if (const std::string documents = TextOption(tool.action_options, "documents"); !documents.empty()) {
      IndexOptions options;
      options.language = workflow.language.substr(0, 2);
      options.tell = [](const std::string& line) { Log().warn("{}", line); };
      if (const auto built = BuildIndex(workflow.folder / documents, path, options); !built)
        return context(built.error());
    }
    auto opened = LiveIndex::Open(path);
    if (!opened) return context(opened.error());
    (*indexes)[path.string()] = *std::move(opened);
  }
  const auto index_of = [workflow_folder = workflow.folder, name = workflow.name,
                         folder](const Json& options) {
    Workflow place;  // only what IndexOf looks at
    place.folder = workflow_folder;
    place.name = name;
    return IndexOf(place, folder, options).string();
  };
  return RegisteredAction{
      Action([indexes, index_of](const ActionRequest& request, const std::stop_token&) {
        const auto found = indexes->find(index_of(request.options));
        if (found == indexes->end()) return Failure("failed");
        return Ask(*found->second->Current(), request);
      }),
      [index_of](const ActionRequest& request) { return "documents:" + index_of(request.options); },
      2,
      {"documents", "index", "threshold", "groups"}};
}

}  // namespace sotto

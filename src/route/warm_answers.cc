#include "route/warm_answers.h"

#include <utility>

#include "core/turn_record.h"
#include "route/answer_cache.h"

namespace sotto {
namespace {

constexpr int kWarmVersion = 1;
constexpr size_t kMostLineBytes = size_t{64} << 10;

Result<WarmEntry> EntryOf(const Json& json) {
  WarmEntry entry;
  if (!json.is_object() || !json.contains("text") || !json["text"].is_string() ||
      !json.contains("understanding"))
    return MakeError(ErrorCode::kCorrupt, "should have text and understanding");
  entry.text = json["text"].get<std::string>();
  if (const auto count = json.find("count"); count != json.end() && count->is_number_unsigned())
    entry.count = count->get<size_t>();
  SOTTO_ASSIGN_OR_RETURN(entry.understanding, UnderstandingFromJson(json["understanding"]));
  if (entry.understanding.calls.empty())
    return MakeError(ErrorCode::kCorrupt, "an understanding without a call");
  return entry;
}

}  // namespace

std::string WarmFile::Text() const {
  std::string text =
      Json{
          {"sotto_warm", kWarmVersion}, {"workflow", workflow}, {"model", model}, {"entries", entries.size()}}
          .dump() +
      "\n";
  for (const WarmEntry& entry : entries) {
    text += Json{{"text", entry.text}, {"count", entry.count}, {"understanding", ToJson(entry.understanding)}}
                .dump() +
            "\n";
  }
  return text;
}

Result<WarmFile> WarmFile::Parse(std::string_view text, std::string_view source) {
  WarmFile file;
  size_t line_number = 0;
  size_t wanted = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++line_number;
    const auto wrong = [&](std::string_view why) {
      return MakeError(ErrorCode::kCorrupt, "{}:{}: {}", source, line_number, why);
    };
    if (line.empty()) continue;
    if (line.size() > kMostLineBytes) return wrong("too long a line");
    const auto json = ParseJson(line, "a line");
    if (!json) return wrong(json.error().message);
    if (line_number == 1) {
      const auto field = [&](const char* name) {
        const auto found = json->is_object() ? json->find(name) : json->end();
        return json->is_object() && found != json->end() && found->is_string() ? found->get<std::string>()
                                                                               : std::string();
      };
      if (!json->is_object() || json->value("sotto_warm", Json()) != Json(kWarmVersion))
        return wrong("is no warm file of this version; `sotto cache warm` makes one");
      file.workflow = field("workflow");
      file.model = field("model");
      const auto entries = json->find("entries");
      wanted = entries != json->end() && entries->is_number_unsigned() ? entries->get<size_t>() : 0;
      continue;
    }
    if (file.entries.size() == kMostWarmEntries) return wrong("more entries than anybody needs");
    auto entry = EntryOf(*json);
    if (!entry) return wrong(entry.error().message);
    file.entries.push_back(*std::move(entry));
  }
  if (line_number == 0) return MakeError(ErrorCode::kCorrupt, "{}: is empty", source);
  if (file.entries.size() != wanted)
    return MakeError(ErrorCode::kCorrupt, "{}: has {} of {} entries: cut off", source, file.entries.size(),
                     wanted);
  return file;
}

WarmAnswers::WarmAnswers(std::vector<WarmEntry> entries) {
  for (WarmEntry& entry : entries) {
    entry.understanding.route.clear();
    by_text_.insert_or_assign(CacheText(entry.text), std::move(entry.understanding));
  }
}

const Understanding* WarmAnswers::Find(std::string_view utterance) const {
  const auto found = by_text_.find(CacheText(utterance));
  return found == by_text_.end() ? nullptr : &found->second;
}

}  // namespace sotto

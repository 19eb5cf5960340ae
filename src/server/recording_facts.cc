#include "server/recording_facts.h"

#include "base/mapped_file.h"

namespace sotto {

Json ToJson(const RecordingFacts& facts) {
  Json silenced = Json::array();
  for (const auto& one : facts.silenced) silenced.push_back({one.from_ms, one.to_ms});
  return {{"session", facts.about.session},   {"workflow", facts.about.workflow},
          {"channel", facts.about.channel},   {"keep_days", facts.about.keep_days},
          {"began_s", facts.began_s},         {"ready", facts.ready},
          {"complete", facts.complete},       {"frames", facts.frames},
          {"lost_frames", facts.lost_frames}, {"silenced_ms", std::move(silenced)}};
}

Result<RecordingFacts> ReadRecordingFacts(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path.string()));
  RecordingFacts facts;
  try {
    facts.about = {json.at("session"), json.at("workflow"), json.at("channel"), json.at("keep_days")};
    facts.began_s = json.at("began_s");
    facts.ready = json.at("ready");
    facts.complete = json.at("complete");
    facts.frames = json.at("frames");
    facts.lost_frames = json.at("lost_frames");
    for (const Json& one : json.at("silenced_ms")) facts.silenced.push_back({one.at(0), one.at(1)});
  } catch (const Json::exception& wrong) {
    return MakeError(ErrorCode::kCorrupt, "{}: not what a recording's file says: {}", path.string(),
                     wrong.what());
  }
  return facts;
}

Result<std::vector<std::pair<std::string, RecordingFacts>>> ReadRecordings(
    const std::filesystem::path& folder, int64_t now_s, std::vector<std::string>* errors) {
  std::vector<std::pair<std::string, RecordingFacts>> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".json") continue;
    auto facts = ReadRecordingFacts(entry.path());
    if (!facts) {
      errors->push_back(facts.error().message);
    } else if (facts->ready && facts->keep_until_s() > now_s) {
      found.emplace_back(entry.path().stem().string(), *std::move(facts));
    }
  }
  if (error)
    return MakeError(ErrorCode::kIo, "cannot read the recordings in {}: {}", folder.string(),
                     error.message());
  return found;
}

}  // namespace sotto

#include "specialist/annotator.h"

namespace sotto {
namespace {

constexpr SpecialistKind kKinds[] = {
    {"classify", "which of some labels a text has, how sure that is, and whether any at all",
     R"(specialist: {name}
kind: classify
description: What a text is about
data:
  train: [train.jsonl]   # {"text": "...", "label": "..."}; rows without a label are out of scope
  valid: [valid.jsonl]
out_of_scope:            # leave out where every text has one of the labels
  false_alarms: 0.03     # share of good texts that may be taken for out of scope
threshold: 0.5           # of the confidence; below it:
below: ask               # escalate, ask, person or none
)",
     &OpenClassify, &TrainClassify, &EvaluateClassify},
    {"command", "what a sentence wants of a house's devices: command, device, room, value",
     R"(specialist: {name}
kind: command
description: What somebody wants of the devices here
home: home.yaml     # rooms, devices and what each can do: copy specialists/device_commands/home.yaml
data: {train: [train.tsv], valid: [valid.jsonl]}
out_of_scope: {false_alarms: 0.03}
threshold: 0.5
below: ask
)",
     &OpenCommand, &TrainClassify, &EvaluateCommand},
    {"embed", "a text as a vector: near where two texts mean the same",
     R"(specialist: {name}
kind: embed
description: Sentences as vectors
)",
     &OpenEmbed, nullptr, nullptr},
    {"language", "which language a text is in (cld2)",
     R"(specialist: {name}
kind: language
description: Which language a text is in
# languages: [en, de, fr]   # leave out: any
threshold: 0.5
below: none
)",
     &OpenLanguage, nullptr, &EvaluateLanguage},
    {"rule",
     "IBANs, cards, phones, postcodes, ... in a text, written or spoken, and whether they can be right",
     R"(specialist: {name}
kind: rule
description: Codes and addresses in a text, and whether they are valid
formats: [iban, card, sort_code, routing_number, phone, email, postcode, birth_date]
regions: [US, GB]   # the first one's telephone numbers need no country code; postcodes of all
)",
     &OpenRule, nullptr, nullptr},
    {"tag", "dates, times, durations, ranges, numbers, money in a text, with their values",
     R"(specialist: {name}
kind: tag
description: Days and times in a text
types: [date, date_range, time, duration]   # and number, ordinal, percent, money
day_first: false                            # "3/4" is the third of April: true
)",
     &OpenTag, nullptr, &EvaluateTag},
    {"risk", "how likely a caller is to give up, from the conversation so far",
     R"(specialist: {name}
kind: risk
description: Whether the caller is about to give up
simulate: 4000      # calls to learn from where data: has none
threshold: 0.5
below: none
)",
     &OpenRisk, &TrainRisk, &EvaluateRisk},
    {"summarise", "the sentences that say the most; of a voicemail who, number, wish and when",
     R"(specialist: {name}
kind: summarise
description: What a text says, in short
form: text        # or voicemail
sentences: 3
)",
     &OpenSummarise, nullptr, nullptr},
};

}  // namespace

std::span<const SpecialistKind> SpecialistKinds() { return kKinds; }

Result<const SpecialistKind*> FindKind(const SpecialistDeclaration& declaration) {
  std::string known;
  for (const SpecialistKind& kind : kKinds) {
    if (kind.name == declaration.kind) return &kind;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", kind.name);
  }
  return MakeError(ErrorCode::kInvalidArgument, "{}:{}: unknown kind '{}' (the kinds are {})",
                   declaration.file().string(), declaration.root["kind"].Mark().line + 1, declaration.kind,
                   known);
}

std::filesystem::path SpecialistFolder(std::string_view name_or_folder) {
  const std::filesystem::path path(name_or_folder);
  std::error_code error;
  if (name_or_folder.find('/') != std::string_view::npos ||
      std::filesystem::exists(path / "specialist.yaml", error))
    return path;
  return std::filesystem::path("specialists") / path;
}

Result<std::unique_ptr<Annotator>> OpenSpecialist(std::string_view name_or_folder,
                                                  const SpecialistContext& context) {
  SOTTO_ASSIGN_OR_RETURN(const SpecialistDeclaration declaration,
                         ReadDeclaration(SpecialistFolder(name_or_folder)));
  SOTTO_ASSIGN_OR_RETURN(const SpecialistKind* kind, FindKind(declaration));
  return kind->open(declaration, context);
}

Result<std::vector<std::filesystem::path>> DataFiles(const SpecialistDeclaration& declaration,
                                                     const std::vector<std::string>& files,
                                                     std::string_view key) {
  if (files.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: has no 'data.{}' and none was given",
                     declaration.file().string(), key);
  }
  std::vector<std::filesystem::path> paths;
  for (const std::string& file : files)
    paths.push_back(declaration.folder / file);  // an absolute one stays so
  return paths;
}

}  // namespace sotto

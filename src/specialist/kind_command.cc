// Specialists of kind `command`: what a sentence wants of a house's devices. Which command by a classifier, trained as
// kind `classify` is; which device, room and value by the house (specialist/home.h) and by tags, so that every one of
// them was said.
#include <algorithm>

#include "base/mapped_file.h"
#include "specialist/annotator.h"
#include "specialist/classifier.h"
#include "specialist/home.h"
#include "specialist/labelled_text.h"
#include "specialist/tag_text.h"

namespace sotto {
namespace {

// The value that a command takes, as a tag's type; empty: none.
std::vector<std::string> ValueTypes(std::string_view label) {
  if (label == "set_level" || label == "set_volume") return {"percent", "number"};
  if (label == "set_temperature") return {"number"};
  if (label.starts_with("timer_")) return {"duration"};
  return {};
}

// What is said last and not taken back. Null: nothing.
Json ValueIn(std::string_view text, const std::vector<std::string>& types) {
  TagOptions options;
  options.types = types;
  Json value;
  for (const Json& tag : TagText(text, Date{}, options)) {
    const auto begin = tag.at("begin").get<size_t>();
    const auto end = tag.at("end").get<size_t>();
    if (IsLeftOut(text, begin, end) || tag.value("standing", "") == "taken_back") continue;
    value = tag.at("value");
  }
  return value;
}

Json NamesJson(const std::vector<std::string>& names) {
  if (names.empty()) return nullptr;
  return names.size() == 1 ? Json(names[0]) : Json(names);
}

class CommandAnnotator final : public Annotator {
 public:
  CommandAnnotator(SpecialistDeclaration declaration, std::shared_ptr<const Classifier> classifier, Home home)
      : Annotator(std::move(declaration)), classifier_(std::move(classifier)), home_(std::move(home)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    const std::vector<Classification> classes = classifier_->ClassifyMany(texts);
    std::vector<Json> out;
    for (size_t i = 0; i < texts.size(); ++i) out.push_back(Annotation(texts[i], classes[i]));
    return out;
  }
  Json AnnotateInContext(const TextInContext& text) const override {
    if (!reads_vector() || text.vector.empty()) return Annotator::AnnotateInContext(text);
    return Annotation(text.text, classifier_->Classify(text.text, text.vector));
  }
  bool reads_vector() const override { return classifier_->uses_encoder(); }
  std::vector<std::string> labels() const override { return classifier_->labels(); }

 private:
  Json Annotation(std::string_view text, const Classification& got) const {
    const HeadCalibration& calibration = classifier_->calibration();
    const bool foreign = calibration.judges_scope() && !(got.in_scope >= calibration.scope_threshold);
    const std::string& label = classifier_->labels()[got.label];
    Json out{{"label", foreign ? Json(nullptr) : Json(label)}, {"confidence", got.confidence}};
    if (calibration.judges_scope()) out["in_scope"] = got.in_scope;
    bool sure = !foreign && got.confidence >= declaration().threshold;
    if (!foreign) {
      const NamedInHome named = FindInHome(text, home_);
      out["device"] = NamesJson(named.devices);
      out["room"] = NamesJson(named.rooms);
      if (named.all) out["all"] = true;
      if (label == "set_colour") {
        out["value"] = NamesJson(named.colours);
      } else if (const auto types = ValueTypes(label); !types.empty()) {
        out["value"] = ValueIn(text, types);
      }
      if (const std::string why = WhyNot(label, named); !why.empty()) {
        out["why"] = why;
        sure = false;
      }
    }
    out["decision"] = sure ? "accept" : BelowName(declaration().below);
    return out;
  }

  // Why this house cannot do it; empty: it can.
  std::string WhyNot(const std::string& label, const NamedInHome& named) const {
    const bool needs_device = std::find(home_.without_device.begin(), home_.without_device.end(), label) ==
                              home_.without_device.end();
    if (needs_device && named.devices.empty() && !named.all) {
      if (!named.unknown.empty()) return fmt::format("there is no '{}' here", named.unknown);
      if (named.rooms.empty()) return "no device and no room is named";
    }
    for (const HomeDevice& device : home_.devices) {
      if (std::find(named.devices.begin(), named.devices.end(), device.name) == named.devices.end()) continue;
      if (!device.commands.empty() &&
          std::find(device.commands.begin(), device.commands.end(), label) == device.commands.end())
        return fmt::format("'{}' is nothing that a {} does", label, device.name);
      for (const std::string& room : named.rooms) {
        if (!device.rooms.empty() &&
            std::find(device.rooms.begin(), device.rooms.end(), room) == device.rooms.end())
          return fmt::format("there is no {} in the {}", device.name, room);
      }
    }
    return "";
  }

  const std::shared_ptr<const Classifier> classifier_;
  const Home home_;
};

Result<Home> HomeOf(const SpecialistDeclaration& declaration) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {"home", "out_of_scope", "balanced", "features"}));
  YamlReader reader;
  std::string file = "home.yaml";
  reader.Read(declaration.root, "", "home", file);
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  return Home::Read(declaration.folder / file);
}

}  // namespace

Result<std::unique_ptr<Annotator>> OpenCommand(const SpecialistDeclaration& declaration,
                                               const SpecialistContext& context) {
  SOTTO_ASSIGN_OR_RETURN(Home home, HomeOf(declaration));
  std::error_code error;
  if (!std::filesystem::exists(declaration.model(), error)) {
    return MakeError(ErrorCode::kNotFound, "{} is not there: 'sotto specialist train {}' makes it",
                     declaration.model().string(), declaration.name);
  }
  SOTTO_ASSIGN_OR_RETURN(auto classifier, Classifier::Open(declaration.model(), context.encoder));
  return std::make_unique<CommandAnnotator>(declaration, std::move(classifier), std::move(home));
}

// Rows {"text", "label" or null, "device"?, "room"?, "value"?}: a key that a row lacks is not judged, null is "none".
Result<Json> EvaluateCommand(const SpecialistDeclaration& declaration, const SpecialistContext& context,
                             const std::vector<std::string>& data) {
  SOTTO_ASSIGN_OR_RETURN(const auto annotator, OpenCommand(declaration, context));
  SOTTO_ASSIGN_OR_RETURN(const auto files,
                         DataFiles(declaration, data.empty() ? declaration.valid : data, "valid"));
  size_t rows = 0, right_label = 0, right_all = 0, foreign = 0, foreign_found = 0, wrong_acts = 0, acts = 0;
  Json errors = Json::array();
  for (const auto& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const std::string all, ReadFile(file));
    int number = 0;
    for (size_t at = 0; at < all.size();) {
      const size_t end = std::min(all.find('\n', at), all.size());
      const std::string_view line = std::string_view(all).substr(at, end - at);
      at = end + 1;
      ++number;
      if (line.empty()) continue;
      const std::string here = fmt::format("{}:{}", file.string(), number);
      SOTTO_ASSIGN_OR_RETURN(const Json row, ParseJson(line, here));
      if (!row.is_object() || !row.contains("text") || !row["text"].is_string())
        return MakeError(ErrorCode::kInvalidArgument, R"({}: should be {{"text": "...", "label": "..."}})",
                         here);
      const auto text = row["text"].get<std::string>();
      const Json got = annotator->Annotate({&text, 1})[0];
      const bool accepted = got["decision"] == "accept";
      const Json label = row.value("label", Json());
      acts += accepted ? 1 : 0;
      bool right = true;
      if (label.is_null()) {
        ++foreign;
        foreign_found += accepted ? 0 : 1;
        right = !accepted;
      } else {
        ++rows;
        right = got.value("label", Json()) == label;
        right_label += right ? 1 : 0;
        for (const char* key : {"device", "room", "value"})
          if (row.contains(key)) right = right && SameValue(got.value(key, Json()), row[key]);
        right_all += right ? 1 : 0;
      }
      wrong_acts += accepted && !right ? 1 : 0;
      if (!right) errors.push_back(fmt::format("{}: wanted {}, got {}", text, row.dump(), got.dump()));
    }
  }
  const auto share = [](size_t part, size_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  return Json{{"rows", rows},
              {"accuracy", share(right_label, rows)},
              {"right_with_values", share(right_all, rows)},
              {"rows_out_of_scope", foreign},
              {"out_of_scope_recall", share(foreign_found, foreign)},
              {"accepted", acts},
              {"wrong_of_accepted", share(wrong_acts, acts)},
              {"errors", std::move(errors)}};
}

}  // namespace sotto

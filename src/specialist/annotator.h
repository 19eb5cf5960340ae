// What every specialist does, whatever its kind: texts in, one annotation a text out. And the kinds there are.
//
// An annotation is a JSON object whose fields are its kind's:
//   classify  {"label", "confidence", "in_scope"?, "decision"}
//   embed     {"vector"}
//   language  {"label", "confidence", "decision"}
//   rule      {"found": [{"format", "text", "begin", "end", "value", "valid", "why"?, ...}]}
//   tag       {"found": [{"type", "text", "begin", "end", "value", ...}]}
//   risk      {"risk", "wants_person", "why", "decision"}
//   summarise {"sentences": [{"text", "begin", "end", "score"}]}, or {"who", "callback", "wish", "when"}
// "decision" is "accept", or what specialist.yaml says for below its threshold ("escalate", "ask", "person",
// "none"); what is out of scope has no label (null).
//
// A kind that is new is a row of SpecialistKinds() and a file kind_NAME.cc with the four functions; nothing else
// knows it: the command line, `sotto annotate` and the server's endpoints go by this interface.
//
// Annotators are immutable: any thread. Source of the idea: issue "One notion of specialist"; docs/adr/0021.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/json.h"
#include "embed/sentence_encoder.h"
#include "specialist/call_so_far.h"
#include "specialist/declaration.h"

namespace sotto {

// A text with what is known around it; what is not known is empty.
struct TextInContext {
  std::string_view text;
  std::optional<Date> today = std::nullopt;  // none: the day of this machine
  const CallSoFar* call = nullptr;           // the turns before it
  std::span<const float> vector = {};        // of the shared encoder
};

class Annotator {
 public:
  virtual ~Annotator() = default;
  // One object a text, in their order.
  virtual std::vector<Json> Annotate(std::span<const std::string> texts) const = 0;
  // One text with what is known around it.
  virtual Json AnnotateInContext(const TextInContext& text) const {
    const std::string copy(text.text);
    return Annotate({&copy, 1})[0];
  }
  // What AnnotateInContext makes use of.
  virtual bool reads_context() const { return false; }  // the day, the call
  virtual bool reads_vector() const { return false; }

  // What rules over annotations compare (specialist/network.h): a label, a number, or null where there is none
  // that is sure enough.
  virtual Json RuleValue(const Json& annotation) const {
    return annotation.value("decision", "accept") == "accept" ? annotation.value("label", Json()) : Json();
  }
  // The labels that RuleValue may give; empty: no list.
  virtual std::vector<std::string> labels() const { return {}; }
  // RuleValue is a number.
  virtual bool is_number() const { return false; }
  const SpecialistDeclaration& declaration() const { return declaration_; }

 protected:
  explicit Annotator(SpecialistDeclaration declaration) : declaration_(std::move(declaration)) {}

 private:
  const SpecialistDeclaration declaration_;
};

// What specialists share: one encoder for all of them (null: not installed), threads for training.
struct SpecialistContext {
  std::shared_ptr<const SentenceEncoder> encoder;
  int n_threads = 1;
  std::string commit;  // of this program, for cards
  std::function<void(size_t done, size_t total)> progress = {};
};

struct SpecialistKind {
  std::string_view name;
  std::string_view summary;
  std::string_view
      starter;  // the specialist.yaml that `sotto specialist new` writes; {name} stands for the name
  Result<std::unique_ptr<Annotator>> (*open)(const SpecialistDeclaration&, const SpecialistContext&);
  // Writes model.gguf and card.md into the folder and returns what it measured. Null: nothing to train.
  Result<Json> (*train)(const SpecialistDeclaration&, const SpecialistContext&);
  // Of `data`, or of the declaration's valid data. Null: nothing to measure.
  Result<Json> (*evaluate)(const SpecialistDeclaration&, const SpecialistContext&,
                           const std::vector<std::string>& data);
};

std::span<const SpecialistKind> SpecialistKinds();
// kInvalidArgument names the file and lists the kinds.
Result<const SpecialistKind*> FindKind(const SpecialistDeclaration& declaration);

// specialists/NAME below the working folder, or NAME as a path to a folder.
std::filesystem::path SpecialistFolder(std::string_view name_or_folder);
// Reads, finds the kind, opens.
Result<std::unique_ptr<Annotator>> OpenSpecialist(std::string_view name_or_folder,
                                                  const SpecialistContext& context);

// The data files of a declaration as paths. kInvalidArgument: none.
Result<std::vector<std::filesystem::path>> DataFiles(const SpecialistDeclaration& declaration,
                                                     const std::vector<std::string>& files,
                                                     std::string_view key);

// The kinds' functions, each in its own file.
Result<std::unique_ptr<Annotator>> OpenRule(const SpecialistDeclaration&, const SpecialistContext&);
Result<std::unique_ptr<Annotator>> OpenTag(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> EvaluateTag(const SpecialistDeclaration&, const SpecialistContext&,
                         const std::vector<std::string>&);
Result<std::unique_ptr<Annotator>> OpenSummarise(const SpecialistDeclaration&, const SpecialistContext&);
Result<std::unique_ptr<Annotator>> OpenRisk(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> TrainRisk(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> EvaluateRisk(const SpecialistDeclaration&, const SpecialistContext&,
                          const std::vector<std::string>&);
Result<std::unique_ptr<Annotator>> OpenClassify(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> TrainClassify(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> EvaluateClassify(const SpecialistDeclaration&, const SpecialistContext&,
                              const std::vector<std::string>&);
Result<std::unique_ptr<Annotator>> OpenCommand(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> EvaluateCommand(const SpecialistDeclaration&, const SpecialistContext&,
                             const std::vector<std::string>&);
Result<std::unique_ptr<Annotator>> OpenEmbed(const SpecialistDeclaration&, const SpecialistContext&);
Result<std::unique_ptr<Annotator>> OpenLanguage(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> EvaluateLanguage(const SpecialistDeclaration&, const SpecialistContext&,
                              const std::vector<std::string>&);

}  // namespace sotto

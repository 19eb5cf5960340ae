// What every specialist does, whatever its kind: texts in, one annotation a text out. And the kinds there are.
//
// An annotation is a JSON object whose fields are its kind's:
//   classify  {"label", "confidence", "in_scope"?, "decision"}
//   embed     {"vector"}
//   language  {"label", "confidence", "decision"}
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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "embed/sentence_encoder.h"
#include "specialist/declaration.h"

namespace sotto {

class Annotator {
 public:
  virtual ~Annotator() = default;
  // One object a text, in their order.
  virtual std::vector<Json> Annotate(std::span<const std::string> texts) const = 0;
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
Result<std::unique_ptr<Annotator>> OpenClassify(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> TrainClassify(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> EvaluateClassify(const SpecialistDeclaration&, const SpecialistContext&,
                              const std::vector<std::string>&);
Result<std::unique_ptr<Annotator>> OpenEmbed(const SpecialistDeclaration&, const SpecialistContext&);
Result<std::unique_ptr<Annotator>> OpenLanguage(const SpecialistDeclaration&, const SpecialistContext&);
Result<Json> EvaluateLanguage(const SpecialistDeclaration&, const SpecialistContext&,
                              const std::vector<std::string>&);

}  // namespace sotto

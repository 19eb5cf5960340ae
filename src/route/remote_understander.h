// A remote model as an Understander: the conversation becomes a request with the tools that are offered, the
// answer becomes calls. It has no confidence that means anything: its understandings carry `trust`, how often
// it is right, as measured or assumed. Whether they fit the schema and what was said is judged by whoever asks
// (route/cascade.h).
#pragma once

#include <memory>
#include <vector>

#include "core/understander.h"
#include "route/outbound.h"
#include "route/remote_model.h"

namespace sotto {

struct RemoteStep {
  std::string name;
  std::shared_ptr<RemoteModel> model;
  std::vector<ToolSpec> tools;  // the workflow's
  std::string about;            // one line for the model: what the assistant is for
  double trust = 0.9;
};

class RemoteUnderstander final : public Understander {
 public:
  // `guard` may be null: then only what may leave as it is leaves.
  RemoteUnderstander(std::shared_ptr<const RemoteStep> step, std::shared_ptr<OutboundGuard> guard);
  ~RemoteUnderstander() override;

  // For the next Commit. Before it is called: kLocal, nothing leaves.
  void SetRule(PrivacyRule rule) { rule_ = rule; }

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) override;
  // Nothing leaves before the turn is over: kUnsupported.
  void Hear(std::string partial, Done peek) override;
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override;
  void Abandon() override;

 private:
  const std::shared_ptr<const RemoteStep> step_;
  const std::shared_ptr<OutboundGuard> guard_;
  PrivacyRule rule_ = PrivacyRule::kLocal;
  Conversation history_;
  Expectation expectation_;
  std::vector<std::string> offered_;
  RemoteModel::Ticket asked_;
};

// The messages for one turn: how the model should answer, the conversation with its calls, what was said.
Json ChatMessages(const RemoteStep& step, const Conversation& history, const Expectation& expectation,
                  std::string_view utterance);
// The tools of the conversation, else the step's, and the control tools among `offered`, in OpenAI's form.
Json ChatTools(const RemoteStep& step, const Conversation& history, const std::vector<std::string>& offered);

}  // namespace sotto

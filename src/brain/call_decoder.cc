#include "brain/call_decoder.h"

#include <algorithm>
#include <cmath>

#include "brain/call_text.h"

namespace sotto {
namespace {

using Kind = OfferedArgument::Kind;

// One argument that can be filled this turn.
struct Fillable {
  const OfferedArgument* argument;
  std::vector<GroundedValue> values;  // empty for kSchema
};

// Texts of which one is a prefix of another ("2", "200") can only be told apart together with what follows
// them.
bool NeedsDelimiter(const OfferedArgument& argument) {
  return argument.kind == Kind::kNumber || argument.kind == Kind::kChoice;
}

class TurnDecoder {
 public:
  TurnDecoder(NextToken& model, std::span<const OfferedTool> tools, const Grounding& grounding,
              const CallFrame& frame, const SchemaValueDecoder& decode_schema_value,
              const CallDecoderOptions& options)
      : writer_(model),
        tools_(tools),
        grounding_(grounding),
        frame_(frame),
        decode_schema_value_(decode_schema_value),
        options_(options) {}

  Result<DecodedTurn> Run() {
    for (int n = 0; n < options_.max_calls; ++n) {
      SOTTO_ASSIGN_OR_RETURN(const bool more, ChooseTool(n));
      if (!more) break;
      SOTTO_RETURN_IF_ERROR(DecodeArguments());
    }
    turn_.text = writer_.text();
    return std::move(turn_);
  }

 private:
  const ToolCall* ForcedCall() const {
    if (options_.forced == nullptr || turn_.calls.size() > options_.forced->size()) return nullptr;
    return turn_.calls.empty() ? nullptr : &(*options_.forced)[turn_.calls.size() - 1];
  }

  void Count(const Choice& choice, double log_prob, DecodedCall* call) {
    turn_.log_prob += log_prob;
    if (choice.decided > 0) turn_.min_log_prob = std::min(turn_.min_log_prob, log_prob);
    turn_.min_margin = std::min(turn_.min_margin, choice.margin);
    turn_.decided += choice.decided;
    if (call == nullptr) return;
    call->log_prob += log_prob;
    call->min_margin = std::min(call->min_margin, choice.margin);
  }

  // Chooses the next tool, or the end (false). The arguments that can be filled are worked out here: a tool
  // without any is written whole.
  Result<bool> ChooseTool(int n) {
    std::vector<Alternative> alternatives;
    for (const OfferedTool& tool : tools_) {
      alternatives.push_back({(n == 0 ? frame_.open : frame_.between) +
                                  "{\"name\": " + Json(tool.name).dump() + ", \"" + frame_.arguments_key +
                                  "\": {" + (tool.arguments.empty() ? "}}" : ""),
                              std::nullopt, 0});
    }
    if (n > 0) alternatives.push_back({frame_.close, frame_.end_token, 0});
    int forced = -1;
    if (options_.forced != nullptr) {
      const auto wanted = static_cast<size_t>(n);
      forced = wanted < options_.forced->size() ? IndexOf((*options_.forced)[wanted].name)
                                                : static_cast<int>(tools_.size());
      if (forced < 0) {
        return MakeError(ErrorCode::kInvalidArgument, "tool '{}' is not offered",
                         (*options_.forced)[wanted].name);
      }
    }
    SOTTO_ASSIGN_OR_RETURN(const Choice choice, writer_.Choose(alternatives, n == 0, forced));
    if (choice.index == tools_.size()) {
      Count(choice, choice.log_prob, nullptr);
      return false;
    }
    tool_ = &tools_[choice.index];
    turn_.calls.push_back({ToolCall{tool_->name, Json::object()}, 0, choice.log_prob, 1, {}, {}});
    n_written_ = 0;
    Count(choice, choice.log_prob, &turn_.calls.back());
    return true;
  }

  int IndexOf(std::string_view name) const {
    const auto found = std::find_if(tools_.begin(), tools_.end(),
                                    [&](const OfferedTool& tool) { return tool.name == name; });
    return found == tools_.end() ? -1 : static_cast<int>(found - tools_.begin());
  }

  Result<void> DecodeArguments() {
    if (tool_->arguments.empty()) return {};
    fillable_.clear();
    for (const OfferedArgument& argument : tool_->arguments) {
      Fillable candidate{&argument, {}};
      if (argument.kind != Kind::kSchema) candidate.values = grounding_.Candidates(argument);
      if (argument.kind == Kind::kSchema || !candidate.values.empty())
        fillable_.push_back(std::move(candidate));
    }
    SOTTO_ASSIGN_OR_RETURN(size_t next, ChooseNext(0));
    while (next < fillable_.size()) {
      const Fillable& fill = fillable_[next];
      DecodedCall& call = turn_.calls.back();
      double value_log_prob = 0;
      if (fill.argument->kind == Kind::kSchema) {
        SOTTO_ASSIGN_OR_RETURN(const auto value, decode_schema_value_(writer_, *fill.argument));
        SOTTO_ASSIGN_OR_RETURN(call.call.arguments[fill.argument->name],
                               ParseJson(value.first, "value of " + fill.argument->name));
        ++n_written_;
        value_log_prob = value.second;
        Choice whole;
        whole.decided = 1;
        Count(whole, value_log_prob, &call);
        call.argument_log_probs.emplace_back(fill.argument->name, presence_log_prob_ + value_log_prob);
        SOTTO_ASSIGN_OR_RETURN(next, ChooseNext(next + 1));
      } else {
        SOTTO_ASSIGN_OR_RETURN(next, ChooseValue(next));
      }
    }
    return {};
  }

  // What may follow at this point: the closing braces (index fillable_.size()) or a later argument's key.
  std::vector<size_t> Continuations(size_t from) const {
    std::vector<size_t> indices{fillable_.size()};
    for (size_t i = from; i < fillable_.size(); ++i) indices.push_back(i);
    return indices;
  }
  std::string ContinuationText(size_t index) const {
    if (index == fillable_.size()) return "}}";
    const bool first = n_written_ == 0 && !value_pending_;
    return (first ? "" : ", ") + Json(fillable_[index].argument->name).dump() + ": ";
  }

  Result<size_t> ChooseNext(size_t from) {
    const std::vector<size_t> indices = Continuations(from);
    std::vector<Alternative> alternatives;
    for (const size_t index : indices) alternatives.push_back({ContinuationText(index), std::nullopt, 0});
    int forced = -1;
    if (const ToolCall* call = ForcedCall()) forced = ForcedContinuation(*call, indices);
    SOTTO_ASSIGN_OR_RETURN(const Choice choice, writer_.Choose(alternatives, false, forced));
    Count(choice, choice.log_prob, &turn_.calls.back());
    presence_log_prob_ = choice.log_prob;
    return indices[choice.index];
  }

  int ForcedContinuation(const ToolCall& call, const std::vector<size_t>& indices) const {
    for (size_t i = 1; i < indices.size(); ++i) {
      if (call.arguments.contains(fillable_[indices[i]].argument->name)) return static_cast<int>(i);
    }
    return 0;
  }

  // Chooses the value of fillable_[current]; where values can be prefixes of one another, together with what
  // follows.
  Result<size_t> ChooseValue(size_t current) {
    const Fillable& fill = fillable_[current];
    const bool joint = NeedsDelimiter(*fill.argument) && fill.values.front().literal.front() != '"';
    const std::vector<size_t> indices = Continuations(current + 1);
    std::vector<Alternative> alternatives;
    value_pending_ = true;
    for (size_t v = 0; v < fill.values.size(); ++v) {
      for (size_t i = 0; i < (joint ? indices.size() : 1); ++i) {
        alternatives.push_back({fill.values[v].literal + (joint ? ContinuationText(indices[i]) : ""),
                                std::nullopt, static_cast<int>(v)});
      }
    }
    value_pending_ = false;
    int forced = -1;
    if (const ToolCall* call = ForcedCall()) {
      SOTTO_ASSIGN_OR_RETURN(const size_t v, ForcedValue(*call, fill));
      forced = static_cast<int>(
          joint ? v * indices.size() + static_cast<size_t>(ForcedContinuation(*call, indices)) : v);
    }
    SOTTO_ASSIGN_OR_RETURN(const Choice choice, writer_.Choose(alternatives, false, forced));
    DecodedCall& call = turn_.calls.back();
    const size_t value = joint ? choice.index / indices.size() : choice.index;
    const GroundedValue& chosen = fill.values[value];
    // Which of the values it was bent to says nothing about a value that is none of them.
    const double value_log_prob = chosen.unfit == kNotListed ? 0 : choice.group_log_prob;
    Count(choice, choice.log_prob - choice.group_log_prob + value_log_prob, &call);
    call.argument_log_probs.emplace_back(fill.argument->name, presence_log_prob_ + value_log_prob);
    ++n_written_;
    if (chosen.unfit.empty()) {
      call.call.arguments[fill.argument->name] = chosen.value;
    } else {
      call.unfit.push_back({fill.argument->name, chosen.unfit, chosen.value});
    }
    if (!joint) return ChooseNext(current + 1);
    presence_log_prob_ = choice.log_prob - choice.group_log_prob;
    return indices[choice.index % indices.size()];
  }

  static Result<size_t> ForcedValue(const ToolCall& call, const Fillable& fill) {
    const Json& wanted = call.arguments.at(fill.argument->name);
    for (size_t v = 0; v < fill.values.size(); ++v) {
      if (fill.values[v].unfit.empty() && SameValue(fill.values[v].value, wanted)) return v;
    }
    return MakeError(ErrorCode::kInvalidArgument, "{}.{} = {} was not said", call.name, fill.argument->name,
                     wanted.dump());
  }

  ChoiceWriter writer_;
  const std::span<const OfferedTool> tools_;
  const Grounding& grounding_;
  const CallFrame& frame_;
  const SchemaValueDecoder& decode_schema_value_;
  const CallDecoderOptions& options_;
  DecodedTurn turn_;
  const OfferedTool* tool_ = nullptr;
  std::vector<Fillable> fillable_;
  double presence_log_prob_ = 0;
  int n_written_ = 0;  // arguments of the call so far, unfit ones too
  bool value_pending_ = false;
};

}  // namespace

Result<DecodedTurn> DecodeCalls(NextToken& model, std::span<const OfferedTool> tools,
                                const Grounding& grounding, const CallFrame& frame,
                                const SchemaValueDecoder& decode_schema_value,
                                const CallDecoderOptions& options) {
  return TurnDecoder(model, tools, grounding, frame, decode_schema_value, options).Run();
}

}  // namespace sotto

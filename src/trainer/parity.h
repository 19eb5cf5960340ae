// Whether the engine computes what the trainer computed: the same conversations through both, every call
// token's logits compared. Once with the weights in float, where only the order of additions differs, and
// once as the file stores them, with the engine's quantised activations.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

#include "brain/offered_tool.h"
#include "core/conversation_jsonl.h"
#include "trainer/model_file.h"

namespace sotto {

struct Agreement {
  size_t tokens = 0;     // call tokens compared
  size_t same_best = 0;  // of them: both find the same token the most likely
  size_t conversations = 0;
  size_t same_conversations = 0;  // every token of them
  float largest_difference = 0;   // of any logit
};

struct Parity {
  Agreement as_float;   // the file's weights as F32, float activations
  Agreement as_stored;  // the file itself, as `sotto` runs it
};

// `path`: the file that `model` was read from. `on_progress(done, total)` may be empty.
Result<Parity> MeasureParity(const std::filesystem::path& path, const LoadedModel& model,
                             std::span<const LabelledConversation> rows, std::span<const OfferedTool> tools,
                             const Tokenizer& tokenizer,
                             const std::function<void(size_t, size_t)>& on_progress);

}  // namespace sotto

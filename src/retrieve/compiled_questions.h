// languages/*/ of this layer, compiled in (compiled_questions.cc.in). Internal to the layer.
#pragma once

#include <span>
#include <string_view>

namespace sotto {

struct CompiledQuestions {
  std::string_view code;  // "en"
  std::string_view like;
  std::string_view everyday;
};
std::span<const CompiledQuestions> CompiledQuestionWords();

}  // namespace sotto

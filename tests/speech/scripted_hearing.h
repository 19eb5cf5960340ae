// A speech model for tests: sound is cut into pieces of 0.1 s, each piece with a level; a word is spoken by a stretch
// whose samples have the word's own value. What it hears is exact and quick, so that tests of the search and of
// streaming say what they mean. Rare words of its vocabulary can be made to be heard doubtfully.
#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/audio.h"
#include "speech/hearing_model.h"
#include "text/normalise.h"

namespace sotto {

// Rows whose logits a function of the tokens so far gives (BOS left out).
class ScriptedScorer final : public TokenScorer {
 public:
  using Logits = std::function<std::vector<float>(const std::vector<TokenId>&)>;
  ScriptedScorer(size_t n_vocab, Logits logits) : n_vocab_(n_vocab), logits_of_(std::move(logits)) {}

  size_t n_vocab() const override { return n_vocab_; }
  Result<void> Step(std::span<const Branch> branches) override {
    ++steps;
    std::vector<std::vector<TokenId>> next;
    for (const Branch& branch : branches) {
      next.push_back(branch.parent < 0 ? std::vector<TokenId>{}
                                       : tokens_.at(static_cast<size_t>(branch.parent)));
      if (branch.parent >= 0) next.back().push_back(branch.token);
    }
    tokens_ = std::move(next);
    rows_.clear();
    sums_.clear();
    for (const auto& tokens : tokens_) {
      rows_.push_back(logits_of_(tokens));
      double sum = 0;
      for (const float logit : rows_.back()) sum += std::exp(static_cast<double>(logit));
      sums_.push_back(static_cast<float>(std::log(sum)));
    }
    most_rows = std::max(most_rows, branches.size());
    return {};
  }
  std::span<const float> logits(size_t row) const override { return rows_[row]; }
  float log_sum(size_t row) const override { return sums_[row]; }

  size_t steps = 0;
  size_t most_rows = 0;

 private:
  const size_t n_vocab_;
  const Logits logits_of_;
  std::vector<std::vector<TokenId>> tokens_;
  std::vector<std::vector<float>> rows_;
  std::vector<float> sums_;
};

class ScriptedHearing final : public HearingModel {
 public:
  static constexpr size_t kWordSamples = 4800;  // 0.3 s
  static constexpr size_t kVocab = 64;

  // Pieces of text with the space before them: " Small", " latte", "."; "?" and "." need no sound.
  explicit ScriptedHearing(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {
    vocabulary_.n_vocab = kVocab;
    vocabulary_.encode = [this](std::string_view word) {
      // A mark behind a word is a token of its own.
      std::vector<TokenId> tokens;
      std::string text = " " + std::string(word);
      std::string mark;
      if (text.size() > 1 && (text.back() == '.' || text.back() == '?')) {
        mark = text.back();
        text.pop_back();
      }
      if (const TokenId id = Find(text); id > 0) tokens.push_back(id);
      if (const TokenId id = Find(mark); !mark.empty() && id > 0) tokens.push_back(id);
      return tokens;
    };
  }

  // The sound of words, 0.3 s each, at a level that says which. 0: silence of the same length.
  std::vector<float> Say(const std::vector<std::string>& words, float scale = 1) const {
    std::vector<float> sound;
    for (const std::string& word : words) {
      const auto id = static_cast<float>(word.empty() ? 0 : Find(word));
      for (size_t i = 0; i < kWordSamples; ++i)
        sound.push_back((i % 2 == 0 ? 1.0f : -1.0f) * id * 0.01f * scale);
    }
    return sound;
  }
  static std::vector<float> Silence(double seconds) {
    return std::vector<float>(static_cast<size_t>(seconds * kSampleRateHz));
  }
  TokenId Find(std::string_view piece) const {
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i] == piece) return static_cast<TokenId>(i + 3);
    }
    return 0;
  }

  std::string name() const override { return "scripted"; }
  const WorkflowLm::Vocabulary& vocabulary() const override { return vocabulary_; }
  std::string_view TokenBytes(TokenId token) const override {
    return token < 3 ? std::string_view() : std::string_view(pieces_.at(static_cast<size_t>(token - 3)));
  }
  Result<std::unique_ptr<HeardSound>> Hear(std::span<const float> samples) override {
    ++heard;
    if (on_hear) on_hear();
    return std::make_unique<Sound>(*this, samples);
  }
  double max_seconds() const override { return 30; }
  std::shared_ptr<const VoiceActivityModel> voice_activity() const override { return nullptr; }

  int heard = 0;                  // sounds read
  std::function<void()> on_hear;  // called by each

 private:
  class Sound final : public HeardSound {
   public:
    Sound(const ScriptedHearing& model, std::span<const float> samples)
        : model_(model),
          words_(WordsIn(samples)),
          seconds_(static_cast<double>(samples.size()) / kSampleRateHz) {
      scorer_.emplace(kVocab, [this](const std::vector<TokenId>& tokens) { return Logits(tokens); });
    }
    TokenScorer& scorer() override { return *scorer_; }
    Result<std::vector<double>> TokenEnds(std::span<const TokenId> tokens) override {
      std::vector<double> ends;
      for (size_t i = 0; i < tokens.size(); ++i) {
        ends.push_back(seconds_ * static_cast<double>(i + 1) / static_cast<double>(tokens.size()));
      }
      return ends;
    }

   private:
    // Words are stretches of one level; a short stretch is half a word and not heard.
    static std::vector<TokenId> WordsIn(std::span<const float> samples) {
      std::vector<TokenId> words;
      TokenId last = 0;
      size_t length = 0;
      for (size_t i = 0; i <= samples.size(); ++i) {
        const TokenId id =
            i == samples.size() ? -1 : static_cast<TokenId>(std::lround(std::abs(samples[i]) / 0.01f));
        if (id == last) {
          ++length;
          continue;
        }
        if (last > 2 && length >= kWordSamples / 2) words.push_back(last);
        last = id;
        length = 1;
      }
      return words;
    }
    // The next word that was said is certain, the end where nothing more was; anything else hardly possible.
    std::vector<float> Logits(const std::vector<TokenId>& tokens) const {
      std::vector<float> logits(kVocab, -8);
      size_t said = 0;
      bool marked = false;
      for (const TokenId token : tokens) {
        const std::string_view text = model_.TokenBytes(token);
        marked = text == "." || text == "?";
        if (!marked) ++said;
      }
      if (said < words_.size()) {
        logits[static_cast<size_t>(words_[said])] = 2;
      } else if (marked) {
        logits[2] = 2;
      } else {
        for (const char* mark : {".", "?"}) {
          if (const TokenId id = model_.Find(mark); id > 0) logits[static_cast<size_t>(id)] = 1;
        }
        logits[2] = 0;
      }
      return logits;
    }

    const ScriptedHearing& model_;
    const std::vector<TokenId> words_;
    const double seconds_;
    std::optional<ScriptedScorer> scorer_;
  };

  const std::vector<std::string> pieces_;
  WorkflowLm::Vocabulary vocabulary_;
};

}  // namespace sotto

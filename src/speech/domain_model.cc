#include "speech/domain_model.h"

#include <sphinxbase/err.h>
#include <sphinxbase/ngram_model.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/cache_folder.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "speech/ngram.h"
#include "speech/phrase_units.h"
#include "speech/pronunciation.h"

namespace sotto {
namespace {

// Of the sentences with their values as separate words, beside those with values as units: what is said in
// other words must be heard too.
constexpr double kSeparateWordsWeight = 0.05;
constexpr const char* kFormat = "sotto asr 5";

uint64_t HashOf(const DomainText& text, const DomainModelOptions& options) {
  uint64_t hash = Fnv1a(kFormat);
  hash = Fnv1a(std::to_string(options.mode_share), hash);
  for (ListeningMode mode : kListeningModes) {
    hash = Fnv1a(ListeningModeName(mode), hash);
    for (const std::string& sentence : text.For(mode)) hash = Fnv1a("\n", Fnv1a(sentence, hash));
  }
  for (const std::string& phrase : text.phrases) hash = Fnv1a("\n", Fnv1a(phrase, hash));
  return hash;
}

// Sentences without words that cannot be pronounced; collects the words that stay.
std::vector<std::string> Pronounceable(const std::vector<std::string>& sentences,
                                       const Pronunciations& pronunciations,
                                       std::unordered_map<std::string, std::vector<std::string>>* words) {
  std::vector<std::string> kept;
  kept.reserve(sentences.size());
  for (const std::string& sentence : sentences) {
    std::string clean;
    size_t at = 0;
    while (at < sentence.size()) {
      const size_t end = std::min(sentence.find(' ', at), sentence.size());
      std::string word = sentence.substr(at, end - at);
      at = end + 1;
      if (word.empty()) continue;
      auto [it, added] = words->try_emplace(word);
      if (added) it->second = pronunciations.Find(word);
      if (it->second.empty()) continue;
      if (!clean.empty()) clean += ' ';
      clean += word;
    }
    if (!clean.empty()) kept.push_back(std::move(clean));
  }
  return kept;
}

std::string DictionaryText(const std::unordered_map<std::string, std::vector<std::string>>& words) {
  std::set<std::string> sorted;
  for (const auto& [word, phones] : words) {
    if (!phones.empty()) sorted.insert(word);
  }
  std::string out;
  for (const std::string& word : sorted) {
    int number = 1;
    for (const std::string& phones : words.at(word)) {
      out += number == 1 ? word : fmt::format("{}({})", word, number);
      out += ' ' + phones + '\n';
      ++number;
    }
  }
  return out;
}

// PocketSphinx loads its own binary form ten times faster than text.
Result<void> WriteModel(const NgramCounts& counts, const std::filesystem::path& path) {
  const std::filesystem::path arpa = path.string() + ".arpa";
  SOTTO_RETURN_IF_ERROR(counts.WriteArpa(arpa));
  logmath_t* math = logmath_init(1.0001, 0, 0);
  ngram_model_t* model = ngram_model_read(nullptr, arpa.c_str(), NGRAM_ARPA, math);
  const bool written = model != nullptr && ngram_model_write(model, path.c_str(), NGRAM_BIN) == 0;
  if (model != nullptr) ngram_model_free(model);
  logmath_free(math);
  std::error_code ignored;
  std::filesystem::remove(arpa, ignored);
  if (!written) return MakeError(ErrorCode::kIo, "cannot write the language model {}", path.string());
  return {};
}

Result<void> BuildInto(const DomainText& text, const std::filesystem::path& folder,
                       const DomainModelOptions& options) {
  SOTTO_ASSIGN_OR_RETURN(const Pronunciations pronunciations,
                         Pronunciations::Load(SOTTO_POCKETSPHINX_MODELS "/en-us/cmudict-en-us.dict"));
  std::unordered_map<std::string, std::vector<std::string>> words;
  const std::vector<std::string> open = Pronounceable(text.open, pronunciations, &words);
  if (open.empty()) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "the recognizer has no sentences to prepare for: add examples to the workflow or a speech.txt");
  }
  const PhraseUnits units(text.phrases);
  std::vector<std::string> open_joined;  // every mode counts them
  open_joined.reserve(open.size());
  for (const std::string& sentence : open) open_joined.push_back(units.Join(sentence));
  for (ListeningMode mode : kListeningModes) {
    NgramCounts counts;
    const auto count = [&](const std::string& sentence, const std::string& joined, double weight) {
      counts.Add(joined, weight);
      if (joined != sentence) counts.Add(sentence, weight * kSeparateWordsWeight);
    };
    double open_weight = 1;
    if (mode != ListeningMode::kOpen) {
      const std::vector<std::string> own = Pronounceable(text.For(mode), pronunciations, &words);
      for (const std::string& sentence : own) count(sentence, units.Join(sentence), 1);
      if (!own.empty()) {
        open_weight = static_cast<double>(own.size()) * (1 - options.mode_share) / options.mode_share /
                      static_cast<double>(open.size());
      }
    }
    for (size_t i = 0; i < open.size(); ++i) count(open[i], open_joined[i], open_weight);
    SOTTO_RETURN_IF_ERROR(WriteModel(counts, folder / fmt::format("{}.lm.bin", ListeningModeName(mode))));
  }
  for (const std::string& phrase : text.phrases) {
    const std::string unit = units.Join(phrase);
    if (PhraseUnits::IsUnit(unit)) words[unit] = PhraseUnits::Pronounce(unit, pronunciations);
  }
  return WriteFileAtomically(folder / "words.dict", DictionaryText(words));
}

}  // namespace

std::filesystem::path DefaultCacheFolder() { return CacheFolder(); }

Result<DomainModel> DomainModel::Build(const DomainText& text, const std::filesystem::path& cache,
                                       const DomainModelOptions& options) {
  err_set_logfp(nullptr);
  DomainModel model;
  model.folder_ = cache / fmt::format("{:016x}", HashOf(text, options));
  model.dictionary_ = model.folder_ / "words.dict";
  std::error_code error;
  if (std::filesystem::exists(model.dictionary_, error)) return model;
  // Built under another name and renamed: another process sees all of it or nothing.
  const std::filesystem::path building = model.folder_.string() + fmt::format(".{}", ::getpid());
  std::filesystem::create_directories(building, error);
  if (error) {
    return MakeError(ErrorCode::kIo, "cannot create {}: {} (set SOTTO_CACHE to a writable folder)",
                     building.string(), error.message());
  }
  SOTTO_RETURN_IF_ERROR(BuildInto(text, building, options));
  std::filesystem::rename(building, model.folder_, error);
  if (error) {
    std::filesystem::remove_all(building, error);
    if (!std::filesystem::exists(model.dictionary_)) {
      return MakeError(ErrorCode::kIo, "cannot put the speech model at {}", model.folder_.string());
    }
  }
  return model;
}

std::filesystem::path DomainModel::language_model(ListeningMode mode) const {
  return folder_ / fmt::format("{}.lm.bin", ListeningModeName(mode));
}

}  // namespace sotto

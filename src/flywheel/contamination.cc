#include "flywheel/contamination.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/hash.h"

namespace sotto {
namespace {

constexpr size_t kBands = 8;
constexpr size_t kRows = kMinHashes / kBands;
constexpr size_t kShingle = 3;
constexpr size_t kMostExamples = 20;
constexpr std::string_view kPrintsMagic = "sotto-trained-on-1\n";

// SplitMix64: turns one hash into many.
uint64_t Mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::vector<std::string_view> ShingleWordsOf(std::string_view plain) {
  std::vector<std::string_view> words;
  while (!plain.empty()) {
    const size_t end = std::min(plain.find(' '), plain.size());
    if (end > 0) words.push_back(plain.substr(0, end));
    plain.remove_prefix(std::min(end + 1, plain.size()));
  }
  return words;
}

bool LongEnough(std::string_view plain) {
  return !plain.empty() &&
         static_cast<size_t>(std::count(plain.begin(), plain.end(), ' ')) + 1 >= kLeastWords;
}

uint64_t BandHash(const TextPrint& print, size_t band) {
  return Fnv1a({reinterpret_cast<const char*>(print.least.data() + band * kRows), kRows * sizeof(uint16_t)},
               Mixed(band));
}

// What is compared: the conversation as one text, then each turn, with its number (0: the whole).
std::vector<std::pair<int, std::string>> TextsOf(const Conversation& conversation) {
  std::vector<std::pair<int, std::string>> texts;
  std::string whole;
  int number = 0;
  for (const Turn& turn : conversation.turns) {
    ++number;
    std::string text = BareText(turn.user);
    if (!whole.empty() && !text.empty()) whole += ' ';
    whole += text;
    if (LongEnough(text)) texts.emplace_back(number, std::move(text));
  }
  if (LongEnough(whole) && conversation.turns.size() > 1) texts.insert(texts.begin(), {0, std::move(whole)});
  return texts;
}

}  // namespace

std::string BareText(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80 || c == '\'') {
      plain += static_cast<char>(std::tolower(byte));
    } else if (!plain.empty() && plain.back() != ' ') {
      plain += ' ';
    }
  }
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

TextPrint PrintOf(std::string_view plain) {
  TextPrint print;
  print.exact = Fnv1a(plain);
  const std::vector<std::string_view> words = ShingleWordsOf(plain);
  std::array<uint64_t, kMinHashes> least;
  least.fill(~uint64_t{0});
  for (size_t i = 0; i + kShingle <= std::max(words.size(), kShingle) && !words.empty(); ++i) {
    uint64_t shingle = 14695981039346656037u;
    for (size_t k = i; k < std::min(i + kShingle, words.size()); ++k)
      shingle = Fnv1a(" ", Fnv1a(words[k], shingle));
    for (size_t k = 0; k < kMinHashes; ++k) least[k] = std::min(least[k], Mixed(shingle ^ Mixed(k + 1)));
  }
  for (size_t k = 0; k < kMinHashes; ++k) print.least[k] = static_cast<uint16_t>(least[k] & 0xffff);
  return print;
}

double Resemblance(const TextPrint& a, const TextPrint& b) {
  size_t same = 0;
  for (size_t k = 0; k < kMinHashes; ++k) same += a.least[k] == b.least[k] ? 1 : 0;
  return static_cast<double>(same) / static_cast<double>(kMinHashes);
}

void TrainedOn::AddPrint(const TextPrint& print) {
  if (!exact_.insert(print.exact).second) return;
  const auto index = static_cast<uint32_t>(prints_.size());
  prints_.push_back(print);
  for (size_t band = 0; band < kBands; ++band) bands_[BandHash(print, band)].push_back(index);
}

void TrainedOn::Add(const Conversation& conversation) {
  for (const auto& [number, text] : TextsOf(conversation)) AddPrint(PrintOf(text));
}

void TrainedOn::Add(const TrainedOn& other) {
  for (const TextPrint& print : other.prints_) AddPrint(print);
}

double TrainedOn::Nearest(std::string_view plain_text) const {
  const TextPrint print = PrintOf(plain_text);
  if (exact_.contains(print.exact)) return 1;
  double best = 0;
  for (size_t band = 0; band < kBands; ++band) {
    const auto found = bands_.find(BandHash(print, band));
    if (found == bands_.end()) continue;
    for (const uint32_t index : found->second) best = std::max(best, Resemblance(print, prints_[index]));
  }
  return std::min(best, 0.999);
}

std::string TrainedOn::ToBytes() const {
  std::string bytes(kPrintsMagic);
  for (const TextPrint& print : prints_) {
    bytes.append(reinterpret_cast<const char*>(&print.exact), sizeof print.exact);
    bytes.append(reinterpret_cast<const char*>(print.least.data()), sizeof print.least);
  }
  return bytes;
}

Result<TrainedOn> TrainedOn::FromBytes(std::string_view bytes, std::string_view name) {
  constexpr size_t kSize = sizeof(uint64_t) + kMinHashes * sizeof(uint16_t);
  if (!bytes.starts_with(kPrintsMagic) || (bytes.size() - kPrintsMagic.size()) % kSize != 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: these are no fingerprints of training data", name);
  }
  bytes.remove_prefix(kPrintsMagic.size());
  TrainedOn trained;
  for (; !bytes.empty(); bytes.remove_prefix(kSize)) {
    TextPrint print;
    std::memcpy(&print.exact, bytes.data(), sizeof print.exact);
    std::memcpy(print.least.data(), bytes.data() + sizeof print.exact, sizeof print.least);
    trained.AddPrint(print);
  }
  return trained;
}

double Contamination::share() const {
  return texts == 0 ? 0 : static_cast<double>(exact + near) / static_cast<double>(texts);
}

void Contamination::Add(const Contamination& other, std::string_view name) {
  texts += other.texts;
  exact += other.exact;
  near += other.near;
  for (const std::string& example : other.examples) {
    if (examples.size() < kMostExamples) examples.push_back(fmt::format("{} {}", name, example));
  }
}

Contamination FindContamination(const TrainedOn& trained, std::span<const LabelledConversation> evaluated) {
  Contamination found;
  for (const LabelledConversation& row : evaluated) {
    for (const auto& [number, text] : TextsOf(row.conversation)) {
      ++found.texts;
      const double nearest = trained.Nearest(text);
      if (nearest < kNearDuplicate) continue;
      ++(nearest >= 1 ? found.exact : found.near);
      if (found.examples.size() < kMostExamples) {
        found.examples.push_back(fmt::format(
            "line {}{}, {}", row.line, number == 0 ? std::string() : fmt::format(" turn {}", number),
            nearest >= 1 ? std::string("the same") : fmt::format("near ({:.2f})", nearest)));
      }
      if (number == 0) break;
    }
  }
  return found;
}

}  // namespace sotto

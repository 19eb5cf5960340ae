#include "document/builder.h"

#include <iconv.h>

#include <algorithm>

#include "base/utf8.h"

namespace sotto {
namespace {

bool IsSpace(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string Convert(std::string_view bytes, const char* from) {
  iconv_t conversion = iconv_open("UTF-8", from);
  if (conversion == reinterpret_cast<iconv_t>(-1)) return CleanUtf8(bytes);
  std::string out(bytes.size() * 3 + 16, '\0');
  std::string copy(bytes);
  char* in = copy.data();
  char* to = out.data();
  size_t left = copy.size();
  size_t room = out.size();
  while (left > 0 && room > 4) {
    if (iconv(conversion, &in, &left, &to, &room) != static_cast<size_t>(-1)) break;
    // A byte that is no character of it.
    ++in;
    --left;
    *to++ = '?';
    --room;
  }
  iconv_close(conversion);
  out.resize(out.size() - room);
  return CleanUtf8(out);
}

void Grow(std::optional<Box>& box, const Box& by) {
  if (!box) {
    box = by;
    return;
  }
  box->left = std::min(box->left, by.left);
  box->top = std::min(box->top, by.top);
  box->right = std::max(box->right, by.right);
  box->bottom = std::max(box->bottom, by.bottom);
}

}  // namespace

std::string ToUtf8(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return CleanUtf8(bytes.substr(3));
  if (bytes.starts_with("\xFF\xFE")) return Convert(bytes.substr(2), "UTF-16LE");
  if (bytes.starts_with("\xFE\xFF")) return Convert(bytes.substr(2), "UTF-16BE");
  if (FindInvalidUtf8(bytes) == std::string_view::npos) return std::string(bytes);
  return Convert(bytes, "WINDOWS-1252");
}

std::string JoinSpaces(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  bool space = false;
  bool line = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool wide = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xA0;
    if (IsSpace(c) || wide) {
      space = true;
      line = line || c == '\n';
      i += wide ? 1 : 0;
      continue;
    }
    if (c < 0x20 || c == 0x7F) continue;
    if (space && !out.empty()) out += lines && line ? '\n' : ' ';
    space = line = false;
    out += static_cast<char>(c);
  }
  return out;
}

bool DocumentBuilder::LateBy(double share) const {
  const std::chrono::duration<double> used = std::chrono::steady_clock::now() - began_;
  return used.count() > share * options_.limits.max_seconds;
}

bool DocumentBuilder::Open(Block block, std::string_view text) {
  if (full_) return false;
  const DocumentLimits& limits = options_.limits;
  const char* what = document_.text.size() + text.size() + 1 > limits.max_text_bytes ? "text"
                     : document_.blocks.size() >= limits.max_blocks                  ? "blocks"
                                                                                     : nullptr;
  if (what != nullptr) {
    full_ = true;
    Note(fmt::format("has more {} than the limit; what follows block {} is left out", what,
                     document_.blocks.size()));
    return false;
  }
  if (!document_.text.empty()) document_.text += '\n';
  block.offset = document_.text.size();
  block.length = text.size();
  document_.text += text;
  document_.blocks.push_back(block);
  return true;
}

bool DocumentBuilder::Add(Block::Kind kind, std::string_view text, int page, int level,
                          std::optional<Box> box) {
  const std::string joined = JoinSpaces(CleanUtf8(text), kind == Block::Kind::kCode);
  if (joined.empty()) return !full_;
  return Open({kind, level, page, 0, 0, box}, joined);
}

bool DocumentBuilder::AddWords(Block::Kind kind, const std::vector<PlacedWord>& words, int page, int level) {
  std::string text;
  std::vector<Word> placed;
  std::optional<Box> box;
  for (const PlacedWord& word : words) {
    const std::string clean = JoinSpaces(CleanUtf8(word.text));
    if (clean.empty()) continue;
    if (!text.empty()) text += word.new_line ? '\n' : ' ';
    placed.push_back({text.size(), clean.size(), page, word.box});
    text += clean;
    Grow(box, word.box);
  }
  if (text.empty()) return !full_;
  if (!Open({kind, level, page, 0, 0, box}, text)) return false;
  if (options_.words) {
    for (Word& word : placed) {
      word.offset += document_.blocks.back().offset;
      document_.words.push_back(word);
    }
  }
  return true;
}

void DocumentBuilder::Append(const Document& other, std::string_view heading) {
  Heading(2, heading);
  for (const Block& block : other.blocks) {
    Block copy = block;
    if (copy.kind == Block::Kind::kHeading) copy.level = std::min(copy.level + 2, 6);
    copy.page = 0;  // pages of another document
    copy.box.reset();
    if (!Open(copy, other.TextOf(block))) return;
  }
  document_.recognised = document_.recognised || other.recognised;
  for (const std::string& note : other.notes) Note(fmt::format("{}: {}", heading, note));
}

Result<Document> DocumentBuilder::Finish() && {
  if (document_.blocks.empty()) {
    return MakeError(ErrorCode::kCorrupt, "{}: no text in it{}{}", document_.name,
                     document_.notes.empty() ? "" : ": ", document_.notes.empty() ? "" : document_.notes[0]);
  }
  document_.title = JoinSpaces(CleanUtf8(document_.title));
  if (document_.title.empty()) {
    const auto heading = std::find_if(
        document_.blocks.begin(), document_.blocks.end(),
        [](const Block& block) { return block.kind == Block::Kind::kHeading && block.level == 1; });
    document_.title = heading != document_.blocks.end()
                          ? JoinSpaces(document_.TextOf(*heading))
                          : std::filesystem::path(document_.name).stem().string();
  }
  if (document_.title.size() > 300) {
    document_.title.resize(300);
    document_.title = CleanUtf8(document_.title);
  }
  return std::move(document_);
}

}  // namespace sotto

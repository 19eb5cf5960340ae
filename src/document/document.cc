#include "document/document.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "document/builder.h"

namespace sotto {
namespace {

constexpr std::array<std::string_view, 5> kBlockKinds = {"heading", "paragraph", "list_item", "table_row",
                                                         "code"};

std::string EndingOf(const std::string& name) {
  return LowerAscii(std::filesystem::path(name).extension().string());
}

bool IsOneOf(std::string_view what, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

struct Format {
  std::string_view media_type;
  Result<void> (*parse)(std::string_view, DocumentBuilder&);
};

bool LooksLikeHtml(std::string_view bytes) {
  const std::string head = LowerAscii(bytes.substr(0, 512));
  const size_t begin = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == std::string::npos) return false;
  const std::string_view rest = std::string_view(head).substr(begin);
  return rest.starts_with("<!doctype html") || rest.starts_with("<html");
}

Result<Format> FormatOf(std::string_view bytes, const std::string& name) {
  const std::string ending = EndingOf(name);
  if (bytes.substr(0, 1024).find("%PDF-") != std::string_view::npos)
    return Format{"application/pdf", ParsePdf};
  if (bytes.starts_with("\x89PNG")) return Format{"image/png", ParseScan};
  if (bytes.starts_with("\xFF\xD8\xFF")) return Format{"image/jpeg", ParseScan};
  if (bytes.starts_with(std::string_view("II*\0", 4)) || bytes.starts_with(std::string_view("MM\0*", 4)))
    return Format{"image/tiff", ParseScan};
  if (bytes.starts_with("PK\x03\x04"))
    return Format{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", ParseDocx};
  if (bytes.starts_with("\xD0\xCF\x11\xE0")) {
    return MakeError(
        ErrorCode::kUnsupported,
        "{}: an Office file that is encrypted or of the old format; save it as DOCX without password", name);
  }
  if (ending == ".pdf" || ending == ".docx") {
    return MakeError(ErrorCode::kCorrupt, "{}: no {} file (its first bytes are something else)", name,
                     ending == ".pdf" ? "PDF" : "DOCX");
  }
  const std::string_view head = bytes.substr(0, 4096);
  const bool utf16 = head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF");
  if (!utf16 && head.find('\0') != std::string_view::npos) {
    return MakeError(ErrorCode::kUnsupported, "{}: no text, and none of PDF, DOCX, PNG, JPEG, TIFF", name);
  }
  if (ending == ".eml") return Format{"message/rfc822", ParseMail};
  if (IsOneOf(ending, {".html", ".htm", ".xhtml"}) || LooksLikeHtml(bytes))
    return Format{"text/html", ParseHtml};
  if (IsOneOf(ending, {".md", ".markdown"})) return Format{"text/markdown", ParseMarkdown};
  return Format{"text/plain", ParsePlain};
}

}  // namespace

std::string_view BlockKindName(Block::Kind kind) { return kBlockKinds[static_cast<size_t>(kind)]; }

std::vector<std::string> Document::HeadingsOf(size_t index) const {
  std::vector<std::string> path;
  int level = blocks[index].kind == Block::Kind::kHeading ? blocks[index].level : 7;
  for (size_t i = index; i-- > 0 && level > 1;) {
    if (blocks[i].kind != Block::Kind::kHeading || blocks[i].level >= level) continue;
    path.push_back(JoinSpaces(TextOf(blocks[i])));
    level = blocks[i].level;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

bool LooksLikeDocument(const std::filesystem::path& path) {
  return IsOneOf(EndingOf(path.string()),
                 {".pdf", ".docx", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text", ".eml",
                  ".png", ".jpg", ".jpeg", ".tif", ".tiff"});
}

Result<Document> ParseNested(std::string_view bytes, const std::string& name, const DocumentOptions& options,
                             int nesting, std::chrono::steady_clock::time_point began) {
  if (bytes.find_first_not_of(std::string_view(" \t\r\n\0", 5)) == std::string_view::npos)
    return MakeError(ErrorCode::kCorrupt, "{}: empty", name);
  if (bytes.size() > options.limits.max_bytes) {
    return MakeError(ErrorCode::kOutOfRange, "{}: {} MiB, more than the limit of {}", name,
                     bytes.size() >> 20, options.limits.max_bytes >> 20);
  }
  SOTTO_ASSIGN_OR_RETURN(const Format format, FormatOf(bytes, name));
  DocumentBuilder builder(name, options, nesting, began);
  builder.document().media_type = format.media_type;
  SOTTO_RETURN_IF_ERROR(format.parse(bytes, builder));
  return std::move(builder).Finish();
}

Result<Document> ParseDocument(std::string_view bytes, const std::string& name,
                               const DocumentOptions& options) {
  return ParseNested(bytes, name, options, 0, std::chrono::steady_clock::now());
}

Json ToJson(const Document& document) {
  const auto box = [](const Box& b) { return Json::array({b.left, b.top, b.right, b.bottom}); };
  Json blocks = Json::array();
  for (const Block& block : document.blocks) {
    Json json{{"kind", BlockKindName(block.kind)}, {"offset", block.offset}, {"length", block.length}};
    if (block.level > 0) json["level"] = block.level;
    if (block.page > 0) json["page"] = block.page;
    if (block.box) json["box"] = box(*block.box);
    blocks.push_back(std::move(json));
  }
  Json json{{"name", document.name},
            {"title", document.title},
            {"media_type", document.media_type},
            {"n_pages", document.n_pages},
            {"recognised", document.recognised},
            {"text", document.text},
            {"blocks", std::move(blocks)},
            {"notes", document.notes}};
  if (!document.words.empty()) {
    Json words = Json::array();
    for (const Word& word : document.words) {
      words.push_back(Json::array({word.offset, word.length, word.page, word.box.left, word.box.top,
                                   word.box.right, word.box.bottom}));
    }
    json["words"] = std::move(words);
  }
  return json;
}

Result<Document> DocumentFromJson(const Json& json) {
  try {
    Document document;
    document.name = json.at("name");
    document.title = json.at("title");
    document.media_type = json.at("media_type");
    document.n_pages = json.at("n_pages");
    document.recognised = json.at("recognised");
    document.text = json.at("text");
    document.notes = json.at("notes").get<std::vector<std::string>>();
    const auto inside = [&](size_t offset, size_t length) {
      return offset <= document.text.size() && length <= document.text.size() - offset;
    };
    const auto box = [](const Json& b) {
      return Box{b.at(0).get<double>(), b.at(1).get<double>(), b.at(2).get<double>(), b.at(3).get<double>()};
    };
    for (const Json& item : json.at("blocks")) {
      const auto kind = std::find(kBlockKinds.begin(), kBlockKinds.end(), item.at("kind").get<std::string>());
      if (kind == kBlockKinds.end())
        return MakeError(ErrorCode::kCorrupt, "document: blocks.kind is unknown");
      Block block;
      block.kind = static_cast<Block::Kind>(kind - kBlockKinds.begin());
      block.level = item.value("level", 0);
      block.page = item.value("page", 0);
      block.offset = item.at("offset");
      block.length = item.at("length");
      if (item.contains("box")) block.box = box(item["box"]);
      if (!inside(block.offset, block.length))
        return MakeError(ErrorCode::kCorrupt, "document: blocks.offset {} is beyond the text", block.offset);
      document.blocks.push_back(block);
    }
    for (const Json& item : json.value("words", Json::array())) {
      Word word{item.at(0), item.at(1), item.at(2),
                Box{item.at(3).get<double>(), item.at(4).get<double>(), item.at(5).get<double>(),
                    item.at(6).get<double>()}};
      if (!inside(word.offset, word.length))
        return MakeError(ErrorCode::kCorrupt, "document: words: {} is beyond the text", word.offset);
      document.words.push_back(word);
    }
    return document;
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kCorrupt, "document: {}", error.what());
  }
}

}  // namespace sotto

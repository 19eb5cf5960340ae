// HTML by libxml2's lenient parser, walked without recursion: nothing is fetched, no entity is read from elsewhere.
#include <libxml/HTMLparser.h>

#include <cstring>
#include <memory>

#include "document/builder.h"

namespace sotto {
namespace {

bool IsTag(const xmlNode* node, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (std::strcmp(reinterpret_cast<const char*>(node->name), name) == 0) return true;
  return false;
}

bool IsLeftOut(const xmlNode* node) {
  return IsTag(
      node, {"script", "style", "noscript", "template", "nav", "iframe", "object", "svg", "select", "head"});
}

bool IsBlockTag(const xmlNode* node) {
  return IsTag(
      node, {"p",      "div",    "li",   "ul",    "ol",   "dl",     "dt",  "dd",         "tr",      "table",
             "h1",     "h2",     "h3",   "h4",    "h5",   "h6",     "pre", "blockquote", "section", "article",
             "header", "footer", "main", "aside", "form", "figure", "hr",  "body",       "caption"});
}

class HtmlWalk {
 public:
  explicit HtmlWalk(DocumentBuilder& builder) : builder_(builder) {}

  void Run(const xmlNode* root) {
    const xmlNode* node = root;
    while (node != nullptr && !builder_.full()) {
      if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
        if (node->content != nullptr) text_ += reinterpret_cast<const char*>(node->content);
      } else if (node->type == XML_ELEMENT_NODE) {
        Title(node);
        if (!IsLeftOut(node)) {
          Enter(node);
          if (node->children != nullptr) {
            node = node->children;
            continue;
          }
          Leave(node);
        }
      }
      while (node != nullptr && node->next == nullptr) {
        node = node == root ? nullptr : node->parent;
        if (node == nullptr || node->type != XML_ELEMENT_NODE) break;
        Leave(node);
        if (node == root) node = nullptr;
      }
      if (node != nullptr) node = node->next;
    }
    Flush();
  }

 private:
  void Title(const xmlNode* node) {
    if (!IsTag(node, {"head"})) return;
    for (const xmlNode* child = node->children; child != nullptr; child = child->next) {
      if (child->type != XML_ELEMENT_NODE || !IsTag(child, {"title"}) || child->children == nullptr) continue;
      if (const xmlChar* content = child->children->content)
        builder_.document().title = reinterpret_cast<const char*>(content);
    }
  }
  void Enter(const xmlNode* node) {
    if (IsTag(node, {"br"})) text_ += '\n';
    if (IsTag(node, {"td", "th"}) && !text_.empty()) text_ += " | ";
    if (!IsBlockTag(node)) return;
    if (in_row_ > 0 && !IsTag(node, {"tr", "table"})) {
      text_ += ' ';
      return;
    }
    Flush();
    kind_ = KindOf(node);
    level_ = kind_ == Block::Kind::kHeading ? node->name[1] - '0' : 0;
    if (IsTag(node, {"tr"})) ++in_row_;
  }
  void Leave(const xmlNode* node) {
    if (!IsBlockTag(node)) return;
    if (IsTag(node, {"tr"})) in_row_ = std::max(0, in_row_ - 1);
    if (in_row_ > 0) return;
    Flush();
    kind_ = Block::Kind::kParagraph;
    level_ = 0;
  }
  static Block::Kind KindOf(const xmlNode* node) {
    if (node->name[0] == 'h' && node->name[1] >= '1' && node->name[1] <= '6') return Block::Kind::kHeading;
    if (IsTag(node, {"li", "dt", "dd"})) return Block::Kind::kListItem;
    if (IsTag(node, {"tr"})) return Block::Kind::kTableRow;
    if (IsTag(node, {"pre"})) return Block::Kind::kCode;
    return Block::Kind::kParagraph;
  }
  void Flush() {
    builder_.Add(kind_, text_, 0, level_);
    text_.clear();
  }

  DocumentBuilder& builder_;
  std::string text_;
  Block::Kind kind_ = Block::Kind::kParagraph;
  int level_ = 0;
  int in_row_ = 0;
};

}  // namespace

Result<void> ParseHtml(std::string_view bytes, DocumentBuilder& builder) {
  // What the page says of its encoding is read by the library; without a word UTF-8, else Windows-1252.
  const bool utf16 = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  const bool says = std::string_view(bytes.substr(0, 2048)).find("charset") != std::string_view::npos;
  const std::string text = utf16 || !says ? ToUtf8(bytes) : std::string(bytes);
  const std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> page(
      htmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, says && !utf16 ? nullptr : "UTF-8",
                     HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                         HTML_PARSE_COMPACT),
      xmlFreeDoc);
  const xmlNode* root = page == nullptr ? nullptr : xmlDocGetRootElement(page.get());
  if (root == nullptr) return MakeError(ErrorCode::kCorrupt, "{}: HTML that cannot be read", builder.name());
  HtmlWalk(builder).Run(root);
  return {};
}

}  // namespace sotto

// DOCX (ECMA-376): a zip archive by libzip, its document part by libxml2's reader, element by element. A part is
// unpacked up to a limit and no further, whatever the archive says of its size.
#include <libxml/xmlreader.h>
#include <zip.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "base/ascii.h"
#include "document/builder.h"

namespace sotto {
namespace {

struct CloseZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseZipFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
struct CloseReader {
  void operator()(xmlTextReader* reader) const { xmlFreeTextReader(reader); }
};

// Empty: there is no such part.
Result<std::string> ReadPart(zip_t* archive, const char* part, DocumentBuilder& builder) {
  const size_t limit = builder.options().limits.max_unpacked_bytes;
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat(archive, part, 0, &stat) != 0) return std::string();
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
    return MakeError(ErrorCode::kUnsupported, "{}: encrypted; save it without password", builder.name());
  if ((stat.valid & ZIP_STAT_SIZE) != 0 && stat.size > limit) {
    return MakeError(ErrorCode::kOutOfRange, "{}: {} unpacks to {} MiB, more than the limit of {}",
                     builder.name(), part, stat.size >> 20, limit >> 20);
  }
  const std::unique_ptr<zip_file_t, CloseZipFile> file(zip_fopen(archive, part, 0));
  if (file == nullptr)
    return MakeError(ErrorCode::kCorrupt, "{}: {} cannot be unpacked", builder.name(), part);
  std::string out;
  std::vector<char> buffer(size_t{1} << 16);
  while (true) {
    const zip_int64_t n = zip_fread(file.get(), buffer.data(), buffer.size());
    if (n < 0) return MakeError(ErrorCode::kCorrupt, "{}: {} is damaged", builder.name(), part);
    if (n == 0) return out;
    out.append(buffer.data(), static_cast<size_t>(n));
    if (out.size() > limit) {
      return MakeError(ErrorCode::kOutOfRange, "{}: {} unpacks to more than the limit of {} MiB",
                       builder.name(), part, limit >> 20);
    }
  }
}

std::unique_ptr<xmlTextReader, CloseReader> OpenXml(const std::string& xml) {
  return std::unique_ptr<xmlTextReader, CloseReader>(
      xmlReaderForMemory(xml.data(), static_cast<int>(xml.size()), nullptr, nullptr,
                         XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT));
}

std::string AttributeOf(xmlTextReader* reader, const char* name) {
  xmlChar* value = xmlTextReaderGetAttribute(reader, reinterpret_cast<const xmlChar*>(name));
  std::string text = value == nullptr ? "" : reinterpret_cast<const char*>(value);
  xmlFree(value);
  return text;
}

// Heading levels by style id: "Heading1", or what a translated program calls the style named "heading 1".
std::map<std::string, int> HeadingStyles(const std::string& styles) {
  std::map<std::string, int> levels = {{"Title", 1}};
  for (int level = 1; level <= 6; ++level) levels["Heading" + std::to_string(level)] = level;
  const auto reader = OpenXml(styles);
  std::string id;
  while (reader != nullptr && xmlTextReaderRead(reader.get()) == 1) {
    if (xmlTextReaderNodeType(reader.get()) != XML_READER_TYPE_ELEMENT) continue;
    const auto* tag = reinterpret_cast<const char*>(xmlTextReaderConstName(reader.get()));
    if (std::strcmp(tag, "w:style") == 0) id = AttributeOf(reader.get(), "w:styleId");
    if (std::strcmp(tag, "w:name") != 0 || id.empty()) continue;
    const std::string name = LowerAscii(AttributeOf(reader.get(), "w:val"));
    if (name.size() == 9 && name.starts_with("heading ") && name[8] >= '1' && name[8] <= '6')
      levels[id] = name[8] - '0';
    if (name == "title") levels[id] = 1;
  }
  return levels;
}

struct DocxState {
  std::string text;
  std::string row;
  int level = 0;
  int cells = 0;
  int rows = 0;  // depth: tables may stand in cells
  bool item = false;
};

void EndParagraph(DocxState& state, DocumentBuilder& builder) {
  if (state.rows > 0) {
    state.row += (state.row.empty() || state.row.ends_with("| ") ? "" : " ") + JoinSpaces(state.text);
  } else if (state.level > 0) {
    builder.Heading(state.level, state.text);
  } else {
    builder.Add(state.item ? Block::Kind::kListItem : Block::Kind::kParagraph, state.text);
  }
  state.text.clear();
  state.level = 0;
  state.item = false;
}

void Take(xmlTextReader* reader, const std::map<std::string, int>& styles, DocxState& state,
          DocumentBuilder& builder) {
  const auto* tag = reinterpret_cast<const char*>(xmlTextReaderConstName(reader));
  const bool begins = xmlTextReaderNodeType(reader) == XML_READER_TYPE_ELEMENT;
  const bool ends = xmlTextReaderNodeType(reader) == XML_READER_TYPE_END_ELEMENT;
  const auto is = [&](const char* name) { return std::strcmp(tag, name) == 0; };
  if (ends && is("w:p")) {
    EndParagraph(state, builder);
  } else if (begins && is("w:tr")) {
    if (state.rows++ == 0) state.row.clear();
    state.cells = 0;
  } else if (begins && is("w:tc")) {
    if (state.cells++ > 0) state.row += " | ";
  } else if (ends && is("w:tr")) {
    if (--state.rows <= 0) {
      state.rows = 0;
      builder.Add(Block::Kind::kTableRow, state.row);
    }
  } else if (begins && is("w:pStyle")) {
    const auto style = styles.find(AttributeOf(reader, "w:val"));
    if (style != styles.end()) state.level = style->second;
  } else if (begins && is("w:outlineLvl")) {
    const std::string level = AttributeOf(reader, "w:val");
    if (level.size() == 1 && level[0] >= '0' && level[0] <= '5') state.level = level[0] - '0' + 1;
  } else if (begins && is("w:numPr")) {
    state.item = true;
  } else if (begins && (is("w:tab") || is("w:br") || is("w:cr"))) {
    state.text += ' ';
  }
}

}  // namespace

Result<void> ParseDocx(std::string_view bytes, DocumentBuilder& builder) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* opened = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (opened == nullptr && source != nullptr) zip_source_free(source);
  const std::unique_ptr<zip_t, CloseZip> archive(opened);
  const std::string why = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (archive == nullptr)
    return MakeError(ErrorCode::kCorrupt, "{}: a damaged archive ({})", builder.name(), why);
  SOTTO_ASSIGN_OR_RETURN(const std::string xml, ReadPart(archive.get(), "word/document.xml", builder));
  if (xml.empty()) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: an archive without word/document.xml; of these only DOCX is read", builder.name());
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string styles, ReadPart(archive.get(), "word/styles.xml", builder));
  const std::map<std::string, int> levels = HeadingStyles(styles);
  const auto reader = OpenXml(xml);
  DocxState state;
  bool in_text = false;
  int read = 1;
  while (reader != nullptr && !builder.full() && (read = xmlTextReaderRead(reader.get())) == 1) {
    const int type = xmlTextReaderNodeType(reader.get());
    if (type == XML_READER_TYPE_ELEMENT || type == XML_READER_TYPE_END_ELEMENT) {
      const auto* tag = reinterpret_cast<const char*>(xmlTextReaderConstName(reader.get()));
      in_text = type == XML_READER_TYPE_ELEMENT && std::strcmp(tag, "w:t") == 0;
      Take(reader.get(), levels, state, builder);
    } else if (in_text && (type == XML_READER_TYPE_TEXT || type == XML_READER_TYPE_SIGNIFICANT_WHITESPACE)) {
      state.text += reinterpret_cast<const char*>(xmlTextReaderConstValue(reader.get()));
    }
  }
  if (read < 0) builder.Note("its XML is damaged; what follows the damage is left out");
  EndParagraph(state, builder);
  return {};
}

}  // namespace sotto

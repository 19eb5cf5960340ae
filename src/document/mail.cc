// Mail (RFC 5322, MIME) by GMime: subject, sender, date, the text (plain where there is one, else HTML) and the
// documents that are attached, each under its file name.
#include <gmime/gmime.h>

#include <memory>
#include <mutex>

#include "document/builder.h"

namespace sotto {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using GObjectPtr = std::unique_ptr<T, Unref>;

constexpr int kMaxMimeDepth = 20;

struct MailParts {
  DocumentBuilder& builder;
  int left_out = 0;
  int attachments = 0;
};

std::string BytesOf(GMimePart* part, size_t limit) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return {};
  const GObjectPtr<GMimeStream> memory(g_mime_stream_mem_new());
  if (g_mime_data_wrapper_write_to_stream(content, memory.get()) < 0) return {};
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory.get()));
  return std::string(reinterpret_cast<const char*>(bytes->data), std::min<size_t>(bytes->len, limit));
}

void TakePart(GMimeObject* object, MailParts& mail, int depth);

void TakeText(GMimeObject* object, MailParts& mail) {
  char* text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));
  if (text == nullptr) return;
  const std::unique_ptr<char, void (*)(void*)> owned(text, g_free);
  const GMimeContentType* type = g_mime_object_get_content_type(object);
  if (g_mime_content_type_is_type(const_cast<GMimeContentType*>(type), "text", "html")) {
    if (const auto done = ParseHtml(text, mail.builder); !done) mail.builder.Note(done.error().message);
  } else if (const auto done = ParsePlain(text, mail.builder); !done) {
    mail.builder.Note(done.error().message);
  }
}

void TakeAttachment(GMimePart* part, MailParts& mail) {
  const char* given = g_mime_part_get_filename(part);
  const std::string name = given == nullptr ? "" : std::filesystem::path(given).filename().string();
  DocumentBuilder& builder = mail.builder;
  if (name.empty() || !LooksLikeDocument(name)) {
    ++mail.left_out;
    return;
  }
  if (builder.nesting() + 1 > builder.options().limits.max_nesting || ++mail.attachments > 50) {
    builder.Note(fmt::format("{}: an attachment too deep or one too many; left out", name));
    return;
  }
  const std::string bytes = BytesOf(part, builder.options().limits.max_bytes + 1);
  const auto nested = ParseNested(bytes, name, builder.options(), builder.nesting() + 1, builder.began());
  if (nested) {
    builder.Append(*nested, name);
  } else {
    builder.Note(nested.error().message);
  }
}

// The best of alternatives: the last that is plain text, else the last of all.
void TakeAlternative(GMimeMultipart* multipart, MailParts& mail, int depth) {
  const int n = g_mime_multipart_get_count(multipart);
  GMimeObject* best = nullptr;
  for (int i = 0; i < n; ++i) {
    GMimeObject* part = g_mime_multipart_get_part(multipart, i);
    GMimeContentType* type = g_mime_object_get_content_type(part);
    const bool plain = g_mime_content_type_is_type(type, "text", "plain");
    GMimeContentType* had = best == nullptr ? nullptr : g_mime_object_get_content_type(best);
    if (best == nullptr || plain || !g_mime_content_type_is_type(had, "text", "plain")) best = part;
  }
  if (best != nullptr) TakePart(best, mail, depth + 1);
}

void TakePart(GMimeObject* object, MailParts& mail, int depth) {
  if (object == nullptr || mail.builder.full()) return;
  if (depth > kMaxMimeDepth) {
    mail.builder.Note("parts nested too deep; left out");
    return;
  }
  if (GMIME_IS_MULTIPART(object)) {
    GMimeMultipart* multipart = GMIME_MULTIPART(object);
    if (g_mime_content_type_is_type(g_mime_object_get_content_type(object), "multipart", "alternative")) {
      TakeAlternative(multipart, mail, depth);
      return;
    }
    const int n = std::min(g_mime_multipart_get_count(multipart), 500);
    for (int i = 0; i < n; ++i) TakePart(g_mime_multipart_get_part(multipart, i), mail, depth + 1);
  } else if (GMIME_IS_MESSAGE_PART(object)) {
    GMimeMessage* message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (message != nullptr) TakePart(g_mime_message_get_mime_part(message), mail, depth + 1);
  } else if (GMIME_IS_PART(object)) {
    const char* disposition = g_mime_object_get_disposition(object);
    const bool attached = disposition != nullptr && g_ascii_strcasecmp(disposition, "attachment") == 0;
    if (GMIME_IS_TEXT_PART(object) && !attached) {
      TakeText(object, mail);
    } else {
      TakeAttachment(GMIME_PART(object), mail);
    }
  }
}

}  // namespace

Result<void> ParseMail(std::string_view bytes, DocumentBuilder& builder) {
  static std::once_flag once;
  std::call_once(once, g_mime_init);
  const GObjectPtr<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size()));
  const GObjectPtr<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const GObjectPtr<GMimeMessage> message(g_mime_parser_construct_message(parser.get(), nullptr));
  if (message == nullptr) return MakeError(ErrorCode::kCorrupt, "{}: no mail (no headers)", builder.name());
  const char* subject = g_mime_message_get_subject(message.get());
  if (subject != nullptr) {
    builder.Heading(1, subject);
    builder.document().title = subject;
  }
  const auto addresses = [](InternetAddressList* list) {
    char* text = list == nullptr ? nullptr : internet_address_list_to_string(list, nullptr, FALSE);
    std::string out = text == nullptr ? "" : text;
    g_free(text);
    return out;
  };
  std::string head;
  if (const std::string from = addresses(g_mime_message_get_from(message.get())); !from.empty())
    head += "From: " + from + "\n";
  if (const std::string to = addresses(g_mime_message_get_to(message.get())); !to.empty())
    head += "To: " + to + "\n";
  if (GDateTime* date = g_mime_message_get_date(message.get())) {
    char* text = g_date_time_format(date, "%Y-%m-%d %H:%M");
    if (text != nullptr) head += std::string("Date: ") + text + "\n";
    g_free(text);
  }
  builder.Add(Block::Kind::kCode, head);
  if (!builder.document().blocks.empty()) builder.document().blocks.back().kind = Block::Kind::kParagraph;
  MailParts mail{builder};
  TakePart(g_mime_message_get_mime_part(message.get()), mail, 0);
  if (mail.left_out > 0)
    builder.Note(fmt::format("{} attachments that are no documents are left out", mail.left_out));
  return {};
}

}  // namespace sotto

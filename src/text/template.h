// Reply templates: fixed text with typed fields, rendered for the eye and for the ear at once.
//
//   "Transfer {amount:money} from {from_account} to {to_account}?"
//   "Pay {payee}[ from {from_account}]?"           [...] is left out unless all its fields have a value
//   "You have {n:count(card,cards)}: {cards:list}."
//   "{{", "}}", "[[" and "]]" stand for the character itself.
//
// Field types: text (default), money, number, count, count(one,many), digits, date, time, duration,
// date_range, percent, list, list(TYPE). A parsed template is immutable: any thread may render it. Values are
// looked up by field name in a JSON object; "result.balance" looks inside. Text values pass through
// `spoken_form`, so that an enum value such as "last_month" is shown and said as people say it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/json.h"
#include "core/reply.h"

namespace sotto {

enum class FieldType : uint8_t {
  kText,
  kMoney,
  kNumber,
  kCount,
  kDigits,
  kDate,
  kTime,
  kDuration,
  kDateRange,
  kPercent,
  kList,
};

struct TemplateField {
  std::string name;
  FieldType type = FieldType::kText;
  FieldType element = FieldType::kText;  // kList only
  std::string one;                       // kCount only: the nouns, if given
  std::string many;
  bool optional = false;  // stands inside [...]
};

struct RenderOptions {
  std::string currency = "USD";
  std::optional<Date> today;  // the day of the call: days near it are said by weekday, without a year
  // How to show and say a text value of a field ("last_month" -> "last month"); null: the value itself with
  // '_' as ' '. Called during Render only.
  std::function<std::string(std::string_view field, std::string_view value)> spoken_form;
};

class ReplyTemplate {
 public:
  // The error names `source` and the column ("banking.yaml:12: column 9: no field type 'mony'; types are
  // ...").
  static Result<ReplyTemplate> Parse(std::string_view text, std::string_view source);

  // Appends text and parts to a reply. kNotFound names the field that has no value outside [...];
  // kInvalidArgument the field whose value does not fit its type.
  Result<Reply> Render(const Json& values, const RenderOptions& options = {}) const;

  // All fields in order of appearance, repeated ones repeated.
  std::vector<TemplateField> fields() const;
  // The stretches that never change, for the phrase cache: spoken form of each fixed part.
  std::vector<std::string> FixedParts() const;
  const std::string& source_text() const { return text_; }

 private:
  struct Piece {
    bool fixed = true;
    std::string literal;  // fixed
    TemplateField field;  // otherwise
    int group = 0;        // 0: always; n: the n-th [...]
  };
  std::string text_;
  std::vector<Piece> pieces_;
};

// Several wordings of the same reply: turn n takes the n-th in a circle, so that Sotto does not repeat
// itself.
class ReplyVariants {
 public:
  // A JSON string or array of strings.
  static Result<ReplyVariants> Parse(const Json& text_or_list, std::string_view source);
  const ReplyTemplate& Pick(size_t turn) const { return templates_[turn % templates_.size()]; }
  const std::vector<ReplyTemplate>& templates() const { return templates_; }

 private:
  std::vector<ReplyTemplate> templates_;  // not empty
};

}  // namespace sotto

#include "server/trace_context.h"

#include <algorithm>

namespace sotto {
namespace {

constexpr size_t kTraceParentSize = 55;
constexpr size_t kTraceStateSize = 512;
constexpr size_t kTraceStateMembers = 32;

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
  });
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// key=value: lower-case letters, digits and _-*/@ in the key, printable letters but ',' and '=' in the value.
bool IsStateMember(std::string_view member) {
  const size_t equals = member.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals > 256 || member.size() - equals - 1 > 256)
    return false;
  const std::string_view key = member.substr(0, equals);
  const std::string_view value = member.substr(equals + 1);
  const bool good_key = std::all_of(key.begin(), key.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
           std::string_view("_-*/@").find(letter) != std::string_view::npos;
  });
  return good_key && !value.empty() && std::all_of(value.begin(), value.end(), [](char letter) {
           return letter >= 0x20 && letter <= 0x7e && letter != ',' && letter != '=';
         });
}

}  // namespace

std::optional<TraceContext> ParseTraceParent(std::string_view text) {
  if (text.size() < kTraceParentSize || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(3, 32);
  const std::string_view span = text.substr(36, 16);
  const std::string_view flags = text.substr(53, 2);
  if (!IsLowerHex(version) || !IsLowerHex(trace) || !IsLowerHex(span) || !IsLowerHex(flags))
    return std::nullopt;
  if (version == "ff" || IsZero(trace) || IsZero(span)) return std::nullopt;
  const bool longer = text.size() > kTraceParentSize;
  if (longer && (version == "00" || text[kTraceParentSize] != '-')) return std::nullopt;
  const char low = flags[1];
  const int value = low <= '9' ? low - '0' : low - 'a' + 10;
  return TraceContext{std::string(trace), std::string(span), (value & 1) != 0, {}};
}

std::string TraceParentText(const TraceContext& context) {
  return "00-" + context.trace_id + "-" + context.span_id + (context.sampled ? "-01" : "-00");
}

std::string CheckedTraceState(std::string_view text) {
  if (text.size() > kTraceStateSize) return {};
  size_t members = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t comma = rest.find(',');
    const std::string_view member = Trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    if (member.empty()) continue;
    if (!IsStateMember(member) || ++members > kTraceStateMembers) return {};
  }
  return std::string(text);
}

std::optional<TraceContext> TraceContextOf(const WebRequest& request) {
  const std::string* parent = nullptr;
  std::string state;
  for (const auto& [name, value] : request.headers) {
    if (name == "traceparent") {
      if (parent != nullptr) return std::nullopt;  // twice: whose is it?
      parent = &value;
    }
    if (name == "tracestate") state += (state.empty() ? "" : ",") + value;
  }
  if (parent == nullptr) return std::nullopt;
  auto context = ParseTraceParent(*parent);
  if (context) context->state = CheckedTraceState(state);
  return context;
}

}  // namespace sotto

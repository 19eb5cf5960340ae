// A form of any bytes is read or refused in one line; a note that it writes says nothing that no record does not.
#include "base/check.h"
#include "one_line.h"
#include "specialist/call_summary.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto form = sotto::NoteForm::Parse({reinterpret_cast<const char*>(data), size}, "input");
  sotto::CheckError(form);
  if (!form) return 0;
  sotto::TurnRecord record;
  record.session = "s";
  record.events = {sotto::Json{{"event", "task_began"}, {"task", 1}, {"name", "pay_bill"}},
                   sotto::Json{{"event", "slot_set"}, {"task", 1}, {"name", "amount"}, {"value", 20}}};
  form->Write(sotto::FactsOf({&record, 1}), nullptr);
  return 0;
}

#include "specialist/telephone_number.h"

#include "base/check.h"

#ifdef SOTTO_HAS_PHONENUMBER
#include <phonenumbers/phonenumberutil.h>
#endif

namespace sotto {

#ifdef SOTTO_HAS_PHONENUMBER
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

std::string_view LineName(PhoneNumberUtil::PhoneNumberType type) {
  switch (type) {
    case PhoneNumberUtil::FIXED_LINE:
      return "landline";
    case PhoneNumberUtil::MOBILE:
      return "mobile";
    case PhoneNumberUtil::FIXED_LINE_OR_MOBILE:
      return "landline or mobile";
    case PhoneNumberUtil::TOLL_FREE:
      return "toll free";
    case PhoneNumberUtil::PREMIUM_RATE:
      return "premium rate";
    case PhoneNumberUtil::VOIP:
      return "voip";
    default:
      return "other";
  }
}

}  // namespace

bool HasTelephoneNumbers() { return true; }

FormatVerdict CheckTelephone(std::string_view number, std::string_view region) {
  FormatVerdict out;
  out.value = number;
  const PhoneNumberUtil& plans = *PhoneNumberUtil::GetInstance();
  PhoneNumber parsed;
  const auto error = plans.Parse(std::string(number), std::string(region), &parsed);
  if (error != PhoneNumberUtil::NO_PARSING_ERROR) {
    out.why = error == PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR ? "has no country's code"
              : error == PhoneNumberUtil::TOO_LONG_NSN             ? "is too long"
                                                                   : "is too short";
    return out;
  }
  plans.Format(parsed, PhoneNumberUtil::E164, &out.value);
  std::string country;
  plans.GetRegionCodeForNumber(parsed, &country);
  switch (plans.IsPossibleNumberWithReason(parsed)) {
    case PhoneNumberUtil::IS_POSSIBLE:
      out.valid = plans.IsValidNumber(parsed);
      if (!out.valid) out.why = "is in no range that is in use";
      break;
    case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
      out.why = "has no area code";
      break;
    case PhoneNumberUtil::INVALID_COUNTRY_CODE:
      out.why = "has no country's code";
      break;
    case PhoneNumberUtil::TOO_SHORT:
      out.why = "is too short";
      break;
    case PhoneNumberUtil::TOO_LONG:
      out.why = "is too long";
      break;
    default:
      out.why = "has a length that its country does not have";
  }
  if (!country.empty() && country != "ZZ")
    out.detail = country + " " + std::string(LineName(plans.GetNumberType(parsed)));
  return out;
}

#else

bool HasTelephoneNumbers() { return false; }

FormatVerdict CheckTelephone(std::string_view, std::string_view) {
  SOTTO_CHECK(false, "this build has no libphonenumber");
  return {};
}

#endif

}  // namespace sotto

// How far labellers agree beyond chance. Cohen's kappa (1960) of two who labelled the same; Krippendorff's alpha
// (nominal; Content Analysis, 2004, chapter 11) of any number, with what somebody did not label left out. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flywheel/label_store.h"

namespace sotto {

// Of items that both labelled. Nothing: there are none, or both said one and the same always.
std::optional<double> CohenKappa(const std::vector<std::pair<std::string, std::string>>& items);
// units[i]: what was said of item i, by one or more. Nothing: no item was labelled twice, or all said the same.
std::optional<double> KrippendorffAlpha(const std::vector<std::vector<std::string>>& units);

struct Agreement {
  struct Pair {
    std::string a, b;
    size_t items = 0;
    size_t same = 0;
    std::optional<double> kappa;
  };
  std::vector<Pair> pairs;
  size_t items = 0;  // that more than one labelled
  std::optional<double> alpha;
};
// `names_only`: which tool, not with which arguments.
Agreement AgreementOf(const std::vector<Label>& labels, bool names_only);

}  // namespace sotto

// The fourteen tools of the banking workflow, as tests/data/grammar/banking_tools.json has them.
#pragma once

#include <vector>

#include "core/tool.h"

namespace sotto {

const std::vector<ToolSpec>& BankingTools();

}  // namespace sotto

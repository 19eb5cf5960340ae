// ${NAME} in what a workflow file says: secrets stay out of the file.
#pragma once

#include <string>

#include "base/error.h"

namespace sotto {

// Every ${NAME} replaced by the environment's value; the error names one that is not set.
Result<std::string> ExpandEnvironment(std::string text);

}  // namespace sotto

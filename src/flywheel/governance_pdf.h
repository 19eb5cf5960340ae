// Markdown of flywheel/governance.h as pages (A4, PDF 1.3): headings, paragraphs, lists, tables. By libharu,
// where it was installed when this was built (Debian: libhpdf-dev).
#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.h"

namespace sotto {

bool CanWritePdf();
// kUnsupported: built without libharu. `footer` stands on every page beside its number. Characters outside of
// Latin-1 are written as '?': this font has no others.
Result<void> WritePdf(std::string_view markdown, std::string_view footer, const std::filesystem::path& path);

}  // namespace sotto

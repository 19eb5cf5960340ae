// UTF-8 at the door: text of the world (files, standard input, arguments, network) is checked or cleaned
// where it enters, so that nothing behind it has to fear bytes that are no characters. Source: RFC 3629.
#pragma once

#include <string>
#include <string_view>

namespace sotto {

// The offset of the first byte that belongs to no character (an overlong form, a surrogate, a cut end), or
// npos.
size_t FindInvalidUtf8(std::string_view text);

// The text with every such byte as U+FFFD. `n_replaced`, where given, is set to their number.
std::string CleanUtf8(std::string_view text, size_t* n_replaced = nullptr);

}  // namespace sotto

#include "base/markup.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(EscapeMarkup, WhatMarkupReadsIsWrittenAsEntities) {
  EXPECT_EQ(EscapeMarkup("a<b> & \"c\""), "a&lt;b&gt; &amp; &quot;c&quot;");
  EXPECT_EQ(EscapeMarkup("&amp;"), "&amp;amp;");
}

TEST(EscapeMarkup, EverythingElseStays) {
  EXPECT_EQ(EscapeMarkup("It's \xC3\xA9t\xC3\xA9\n"), "It's \xC3\xA9t\xC3\xA9\n");
  EXPECT_EQ(EscapeMarkup(""), "");
}

}  // namespace
}  // namespace sotto

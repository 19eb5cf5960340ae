#include "base/ascii.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(LowerAscii, CapitalsOfAsciiOnly) {
  EXPECT_EQ(LowerAscii("Content-TYPE: @AZ[`az{ 09"), "content-type: @az[`az{ 09");
  EXPECT_EQ(LowerAscii("\xC3\x89t\xC3\xA9"), "\xC3\x89t\xC3\xA9");
  EXPECT_EQ(LowerAscii(""), "");
}

}  // namespace
}  // namespace sotto

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/bounded_queue.h"
#include "base/mapped_file.h"
#include "base/random.h"
#include "base/spsc_ring.h"
#include "base/utf8.h"

namespace sotto {
namespace {

TEST(BoundedQueue, DropsOldestAndCounts) {
  BoundedQueue<int> queue(2, WhenFull::kDropOldest);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(queue.Push(i));
  EXPECT_EQ(queue.dropped(), 3U);
  EXPECT_EQ(queue.Pop(), 3);
  EXPECT_EQ(queue.Pop(), 4);
  EXPECT_EQ(queue.TryPop(), std::nullopt);
}

TEST(BoundedQueue, CloseWakesAReaderAfterTheLastItem) {
  BoundedQueue<int> queue(4, WhenFull::kBlock);
  std::vector<int> seen;
  std::thread reader([&] {
    while (auto item = queue.Pop()) seen.push_back(*item);
  });
  for (int i = 0; i < 100; ++i) queue.Push(i);
  queue.Close();
  reader.join();
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_FALSE(queue.Push(1));
}

TEST(SpscRing, KeepsOrderAcrossThreads) {
  SpscRing<int> ring(64);
  constexpr int kCount = 20000;
  std::thread writer([&] {
    for (int i = 0; i < kCount;) i += static_cast<int>(ring.Write(std::span<const int>(&i, 1)));
  });
  int expected = 0;
  while (expected < kCount) {
    int value = -1;
    if (ring.Read({&value, 1}) == 1) {
      ASSERT_EQ(value, expected);
      ++expected;
    }
  }
  writer.join();
}

TEST(MappedFile, NamesTheMissingFile) {
  const auto file = MappedFile::Open("/nonexistent/file");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(file.error().message, testing::HasSubstr("/nonexistent/file"));
}

TEST(WriteFileAtomically, ReplacesAndLeavesNoTemporary) {
  const std::filesystem::path folder = testing::TempDir() + "sotto_write";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "one"));
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "two"));
  EXPECT_EQ(ReadFile(folder / "a").value(), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  EXPECT_FALSE(WriteFileAtomically(folder / "missing" / "a", "x"));
}

TEST(Random, SameSeedSameSequence) {
  Random a(7);
  Random b(7);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(a.Below(10), b.Below(10));
    EXPECT_LT(a.Uniform(), 1.0);
    b.Uniform();
  }
}

TEST(Utf8, WhatIsNoCharacterIsFoundAndReplaced) {
  const auto clean = [](std::string_view text) {
    size_t n = 0;
    std::string out = CleanUtf8(text, &n);
    EXPECT_EQ(n == 0, FindInvalidUtf8(text) == std::string_view::npos);
    EXPECT_EQ(FindInvalidUtf8(out), std::string_view::npos);
    return out;
  };
  EXPECT_EQ(clean("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(clean("balance \xE9"), "balance \xEF\xBF\xBD");
  EXPECT_EQ(clean("a\xE2\x82"), "a\xEF\xBF\xBD\xEF\xBF\xBD");                // cut
  EXPECT_EQ(clean("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
  EXPECT_EQ(clean("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
  EXPECT_EQ(clean("\xF4\x90\x80\x80x").back(), 'x');                         // beyond U+10FFFF
  EXPECT_EQ(FindInvalidUtf8("ab\xFF"), 2U);
}

}  // namespace
}  // namespace sotto

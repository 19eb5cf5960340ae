// The shipped specialist that gives tickets to queues: tickets of our own, none of them in its training data.
#include <gtest/gtest.h>

#include "specialist/annotator.h"

namespace sotto {
namespace {

TEST(QueueSpecialist, GivesTicketsToQueues) {
  const auto queue = OpenSpecialist(SOTTO_SOURCE_DIR "/specialists/queue", {});
  ASSERT_TRUE(queue) << queue.error().message;
  EXPECT_EQ((*queue)->labels().size(), 8u);
  const std::vector<std::pair<std::string, std::string>> tickets{
      {"I lost my card and somebody may be using it", "security"},
      {"My new debit card has still not come in the post", "cards"},
      {"The transfer to my landlord has not arrived yet", "transfers"},
      {"The machine kept my card when I wanted cash", "cash"},
      {"I was charged a fee for exchanging euros", "fees_and_exchange"},
      {"The money that I loaded from my other card never showed up", "top_ups"},
      {"Why do you need a photo of my passport", "account"}};
  std::vector<std::string> texts;
  for (const auto& [text, label] : tickets) texts.push_back(text);
  const std::vector<Json> said = (*queue)->Annotate(texts);
  size_t right = 0;
  for (size_t i = 0; i < said.size(); ++i) {
    // Below its threshold a person looks: no label then.
    const bool same = said[i]["label"] == tickets[i].second;
    right += same ? 1 : 0;
    if (same) continue;
    EXPECT_EQ(said[i]["decision"], "person") << texts[i] << ": " << said[i].dump();
  }
  EXPECT_GE(right, 5u);
}

TEST(QueueSpecialist, LeavesWhatIsNobodysToAPerson) {
  const auto queue = OpenSpecialist(SOTTO_SOURCE_DIR "/specialists/queue", {});
  ASSERT_TRUE(queue) << queue.error().message;
  const std::vector<std::string> texts{"what is the tallest mountain in africa"};
  const Json said = (*queue)->Annotate(texts)[0];
  EXPECT_EQ(said["decision"], "person") << said.dump();
  EXPECT_TRUE(said["label"].is_null()) << said.dump();
}

}  // namespace
}  // namespace sotto

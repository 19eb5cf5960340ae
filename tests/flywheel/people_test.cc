// Who may do what: the file, its default, and that acts keep what the right rests on.
#include "flywheel/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "flywheel/registry.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(People, AreReadWithTheirRights) {
  const People people = *People::Parse(
      "# who\nana: label, approve\n ben : promote,roll_back # chief\nmodel:*: label\n", "people");
  EXPECT_TRUE(people.Check("ana", Right::kApprove));
  EXPECT_TRUE(people.Check("ben", Right::kRollBack));
  EXPECT_THAT(people.Check("ana", Right::kPromote).error().message,
              HasSubstr("'ana' may not promote: people gives that right to ben"));
  EXPECT_THAT(people.Check("eve", Right::kLabel).error().message, HasSubstr("ana, model:*"));
  EXPECT_THAT(people.With(Right::kLabel), ElementsAre("ana", "model:*"));
  EXPECT_THAT(people.basis(), HasSubstr("people, SHA-256 "));
}

TEST(People, MistakesNameTheirLine) {
  EXPECT_THAT(People::Parse("ana: label\nben: promot\n", "people").error().message,
              HasSubstr("people:2: 'promot' is no right; did you mean 'promote'?"));
  EXPECT_THAT(People::Parse("ana\n", "people").error().message, HasSubstr("people:1: should read NAME"));
  EXPECT_THAT(People::Parse(": label\n", "people").error().message, HasSubstr("people:1"));
  EXPECT_FALSE(People::Parse("", "people")->Check("ana", Right::kLabel));
}

TEST(People, WithoutAFileTheFolderIsItsOwners) {
  const TempFolder folder;
  const People people = *People::Of(folder.path());
  EXPECT_TRUE(people.Check("whoever", Right::kPromote));
  EXPECT_THAT(people.basis(), HasSubstr("the folder is " + ProcessLogin() + "'s"));
  EXPECT_FALSE(People::Of(folder / "none"));
}

TEST(People, DecideWhoseActsAreTaken) {
  const TempFolder folder;
  const auto registry = *VersionRegistry::Open(folder.path(), VersionRegistry::Mode::kCreate);
  VersionFacts facts;
  facts.workflow = "banking";
  std::vector<std::string> versions;
  for (const char* bytes : {"one", "two"}) {
    facts.model = bytes;
    facts.model_sha256 = Sha256(bytes);
    const VersionRegistry::FileOf files[] = {{"model.gguf", "", bytes}};
    versions.push_back(registry->Register(facts, files, "eve", "", Json::object())->version);
  }
  ASSERT_TRUE(WriteFileAtomically(folder / "people", "ana: approve\nben: promote\ncy: roll_back\n"));
  const auto error = [](const auto& result) { return result ? std::string() : result.error().message; };
  EXPECT_THAT(error(registry->Promote("banking", versions[0], "ana", "why", 0)),
              HasSubstr("'ana' may not promote"));
  EXPECT_THAT(error(registry->Record({std::string(act::kApproved), "banking", versions[0], "ben", "why"})),
              HasSubstr("'ben' may not approve"));
  ASSERT_EQ(error(registry->Record({std::string(act::kApproved), "banking", versions[0], "ana", "read"})),
            "");
  ASSERT_EQ(error(registry->Promote("banking", versions[0], "ben", "first", 0)), "");
  const auto second =
      registry->Promote("banking", versions[1], "ben", "second, asked for by 4111 1111 1111 1111", 0);
  ASSERT_EQ(error(second), "");
  EXPECT_EQ(second->detail["right"]["to"], "promote");
  EXPECT_EQ(second->detail["right"]["login"], ProcessLogin());
  EXPECT_THAT(second->detail["right"]["by"].get<std::string>(), HasSubstr("SHA-256"));
  EXPECT_EQ(second->reason, "second, asked for by <card>");
  EXPECT_THAT(error(registry->RollBack("banking", "", "ben", "worse")), HasSubstr("'ben' may not roll_back"));
  ASSERT_EQ(error(registry->RollBack("banking", "", "cy", "worse")), "");
  // The machine needs proof, not a right; a file that cannot be read lets nobody through.
  EXPECT_EQ(error(registry->RollBack("banking", versions[1], kMachine, "guard")), "");
  ASSERT_TRUE(WriteFileAtomically(folder / "people", "ben: everything\n"));
  EXPECT_THAT(error(registry->Promote("banking", versions[0], "ben", "why", 0)), HasSubstr("people:1"));
  EXPECT_TRUE(registry->Verify()->empty());
}

}  // namespace
}  // namespace sotto

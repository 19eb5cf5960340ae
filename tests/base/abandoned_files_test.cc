#include "base/abandoned_files.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mapped_file.h"
#include "temp_folder.h"

namespace sotto {
namespace {

// A process that is gone: its number is free, or was until a moment ago.
pid_t GoneProcess() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  ::waitpid(child, &status, 0);
  return child;
}

TEST(AbandonedFiles, GoWhereTheirProcessIsGone) {
  const TempFolder folder;
  const std::string gone = std::to_string(GoneProcess());
  const std::string here = std::to_string(::getpid());
  const auto write = [&](const std::string& name) { ASSERT_TRUE(WriteFileAtomically(folder / name, "x")); };
  for (const std::string& name :
       {"model.gguf." + gone + ".tmp", "labelled.jsonl." + gone + ".3.tmp", "2026.10." + gone + ".0.tmp"})
    write(name);
  const std::vector<std::string> stay{"labelled.jsonl." + here + ".3.tmp",
                                      "model.gguf." + here + ".tmp",
                                      "labelled.jsonl",
                                      "notes.tmp",
                                      "a." + gone + ".tmp.jsonl",
                                      "." + gone + ".tmp"};
  for (const std::string& name : stay) write(name);
  std::filesystem::create_directories(folder / ("folder." + gone + ".tmp"));
  EXPECT_EQ(RemoveAbandonedFiles(folder.path()), 3u);
  for (const std::string& name : stay) EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  EXPECT_TRUE(std::filesystem::exists(folder / ("folder." + gone + ".tmp")));
  EXPECT_EQ(RemoveAbandonedFiles(folder / "nowhere"), 0u);
}

}  // namespace
}  // namespace sotto

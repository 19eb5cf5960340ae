#include "cli/label_sound.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>

extern char** environ;

namespace sotto {
namespace {

// Waits for the end of it. The error is one line.
Result<void> PlayFile(std::string file) {
  std::string program = "aplay", quiet = "-q";
  const std::array<char*, 4> arguments{program.data(), quiet.data(), file.data(), nullptr};
  pid_t child = 0;
  if (const int failed = posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ);
      failed != 0)
    return MakeError(ErrorCode::kNotFound, "aplay cannot be run ({}; Debian: alsa-utils)",
                     std::strerror(failed));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return MakeError(ErrorCode::kUnavailable, "aplay could not play it");
  return {};
}

// A file of our own, for as long as it is played: nobody else may read it.
Result<void> PlayBytes(const std::string& wav) {
  std::string name = (std::filesystem::temp_directory_path() / "sotto-turn-XXXXXX").string();
  const int file = mkstemp(name.data());  // 0600
  if (file < 0) return MakeError(ErrorCode::kIo, "cannot make {}: {}", name, std::strerror(errno));
  Result<void> played;
  for (std::string_view left = wav; !left.empty() && played;) {
    const ssize_t n = ::write(file, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) played = MakeError(ErrorCode::kIo, "cannot write {}: {}", name, std::strerror(errno));
    left.remove_prefix(n > 0 ? static_cast<size_t>(n) : 0);
  }
  ::close(file);
  if (played) played = PlayFile(name);
  ::unlink(name.c_str());
  return played;
}

}  // namespace

Result<LabelSound> LabelSound::Open(const std::string& folder) {
  LabelSound sound(folder);
  if (folder.empty()) return sound;
  std::vector<std::string> errors;
  SOTTO_ASSIGN_OR_RETURN(sound.recordings_, ReadRecordings(folder, std::time(nullptr), &errors));
  for (const std::string& error : errors) fmt::print(stderr, "{}\n", error);
  return sound;
}

std::optional<TurnSound> LabelSound::Find(const LabelItem& item) const {
  return FindSound(item, folder_, recordings_);
}

std::string LabelSound::Says(const LabelItem& item) const {
  if (const auto sound = Find(item))
    return fmt::format("{:.1f} s{}", sound->seconds(), sound->silenced ? ", a secret in it is silenced" : "");
  return item.audio;
}

void LabelSound::Play(const LabelItem& item) const {
  const auto sound = Find(item);
  Result<void> played;
  std::string where = item.audio;
  if (sound) {
    where = fmt::format("{}, left channel, from {:.1f} s to {:.1f} s", sound->file.string(),
                        static_cast<double>(sound->from_ms) / 1000, static_cast<double>(sound->to_ms) / 1000);
    const auto wav = CutTurn(*sound);
    played = wav ? PlayBytes(*wav) : tl::unexpected(wav.error());
  } else {
    played = PlayFile(item.audio);
  }
  if (!played) fmt::print("  {}: it is in {}\n", played.error().message, where);
}

}  // namespace sotto

#include "cli/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mapped_file.h"

namespace sotto {

Outcome RunProgram(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
                   const std::string& input) {
  const std::filesystem::path in = folder / ".in";
  const std::filesystem::path out = folder / ".out";
  const std::filesystem::path error = folder / ".err";
  SOTTO_CHECK(WriteFileAtomically(in, input));
  const pid_t child = ::fork();
  SOTTO_CHECK(child >= 0);
  if (child == 0) {
    const auto redirect = [](const std::filesystem::path& path, int flags, int to) {
      const int fd = ::open(path.c_str(), flags, 0644);
      if (fd < 0 || ::dup2(fd, to) < 0) ::_exit(126);
    };
    redirect(in, O_RDONLY, STDIN_FILENO);
    redirect(out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(error, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    ::setenv("HOME", folder.c_str(), 1);
    ::unsetenv("SOTTO_CACHE");
    ::unsetenv("XDG_CACHE_HOME");
    ::unsetenv("SOTTO_WORKFLOW");
    ::unsetenv("SOTTO_MODEL");
    std::vector<char*> argv{const_cast<char*>(SOTTO_PROGRAM)};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(SOTTO_PROGRAM, argv.data());
    ::_exit(127);
  }
  int status = 0;
  SOTTO_CHECK(::waitpid(child, &status, 0) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out).value(), ReadFile(error).value()};
}

}  // namespace sotto

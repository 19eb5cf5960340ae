#include "server/router.h"

namespace sotto {
namespace {

std::string_view NextStep(std::string_view& path) {
  path.remove_prefix(1);  // its slash
  const std::string_view step = path.substr(0, path.find('/'));
  path.remove_prefix(step.size());
  return step;
}

bool Fits(std::string_view pattern, std::string_view path, std::vector<std::string>* steps) {
  steps->clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = NextStep(pattern);
    const std::string_view given = NextStep(path);
    if (wanted.starts_with('{')) {
      if (given.empty()) return false;
      steps->emplace_back(given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

Router::Found Router::Find(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  Found found;
  std::vector<std::string> steps;
  for (const Route& route : routes_) {
    if (!path.starts_with('/') || !Fits(route.pattern, path, &steps)) continue;
    if (route.method == method) return {&route, std::move(steps), {}};
    found.allowed += (found.allowed.empty() ? "" : ", ") + route.method;
  }
  return found;
}

}  // namespace sotto

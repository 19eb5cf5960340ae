// Which handler answers which method and path. Patterns: "/v1/sessions/{id}/turns"; a step in braces is
// anything that is not empty. Immutable once built; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/client.h"
#include "server/http.h"
#include "server/trace_context.h"

namespace sotto {

// A request on its way through the server.
struct Exchange {
  WebRequest request;
  Client client;
  std::vector<std::string> steps;  // what stood for the braces, in order
  HttpRespond respond;
  std::optional<TraceContext> trace = std::nullopt;  // the span of this request, where somebody keeps it
};

struct Route {
  std::string method;
  std::string pattern;
  std::string scope;  // that the client needs; empty: everybody may
  std::function<void(Exchange)> handle;
};

class Router {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }

  struct Found {
    const Route* route = nullptr;  // null: none
    std::vector<std::string> steps;
    std::string allowed;  // where only the method does not fit: "GET, POST"
  };
  // HEAD is answered as GET is.
  Found Find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace sotto

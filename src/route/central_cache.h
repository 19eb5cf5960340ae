// The cache of another Sotto (`sotto serve` with `cache: serve: true`), shared by machines: over HTTP, an understanding a
// key. Asked by the HTTP client's thread, within milliseconds or not at all: where it cannot be reached, answers something
// else or goes away in the middle, everything goes on as if nothing were there, which is said once, and again when it is
// back. Who asks for the same key at the same time asks once (single flight). What it finds was written by others:
// whoever uses it checks what it says. Any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "route/answer_cache.h"

namespace sotto {

struct CentralOptions {
  std::string base_url;  // "https://cache.example:8080": what /v1/cache is put behind
  std::string key;       // API key with the scope `cache`; empty: none is wanted
  std::chrono::milliseconds connect_within{200};
  std::chrono::milliseconds answer_within{200};
  std::chrono::milliseconds stay_away{5000};  // after it could not be reached
  bool warns = true;                          // once, when it cannot be reached
  // Before so many bytes of what was understood leave; an error keeps them here. Null: nobody wants to know.
  std::function<Result<void>(size_t bytes)> on_sending = nullptr;
};

class CentralCache : public SharedCache {
 public:
  // Of a whole address, http or https. The error says what is wrong with it.
  static Result<void> CheckAddress(std::string_view base_url);
  // Whether what is sent there stays on this machine.
  static bool IsHere(std::string_view base_url);
  static std::shared_ptr<CentralCache> Make(CentralOptions options);
};

}  // namespace sotto

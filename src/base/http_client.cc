#include "base/http_client.h"

#include <curl/curl.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/ascii.h"
#include "base/check.h"

namespace sotto {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{1} << 18;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(curl_mime* form) const { curl_mime_free(form); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};

void StartCurl() {
  static std::once_flag once;
  std::call_once(once, [] { SOTTO_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, CurlFree> owned(text);
  return text;
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What is wrong with a request before it is sent, if anything.
Result<void> CheckRequest(const HttpRequest& request) {
  const bool known = request.url.starts_with("http://") || request.url.starts_with("https://");
  if (!known || HasControl(request.url) || HttpOrigin(request.url).empty())
    return MakeError(ErrorCode::kInvalidArgument, "not an address of the form http(s)://host/path");
  for (const auto& [name, value] : request.headers) {
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
             std::string_view("-_.!#$&'*+^`|~%").find(c) != std::string_view::npos;
    });
    if (!token) return MakeError(ErrorCode::kInvalidArgument, "a header's name is not one");
    if (HasControl(value))
      return MakeError(ErrorCode::kInvalidArgument, "the value of header {} has a line break in it", name);
  }
  if (HasControl(request.method) || request.method.empty() || request.method.find(' ') != std::string::npos)
    return MakeError(ErrorCode::kInvalidArgument, "the HTTP method is not one (GET, POST, ...)");
  return {};
}

// One request on its way: what libcurl needs alive until it is over.
class Transfer {
 public:
  Transfer(HttpRequest request, HttpClient::OnBytes on_bytes, HttpClient::Done done)
      : request_(std::move(request)),
        on_bytes_(std::move(on_bytes)),
        done_(std::move(done)),
        easy_(curl_easy_init()) {
    SOTTO_CHECK(easy_ != nullptr);
    SetUp();
  }

  CURL* easy() const { return easy_.get(); }
  const std::stop_token& stop() const { return request_.stop; }

  // Ends the request; nothing happens after it.
  void Tell(CURLcode code) { done_(Outcome(code)); }
  void Refuse(Error error) { done_(tl::unexpected(std::move(error))); }
  void Cancel() { done_(MakeError(ErrorCode::kCancelled, "{}: the request was given up", origin())); }

 private:
  std::string origin() const { return HttpOrigin(request_.url); }

  void SetUp() {
    CURL* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
    curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     std::max(1L, static_cast<long>(request_.connect.count())));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(request_.timeout.count())));
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request_.new_connection ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::Write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::ReadHeader);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    AddHeader("User-Agent", "sotto");
    AddHeader("Expect", "");  // large bodies are sent at once
    for (const auto& [name, value] : request_.headers) AddHeader(name, value);
    if (!request_.form.empty()) {
      SetForm();
    } else if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT") {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
    }
    if (request_.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  }

  // libcurl: "Name:" takes a header of its own away, "Name;" sends an empty one.
  void AddHeader(const std::string& name, const std::string& value) {
    const bool remove = name == "Expect";
    const std::string line = remove ? name + ":" : value.empty() ? name + ";" : name + ": " + value;
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
    SOTTO_CHECK(headers_ != nullptr);
  }

  void SetForm() {
    form_.reset(curl_mime_init(easy_.get()));
    for (const HttpPart& part : request_.form) {
      curl_mimepart* piece = curl_mime_addpart(form_.get());
      curl_mime_name(piece, part.name.c_str());
      curl_mime_data(piece, part.value.data(), part.value.size());
      if (!part.file_name.empty()) curl_mime_filename(piece, part.file_name.c_str());
      if (!part.type.empty()) curl_mime_type(piece, part.type.c_str());
    }
    curl_easy_setopt(easy_.get(), CURLOPT_MIMEPOST, form_.get());
  }

  static size_t ReadHeader(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    std::string_view line(bytes, size * count);
    transfer.header_bytes_ += line.size();
    if (transfer.header_bytes_ > kMaxHeaderBytes) {
      transfer.stopped_ = ErrorCode::kOutOfRange;
      return 0;
    }
    if (line.starts_with("HTTP/")) transfer.answer_.headers.clear();  // of a 100 Continue before
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && !line.starts_with("HTTP/")) {
      std::string name = LowerAscii(line.substr(0, colon));
      line.remove_prefix(colon + 1);
      while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())) != 0)
        line.remove_prefix(1);
      while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0)
        line.remove_suffix(1);
      transfer.answer_.headers.emplace_back(std::move(name), line);
    }
    return size * count;
  }

  static size_t Write(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view piece(bytes, size * count);
    transfer.body_bytes_ += piece.size();
    if (transfer.body_bytes_ > transfer.request_.max_answer_bytes) {
      transfer.stopped_ = ErrorCode::kOutOfRange;
      return 0;
    }
    transfer.ReadStatus();
    if (!transfer.on_bytes_ || !transfer.answer_.ok()) {
      transfer.answer_.body += piece;
      return piece.size();
    }
    if (!transfer.request_.stop.stop_requested() && transfer.on_bytes_(transfer.answer_, piece))
      return piece.size();
    transfer.stopped_ = ErrorCode::kCancelled;
    return 0;
  }

  void ReadStatus() {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    answer_.status = static_cast<int>(status);
  }

  Result<HttpAnswer> Outcome(CURLcode code) {
    if (stopped_ == ErrorCode::kCancelled)
      return MakeError(ErrorCode::kCancelled, "{}: no more was wanted", origin());
    if (stopped_) {
      return MakeError(ErrorCode::kOutOfRange, "{}: an answer of more than {} bytes", origin(),
                       request_.max_answer_bytes);
    }
    switch (code) {
      case CURLE_OK:
        ReadStatus();
        return std::move(answer_);
      case CURLE_OPERATION_TIMEDOUT:
        return MakeError(ErrorCode::kTimeout, "{}: no answer within {} ms", origin(),
                         request_.timeout.count());
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL:
        return MakeError(ErrorCode::kInvalidArgument, "{}: {}", origin(), curl_easy_strerror(code));
      case CURLE_COULDNT_CONNECT:
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_RESOLVE_PROXY:
        return MakeError(ErrorCode::kUnavailable, "{}: {}", origin(), curl_easy_strerror(code));
      default:
        return MakeError(ErrorCode::kIo, "{}: {}", origin(), curl_easy_strerror(code));
    }
  }

  const HttpRequest request_;
  const HttpClient::OnBytes on_bytes_;
  const HttpClient::Done done_;
  std::unique_ptr<CURL, CurlFree> easy_;
  std::unique_ptr<curl_slist, CurlFree> headers_;
  std::unique_ptr<curl_mime, CurlFree> form_;
  HttpAnswer answer_;
  size_t header_bytes_ = 0;
  size_t body_bytes_ = 0;
  std::optional<ErrorCode> stopped_;  // by one of the callbacks
};

class CurlClient final : public HttpClient {
 public:
  CurlClient() {
    StartCurl();
    multi_ = curl_multi_init();
    SOTTO_CHECK(multi_ != nullptr);
    thread_ = std::thread([this] { Work(); });
  }
  ~CurlClient() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  void Start(HttpRequest request, OnBytes on_bytes, Done done) override {
    auto waiting = std::make_unique<Waiting>();
    if (auto right = CheckRequest(request); !right) waiting->refused = std::move(right).error();
    waiting->stop = request.stop;
    waiting->transfer = std::make_unique<Transfer>(std::move(request), std::move(on_bytes), std::move(done));
    waiting->wake.emplace(waiting->stop, [multi = multi_] { curl_multi_wakeup(multi); });
    {
      const std::lock_guard lock(mutex_);
      SOTTO_CHECK(!ended_, "a request after the client's end");
      new_.push_back(std::move(waiting));
    }
    curl_multi_wakeup(multi_);
  }

 private:
  struct Waiting {
    std::stop_token stop;
    std::unique_ptr<Transfer> transfer;
    std::optional<Error> refused;
    std::optional<std::stop_callback<std::function<void()>>> wake;
  };

  void Work() {
    // A connection that is gone shows as an error of its request.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    while (true) {
      std::deque<std::unique_ptr<Waiting>> begun;
      bool stopping = false;
      {
        const std::lock_guard lock(mutex_);
        begun.swap(new_);
        stopping = stopping_;
        ended_ = stopping && begun.empty() && running_.empty();
        if (ended_) return;
      }
      for (auto& waiting : begun) Begin(std::move(waiting));
      GiveUp([&](const Waiting& waiting) { return stopping || waiting.stop.stop_requested(); });
      int n_running = 0;
      curl_multi_perform(multi_, &n_running);
      TellFinished();
      if (!stopping) curl_multi_poll(multi_, nullptr, 0, 60'000, nullptr);
    }
  }

  void Begin(std::unique_ptr<Waiting> waiting) {
    if (waiting->refused) {
      waiting->wake.reset();
      return waiting->transfer->Refuse(*std::move(waiting->refused));
    }
    curl_multi_add_handle(multi_, waiting->transfer->easy());
    running_.push_back(std::move(waiting));
  }

  template <typename Unwanted>
  void GiveUp(const Unwanted& unwanted) {
    std::vector<std::unique_ptr<Waiting>> given_up;
    std::erase_if(running_, [&](std::unique_ptr<Waiting>& waiting) {
      if (!unwanted(*waiting)) return false;
      given_up.push_back(std::move(waiting));
      return true;
    });
    for (const auto& waiting : given_up) {
      curl_multi_remove_handle(multi_, waiting->transfer->easy());
      waiting->wake.reset();
      waiting->transfer->Cancel();
    }
  }

  void TellFinished() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      CURL* easy = message->easy_handle;
      const auto found = std::find_if(running_.begin(), running_.end(),
                                      [&](const auto& waiting) { return waiting->transfer->easy() == easy; });
      SOTTO_CHECK(found != running_.end());
      const std::unique_ptr<Waiting> finished = std::move(*found);
      running_.erase(found);
      curl_multi_remove_handle(multi_, easy);
      finished->wake.reset();
      finished->transfer->Tell(code);
    }
  }

  CURLM* multi_ = nullptr;                         // the thread's, but for curl_multi_wakeup
  std::vector<std::unique_ptr<Waiting>> running_;  // the thread's
  std::mutex mutex_;
  std::deque<std::unique_ptr<Waiting>> new_;  // guarded by mutex_
  bool stopping_ = false;                     // guarded by mutex_
  bool ended_ = false;                        // guarded by mutex_
  std::thread thread_;
};

}  // namespace

std::string_view HttpAnswer::Header(std::string_view name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<HttpAnswer> HttpClient::Send(HttpRequest request) { return Send(std::move(request), nullptr); }

Result<HttpAnswer> HttpClient::Send(HttpRequest request, const OnBytes& on_bytes) {
  // Both threads hold it: the client's may still be inside when the other has the answer.
  struct Exchange {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> pieces;
    HttpAnswer head;
    std::optional<Result<HttpAnswer>> answer;
    bool unwanted = false;
  };
  const auto exchange = std::make_shared<Exchange>();
  OnBytes receive;
  if (on_bytes) {
    receive = [exchange](const HttpAnswer& answer, std::string_view bytes) {
      const std::lock_guard lock(exchange->mutex);
      if (exchange->head.status == 0) exchange->head = answer;
      exchange->pieces.emplace_back(bytes);
      exchange->changed.notify_one();
      return !exchange->unwanted;
    };
  }
  Start(std::move(request), std::move(receive), [exchange](Result<HttpAnswer> answer) {
    const std::lock_guard lock(exchange->mutex);
    exchange->answer = std::move(answer);
    exchange->changed.notify_one();
  });
  std::unique_lock lock(exchange->mutex);
  while (true) {
    exchange->changed.wait(lock, [&] { return exchange->answer || !exchange->pieces.empty(); });
    if (exchange->pieces.empty()) return std::move(*exchange->answer);
    const std::string piece = std::move(exchange->pieces.front());
    exchange->pieces.pop_front();
    lock.unlock();
    const bool more = on_bytes(exchange->head, piece);
    lock.lock();
    if (more) continue;
    exchange->unwanted = true;
    return MakeError(ErrorCode::kCancelled, "no more was wanted");
  }
}

std::unique_ptr<HttpClient> MakeHttpClient() { return std::make_unique<CurlClient>(); }

std::string HttpOrigin(std::string_view url) {
  const std::unique_ptr<CURLU, CurlFree> parsed(curl_url());
  if (parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, std::string(url).c_str(), 0) != CURLUE_OK)
    return "";
  const std::string port = UrlPart(parsed.get(), CURLUPART_PORT);
  return UrlPart(parsed.get(), CURLUPART_SCHEME) + "://" + UrlPart(parsed.get(), CURLUPART_HOST) +
         (port.empty() ? "" : ":" + port);
}

std::string HttpAddress(std::string_view url) {
  const std::unique_ptr<CURLU, CurlFree> parsed(curl_url());
  if (parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, std::string(url).c_str(), 0) != CURLUE_OK)
    return "";
  return HttpOrigin(url) + UrlPart(parsed.get(), CURLUPART_PATH);
}

std::string UrlEscape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

}  // namespace sotto

#include "server/problem.h"

#include "base/log.h"

namespace sotto {

std::string_view StatusText(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return status < 500 ? "Error" : "Internal Server Error";
  }
}

Json ToJson(const Problem& problem) {
  return {{"type", "urn:sotto:problem:" + problem.type},
          {"title", StatusText(problem.status)},
          {"status", problem.status},
          {"detail", problem.detail}};
}

WebResponse ToResponse(const Problem& problem) {
  WebResponse response;
  response.status = problem.status;
  response.type = "application/problem+json";
  response.body = ToJson(problem).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (problem.retry_after_s > 0)
    response.headers.emplace_back("Retry-After", std::to_string(problem.retry_after_s));
  if (problem.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Problem ToProblem(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kOutOfRange:
    case ErrorCode::kCorrupt:
      return {400, "invalid_request", error.message};
    case ErrorCode::kNotFound:
      return {404, "not_found", error.message};
    case ErrorCode::kUnsupported:
      return {422, "unsupported", error.message};
    case ErrorCode::kUnavailable:
    case ErrorCode::kCancelled:
      return {503, "busy", error.message, 2};
    case ErrorCode::kTimeout:
      return {504, "timeout", error.message};
    case ErrorCode::kIo:
      break;
  }
  Log().error("a request failed: {}", error.message);
  return {500, "internal", "something failed here; the log of the server says what"};
}

}  // namespace sotto

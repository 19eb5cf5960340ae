#include "server/search_api.h"

#include "retrieve/answer.h"
#include "server/json_fields.h"
#include "server/problem.h"
#include "server/rest_api.h"

namespace sotto {
namespace {

struct SearchRequest {
  Query query;
  std::string index;
  AnswerOptions options;
};

Result<SearchRequest> ReadSearchRequest(const WebRequest& request) {
  const std::string* type = request.Header("content-type");
  if (type != nullptr && !type->starts_with("application/json"))
    return MakeError(ErrorCode::kInvalidArgument, "the body should be application/json");
  SOTTO_ASSIGN_OR_RETURN(const Json body, ParseBody(request.body));
  SearchRequest search;
  JsonFields fields(body);
  fields.Require("query", fields.Text("query", &search.query.text, 4000));
  fields.Text("index", &search.index, 200);
  fields.Text("context", &search.query.context, 4000);
  fields.Number("threshold", &search.options.threshold, 0, 1);
  int64_t k = static_cast<int64_t>(search.options.k);
  if (fields.Integer("k", &k, 1, 100)) search.options.k = static_cast<size_t>(k);
  SOTTO_RETURN_IF_ERROR(fields.Done());
  return search;
}

}  // namespace

void SearchApi::AddTo(Router& router) {
  router.Add(
      {"POST", "/v1/search", scope::kTalk, [this](Exchange exchange) { Search(std::move(exchange)); }});
}

void SearchApi::Search(Exchange exchange) {
  auto request = ReadSearchRequest(exchange.request);
  if (!request) return exchange.respond(ToResponse(ToProblem(request.error())));
  // Without a name the only one, or the first by name.
  const auto found = request->index.empty() ? indexes_.begin() : indexes_.find(request->index);
  if (found == indexes_.end()) {
    return exchange.respond(
        ToResponse(Problem{404, "unknown_index", "no such index is served; see `sotto serve --index`"}));
  }
  request->query.groups = {exchange.client.name};
  scheduler_.Post(
      {.blocks = true, .what = "a search"},
      [index = found->second, request = *std::move(request)](std::stop_token) {
        return AskIndex(*index->Current(), request.query, request.options);
      },
      [respond = std::move(exchange.respond)](Result<DocumentAnswer> answer) {
        respond(answer ? ToResponse(ToJson(*answer)) : ToResponse(ToProblem(answer.error())));
      });
}

Result<SearchApi::Indexes> OpenIndexes(const std::vector<std::string>& given) {
  SearchApi::Indexes indexes;
  for (const std::string& one : given) {
    const size_t equals = one.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == one.size())
      return MakeError(ErrorCode::kInvalidArgument, "--index: '{}' should be NAME=DIR", one);
    SOTTO_ASSIGN_OR_RETURN(auto opened, LiveIndex::Open(one.substr(equals + 1)));
    if (!indexes.try_emplace(one.substr(0, equals), std::move(opened)).second)
      return MakeError(ErrorCode::kInvalidArgument, "--index: '{}' is given twice", one.substr(0, equals));
  }
  return indexes;
}

}  // namespace sotto

#include "server/label_api.h"

#include <charconv>

#include "server/json_fields.h"
#include "server/problem.h"
#include "server/rest_api.h"

namespace sotto {
namespace {

constexpr int64_t kMostItems = 200;
constexpr size_t kAnswerBytes = 4000;
constexpr size_t kMostLike = 10000;

using TurnNames = std::vector<std::pair<std::string, int>>;

// Who may not is forbidden, what is not there is not found.
WebResponse RefusedLabel(const Error& error) {
  Problem problem = ToProblem(error);
  if (error.code == ErrorCode::kNotFound) problem = {404, "not_waiting", error.message};
  if (error.message.find("may not label") != std::string::npos) problem = {403, "forbidden", error.message};
  return ToResponse(problem);
}

Json SlotJson(const Slot& slot) {
  Json values = Json::array();
  for (const EntityValue& value : slot.entity.values) values.push_back(value.value);
  return {{"name", slot.name}, {"required", slot.required}, {"values", std::move(values)}};
}

Json ToolsJson(const Workflow& workflow) {
  Json tools = Json::array();
  for (const ToolDef& tool : workflow.tools) {
    Json slots = Json::array();
    for (const Slot& slot : tool.slots) slots.push_back(SlotJson(slot));
    tools.push_back({{"name", tool.name}, {"title", tool.title}, {"slots", std::move(slots)}});
  }
  return tools;
}

// Null: nothing that this client may hear.
Json SoundJson(const LabelItem& item, const Recordings* recordings) {
  const auto sound = recordings == nullptr ? std::nullopt : recordings->SoundOfTurn(item);
  return sound ? Json{{"seconds", sound->seconds()}, {"silenced", sound->silenced}} : Json();
}

// `recordings` null: there are none, or the client may not hear them.
Json PageJson(const LabelDesk::Page& page, const std::string& author, const Workflow& workflow,
              const Recordings* recordings) {
  Json items = Json::array();
  for (size_t i = 0; i < page.items.size(); ++i) {
    const LabelItem& item = page.items[i];
    Json json = ToJson(item);
    for (const char* key : {"label", "author", "reason"}) json.erase(key);
    Json like = Json::array();
    for (size_t k = 0; k < item.like.size(); ++k)
      like.push_back(
          {{"session", item.like[k].first}, {"turn", item.like[k].second}, {"words", page.like_words[i][k]}});
    json["like"] = std::move(like);
    json["recording"] = SoundJson(item, recordings);
    for (size_t c = 0; c < item.candidates.size(); ++c)
      json["candidates"][c]["text"] = CallsText(item.candidates[c].calls);
    items.push_back(std::move(json));
  }
  return {{"workflow", workflow.name},    {"author", author},
          {"waiting", page.waiting},      {"labelled", page.labelled},
          {"tools", ToolsJson(workflow)}, {"items", std::move(items)}};
}

struct TurnAsked {
  std::string session;
  int turn = 0;
};

Result<TurnAsked> ReadTurnAsked(const WebRequest& request) {
  const std::string* session = request.Query("session");
  const std::string* turn = request.Query("turn");
  TurnAsked asked;
  if (session == nullptr || session->empty() || turn == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "should say which turn: ?session=ID&turn=NUMBER");
  const auto [end, error] = std::from_chars(turn->data(), turn->data() + turn->size(), asked.turn);
  if (error != std::errc() || end != turn->data() + turn->size() || asked.turn < 0)
    return MakeError(ErrorCode::kInvalidArgument, "'turn' should be a number from 0 on");
  asked.session = *session;
  return asked;
}

Result<TurnNames> ReadTurns(const Json& list) {
  TurnNames names;
  for (const Json& one : list) {
    if (!one.is_object())
      return MakeError(ErrorCode::kInvalidArgument, "'without' should hold {{\"session\", \"turn\"}}");
    JsonFields fields(one, "without.");
    std::string session;
    int64_t turn = 0;
    fields.Require("session", fields.Text("session", &session, 200));
    fields.Require("turn", fields.Integer("turn", &turn, 0, 1'000'000));
    SOTTO_RETURN_IF_ERROR(fields.Done());
    names.emplace_back(std::move(session), static_cast<int>(turn));
  }
  return names;
}

struct LabelRequest {
  std::string workflow;
  LabelDesk::Answer answer;
};

Result<LabelRequest> ReadLabelRequest(const WebRequest& request) {
  const std::string* type = request.Header("content-type");
  if (type != nullptr && !type->starts_with("application/json"))
    return MakeError(ErrorCode::kInvalidArgument, "the body should be application/json");
  SOTTO_ASSIGN_OR_RETURN(const Json body, ParseBody(request.body));
  LabelRequest label;
  JsonFields fields(body);
  int64_t turn = 0;
  fields.Text("workflow", &label.workflow, 200);
  fields.Require("session", fields.Text("session", &label.answer.session, 200));
  fields.Require("turn", fields.Integer("turn", &turn, 0, 1'000'000));
  fields.Require("answer", fields.Text("answer", &label.answer.answer, kAnswerBytes));
  fields.Text("reason", &label.answer.reason, kAnswerBytes);
  const Json* without = fields.Array("without", kMostLike);
  SOTTO_RETURN_IF_ERROR(fields.Done());
  label.answer.turn = static_cast<int>(turn);
  if (without != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(label.answer.without, ReadTurns(*without));
  }
  return label;
}

std::string NamedWorkflow(const WebRequest& request) {
  const std::string* name = request.Query("workflow");
  return name == nullptr ? std::string() : *name;
}

}  // namespace

void LabelApi::AddTo(Router& router) {
  router.Add(
      {"GET", "/v1/labels/queue", scope::kLabel, [this](Exchange exchange) { Queue(std::move(exchange)); }});
  router.Add(
      {"GET", "/v1/labels/audio", scope::kLabel, [this](Exchange exchange) { Sound(std::move(exchange)); }});
  router.Add({"POST", "/v1/labels", scope::kLabel, [this](Exchange exchange) { Give(std::move(exchange)); }});
  router.Add(
      {"POST", "/v1/labels/undo", scope::kLabel, [this](Exchange exchange) { Undo(std::move(exchange)); }});
  router.Add({"GET", "/v1/labels/agreement", scope::kLabel,
              [this](Exchange exchange) { Agreement(std::move(exchange)); }});
}

std::shared_ptr<LabelDesk> LabelApi::DeskOf(const Exchange& exchange, std::string_view workflow) const {
  const auto found = workflow.empty() ? desks_.begin() : desks_.find(workflow);
  if (found != desks_.end()) return found->second;
  exchange.respond(ToResponse(
      desks_.empty()
          ? Problem{404, "no_labels", "nothing is labelled here; see `sotto serve --turns FILE.sqlite`"}
          : Problem{404, "unknown_workflow", "no such workflow is served"}));
  return nullptr;
}

void LabelApi::Queue(Exchange exchange) {
  const auto desk = DeskOf(exchange, NamedWorkflow(exchange.request));
  if (desk == nullptr) return;
  int64_t most = 20;
  if (const std::string* given = exchange.request.Query("most")) {
    const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), most);
    if (error != std::errc() || end != given->data() + given->size() || most < 1 || most > kMostItems)
      return exchange.respond(ToResponse(
          Problem{400, "invalid_request", fmt::format("'most' should be from 1 to {}", kMostItems)}));
  }
  const std::string* anew = exchange.request.Query("anew");
  scheduler_.Post(
      {.blocks = true, .what = "a queue of labels"},
      [desk, author = exchange.client.name, most, anew = anew != nullptr && *anew == "true"](
          std::stop_token) { return desk->Next(author, static_cast<size_t>(most), anew); },
      [desk, author = exchange.client.name,
       recordings = exchange.client.Can(scope::kRecordings) ? recordings_ : nullptr,
       respond = std::move(exchange.respond)](Result<LabelDesk::Page> page) {
        respond(page ? ToResponse(PageJson(*page, author, desk->workflow(), recordings))
                     : RefusedLabel(page.error()));
      });
}

// A voice is more than its words: who only labels does not hear it.
void LabelApi::Sound(Exchange exchange) {
  if (!exchange.client.Can(scope::kRecordings))
    return exchange.respond(
        ToResponse(Problem{403, "forbidden", "hearing turns needs a key with the scope 'recordings' too"}));
  auto asked = ReadTurnAsked(exchange.request);
  if (!asked) return exchange.respond(ToResponse(ToProblem(asked.error())));
  const auto desk = DeskOf(exchange, NamedWorkflow(exchange.request));
  if (desk == nullptr) return;
  scheduler_.Post(
      {.blocks = true, .what = "the sound of a turn"},
      [desk, recordings = recordings_, author = exchange.client.name,
       asked = *std::move(asked)](std::stop_token) -> Result<std::string> {
        SOTTO_ASSIGN_OR_RETURN(const LabelItem item, desk->Waiting(author, asked.session, asked.turn));
        const auto sound = recordings == nullptr ? std::nullopt : recordings->SoundOfTurn(item);
        if (!sound)
          return MakeError(ErrorCode::kNotFound, "turn {} of session {} was not recorded", asked.turn,
                           asked.session);
        return CutTurn(*sound);
      },
      [respond = std::move(exchange.respond)](Result<std::string> wav) {
        if (!wav) return respond(RefusedLabel(wav.error()));
        WebResponse response;
        response.type = "audio/wav";
        response.body = *std::move(wav);
        respond(std::move(response));
      });
}

void LabelApi::Give(Exchange exchange) {
  auto request = ReadLabelRequest(exchange.request);
  if (!request) return exchange.respond(ToResponse(ToProblem(request.error())));
  const auto desk = DeskOf(exchange, request->workflow);
  if (desk == nullptr) return;
  scheduler_.Post(
      {.blocks = true, .what = "a label"},
      [desk, author = exchange.client.name, answer = std::move(request->answer)](std::stop_token) {
        return desk->Give(author, answer);
      },
      [respond = std::move(exchange.respond)](Result<std::vector<Label>> labels) {
        if (!labels) return respond(RefusedLabel(labels.error()));
        respond(ToResponse(Json{{"labels", labels->size()},
                                {"calls", CallsText(labels->front().calls)},
                                {"author", labels->front().author}},
                           201));
      });
}

void LabelApi::Undo(Exchange exchange) {
  const auto desk = DeskOf(exchange, NamedWorkflow(exchange.request));
  if (desk == nullptr) return;
  scheduler_.Post(
      {.blocks = true, .what = "taking a label back"},
      [desk, author = exchange.client.name](std::stop_token) { return desk->Undo(author); },
      [respond = std::move(exchange.respond)](Result<size_t> taken) {
        respond(taken ? ToResponse(Json{{"taken_back", *taken}}) : RefusedLabel(taken.error()));
      });
}

void LabelApi::Agreement(Exchange exchange) {
  const auto desk = DeskOf(exchange, NamedWorkflow(exchange.request));
  if (desk == nullptr) return;
  scheduler_.Post(
      {.blocks = true, .what = "agreement of labellers"},
      [desk](std::stop_token) { return desk->Agreement(); },
      [respond = std::move(exchange.respond)](Result<Json> agreement) {
        respond(agreement ? ToResponse(*agreement) : RefusedLabel(agreement.error()));
      });
}

}  // namespace sotto

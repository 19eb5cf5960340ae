#include "server/specialist_api.h"

#include <algorithm>

#include "server/json_fields.h"
#include "server/problem.h"
#include "server/rest_api.h"

namespace sotto {
namespace {

constexpr size_t kMostTexts = 256;
constexpr size_t kTextBytes = 16000;
constexpr std::chrono::seconds kAnnotateWithin{20};

// A text, or a list of texts.
Result<std::vector<std::string>> ReadInput(JsonFields& fields) {
  const Json* input = fields.Any("input");
  fields.Require("input", input != nullptr);
  std::vector<std::string> texts;
  if (input == nullptr) return texts;
  const auto add = [&](const Json& text) {
    if (!text.is_string() || text.get_ref<const std::string&>().size() > kTextBytes) return false;
    texts.push_back(text.get<std::string>());
    return true;
  };
  bool good = true;
  if (input->is_array()) {
    good = !input->empty() && input->size() <= kMostTexts;
    for (size_t i = 0; good && i < input->size(); ++i) good = add((*input)[i]);
  } else {
    good = add(*input);
  }
  if (!good)
    fields.Wrong("input", fmt::format("a text of at most {} bytes, or a list of 1 to {} of them", kTextBytes,
                                      kMostTexts));
  return texts;
}

Problem UnknownSpecialist(std::string_view name) {
  return {404, "unknown_specialist",
          fmt::format("there is no specialist '{}' here; GET /v1/specialists lists those that there are",
                      name.substr(0, 80))};
}

}  // namespace

Result<std::shared_ptr<const SentenceEncoder>> SpecialistApi::Shared::Encoder() {
  if (!encoder_opened) {
    SOTTO_ASSIGN_OR_RETURN(context.encoder, OpenInstalledEncoder());
    encoder_opened = true;
  }
  return context.encoder;
}

Result<std::shared_ptr<const Annotator>> SpecialistApi::Shared::Open(const std::string& name) {
  const std::lock_guard lock(mutex);
  if (const auto found = specialists.find(name); found != specialists.end()) return found->second;
  std::error_code error;
  const std::filesystem::path all = folder();
  if (!IsIdentifier(name) || !std::filesystem::exists(all / name / "specialist.yaml", error))
    return MakeError(ErrorCode::kNotFound, "no specialist '{}'", name.substr(0, 80));
  SOTTO_RETURN_IF_ERROR(Encoder());
  SOTTO_ASSIGN_OR_RETURN(const SpecialistDeclaration declaration, ReadDeclaration(all / name));
  SOTTO_ASSIGN_OR_RETURN(const SpecialistKind* kind, FindKind(declaration));
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Annotator> annotator, kind->open(declaration, context));
  specialists.emplace(name, annotator);
  return annotator;
}

void SpecialistApi::AddTo(Router& router) {
  router.Add(
      {"GET", "/v1/specialists", scope::kModels, [this](Exchange exchange) { List(std::move(exchange)); }});
  router.Add({"POST", "/v1/classify", scope::kModels, [this](Exchange exchange) {
                Annotate(std::move(exchange), {"classify", "command", "language", "risk"});
              }});
  router.Add({"POST", "/v1/extract", scope::kModels, [this](Exchange exchange) {
                Annotate(std::move(exchange), {"tag", "rule", "summarise"});
              }});
  router.Add(
      {"POST", "/v1/embeddings", scope::kModels, [this](Exchange exchange) { Embed(std::move(exchange)); }});
}

void SpecialistApi::List(Exchange exchange) {
  Json list = Json::array();
  std::error_code error;
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(shared_->folder(), error))
    folders.push_back(entry.path());
  std::ranges::sort(folders);
  for (const auto& folder : folders) {
    if (!std::filesystem::exists(folder / "specialist.yaml", error)) continue;
    if (const auto declaration = ReadDeclaration(folder))
      list.push_back({{"name", declaration->name},
                      {"kind", declaration->kind},
                      {"description", declaration->description}});
  }
  exchange.respond(ToResponse(Json{{"specialists", std::move(list)}}));
}

void SpecialistApi::Annotate(Exchange exchange, std::initializer_list<std::string_view> kinds) {
  const auto body = ParseBody(exchange.request.body);
  if (!body) return exchange.respond(ToResponse(ToProblem(body.error())));
  JsonFields fields(*body);
  std::string name;
  std::string today;
  fields.Require("specialist", fields.Text("specialist", &name, 200));
  fields.Text("today", &today, 10);
  const auto texts = ReadInput(fields);
  const auto day = today.empty() ? std::nullopt : ParseDate(today);
  if (!today.empty() && !day) fields.Wrong("today", "a day: 2026-03-03");
  if (const auto done = fields.Done(); !done) return exchange.respond(ToResponse(ToProblem(done.error())));
  std::vector<std::string> wanted(kinds.begin(), kinds.end());
  scheduler_.Post(
      {.deadline = scheduler_.clock().Now() + kAnnotateWithin, .what = "a specialist"},
      [shared = shared_, name, texts = *texts, day,
       wanted = std::move(wanted)](std::stop_token) -> Result<WebResponse> {
        const auto annotator = shared->Open(name);
        if (!annotator) {
          return ToResponse(annotator.error().code == ErrorCode::kNotFound ? UnknownSpecialist(name)
                                                                           : ToProblem(annotator.error()));
        }
        const std::string& kind = (*annotator)->declaration().kind;
        if (std::ranges::find(wanted, kind) == wanted.end()) {
          return ToResponse(Problem{
              400, "other_kind",
              fmt::format("'{}' is of kind {}: this path takes {}", name, kind, fmt::join(wanted, ", "))});
        }
        std::vector<Json> said;
        if (day && (*annotator)->reads_context()) {
          for (const std::string& text : texts)
            said.push_back((*annotator)->AnnotateInContext({.text = text, .today = day}));
        } else {
          said = (*annotator)->Annotate(texts);
        }
        return ToResponse(Json{{"specialist", name}, {"kind", kind}, {"results", said}});
      },
      [respond = std::move(exchange.respond)](Result<WebResponse> response) {
        respond(response ? *std::move(response) : ToResponse(ToProblem(response.error())));
      });
}

void SpecialistApi::Embed(Exchange exchange) {
  const auto body = ParseBody(exchange.request.body);
  if (!body) return exchange.respond(ToResponse(ToProblem(body.error())));
  JsonFields fields(*body);
  std::string model;
  fields.Text("model", &model, 200);
  const auto texts = ReadInput(fields);
  if (const auto done = fields.Done(true); !done)
    return exchange.respond(ToResponse(ToProblem(done.error())));
  scheduler_.Post(
      {.deadline = scheduler_.clock().Now() + kAnnotateWithin, .what = "vectors of texts"},
      [shared = shared_, texts = *texts](std::stop_token) -> Result<WebResponse> {
        std::shared_ptr<const SentenceEncoder> encoder;
        {
          const std::lock_guard lock(shared->mutex);
          SOTTO_ASSIGN_OR_RETURN(encoder, shared->Encoder());
        }
        if (encoder == nullptr) {
          return ToResponse(
              Problem{503, "no_encoder",
                      "the sentence encoder is not installed on this server (scripts/install-models)"});
        }
        const std::vector<float> vectors = encoder->EncodeMany(texts);
        Json data = Json::array();
        size_t tokens = 0;
        for (size_t i = 0; i < texts.size(); ++i) {
          const auto at = vectors.begin() + static_cast<std::ptrdiff_t>(i * SentenceEncoder::kSize);
          data.push_back({{"object", "embedding"},
                          {"index", i},
                          {"embedding", std::vector<float>(at, at + SentenceEncoder::kSize)}});
          tokens += encoder->Tokens(texts[i]).size();
        }
        return ToResponse(Json{{"object", "list"},
                               {"data", std::move(data)},
                               {"model", encoder->name()},
                               {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
      },
      [respond = std::move(exchange.respond)](Result<WebResponse> response) {
        respond(response ? *std::move(response) : ToResponse(ToProblem(response.error())));
      });
}

}  // namespace sotto

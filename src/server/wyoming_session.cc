#include "server/wyoming_session.h"

#include <algorithm>

#include "assistant/spoken_files.h"
#include "base/unique_id.h"
#include "core/pcm16.h"
#include "server/json_fields.h"

namespace sotto {
namespace {

constexpr const char* kOwner = "wyoming";
constexpr int kSpokenRateHz = 24000;
constexpr size_t kPieceBytes = 4800;  // of spoken audio an event: 100 ms
constexpr double kLongestSeconds = 600;
constexpr size_t kMaxText = 4096;
constexpr std::chrono::seconds kMeaningWithin{20};

Json Attributed(Json what, const std::string& description) {
  what["attribution"] = {{"name", "Sotto"}, {"url", ""}};
  what["installed"] = true;
  what["description"] = description;
  what["version"] = nullptr;
  return what;
}

Json DescribedModel(const std::string& name, const std::string& language, const std::string& description) {
  return Attributed({{"name", name}, {"languages", {language}}}, description);
}

Json AudioFormat() { return {{"rate", kSpokenRateHz}, {"width", 2}, {"channels", 1}}; }

// The last end of a sentence in `text`, with the blank after it; 0: none.
size_t EndOfSentences(std::string_view text) {
  for (size_t at = text.size(); at > 1; --at) {
    const char letter = text[at - 2];
    if ((letter == '.' || letter == '!' || letter == '?' || letter == '\n') &&
        (text[at - 1] == ' ' || text[at - 1] == '\n'))
      return at;
  }
  return 0;
}

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace

std::string WyomingConversations::Find(const std::string& conversation) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(conversation);
  return found == sessions_.end() ? "" : found->second;
}

void WyomingConversations::Set(const std::string& conversation, std::string session) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMost) sessions_.erase(sessions_.begin());
  sessions_[conversation] = std::move(session);
}

std::shared_ptr<const void> WyomingWork::Begin() {
  ++under_way_;
  return {this, [this](const void*) {
            --under_way_;
            under_way_.notify_all();
          }};
}

void WyomingWork::Wait() const {
  for (size_t left = under_way_; left > 0; left = under_way_) under_way_.wait(left);
}

WyomingSession::WyomingSession(const WyomingServices& services, std::string workflow, Send send)
    : services_(services),
      name_(std::move(workflow)),
      send_(std::move(send)),
      speaking_(services.scheduler->NewStrand()),
      own_conversation_(UniqueId()) {}

ServedWorkflowPtr WyomingSession::Workflow() const { return services_.workflows->Find(name_); }

void WyomingSession::Fail(const std::string& text, const char* code) const {
  send_({"error", {{"text", text}, {"code", code}}});
}

void WyomingSession::Take(WyomingEvent event) {
  const std::string& type = event.type;
  if (type == "describe") return Describe();
  if (type == "ping") return send_({"pong", event.data});
  if (type == "audio-start") return BeginAudio(event);
  if (type == "audio-chunk") return AddAudio(event);
  if (type == "audio-stop") return HearAudio();
  if (type == "recognize") return Recognize(event);
  if (type == "transcript") return Handle(event);
  if (type != "synthesize" && type != "synthesize-start" && type != "synthesize-chunk" &&
      type != "synthesize-stop")
    return;
  std::string text;
  std::string voice;
  JsonFields fields(event.data);
  fields.Text("text", &text, kMaxText);
  if (const Json* named = fields.Object("voice")) JsonFields(*named).Text("name", &voice, 100);
  if (const auto done = fields.Done(true); !done) return Fail(done.error().message, "invalid");
  if (type == "synthesize-start") {
    streaming_ = true;
    voice_ = voice;
    unspoken_.clear();
  } else if (type == "synthesize-chunk") {
    if (streaming_) SpeakSentences(text, false);
  } else if (type == "synthesize-stop") {
    if (std::exchange(streaming_, false)) SpeakSentences("", true);
  } else if (
      !streaming_) {  // in a stream it says once more what the pieces said, for those that know no streams
    Speak(std::move(text), std::move(voice), false);
  }
}

void WyomingSession::Describe() const {
  Json heard = Json::array();
  Json spoken = Json::array();
  Json meant = Json::array();
  for (const ServedWorkflowPtr& workflow : services_.workflows->All()) {
    if (!name_.empty() && workflow->name != name_) continue;
    const auto& file = workflow->deployment->workflow();
    meant.push_back(DescribedModel(workflow->name, file.language, "The workflow " + workflow->name));
    if (!workflow->speaks()) continue;
    heard.push_back(DescribedModel(workflow->name, file.language, "Hears what the workflow is about"));
    if (spoken.empty()) {
      for (const char* voice : {"slt", "rms", "awb", "kal16"})
        spoken.push_back(DescribedModel(voice, file.language, "flite"));
    }
    if (name_.empty()) break;  // the first is who answers here
  }
  const auto program = [](const char* models, Json list, Json more) {
    if (list.empty()) return Json::array();
    Json one = Attributed({{"name", "sotto"}, {models, std::move(list)}}, "Sotto");
    one.update(more);
    return Json::array({std::move(one)});
  };
  send_({"info",
         {{"asr", program("models", heard, {{"supports_transcript_streaming", false}})},
          {"tts", program("voices", spoken, {{"supports_synthesize_streaming", true}})},
          {"handle", program("models", meant, {{"supports_handled_streaming", false}})},
          {"intent", program("models", meant, Json::object())},
          {"wake", Json::array()},
          {"mic", Json::array()},
          {"snd", Json::array()}}});
}

void WyomingSession::BeginAudio(const WyomingEvent& event) {
  int64_t rate_hz = 16000;
  int64_t width = 2;
  int64_t channels = 1;
  JsonFields fields(event.data);
  fields.Integer("rate", &rate_hz, 8000, 96000);
  fields.Integer("width", &width, 2, 2);
  fields.Integer("channels", &channels, 1, 2);
  hearing_ = false;
  audio_.clear();
  if (const auto done = fields.Done(true); !done) return Fail(done.error().message, "audio_format");
  rate_hz_ = static_cast<int>(rate_hz);
  channels_ = static_cast<int>(channels);
  hearing_ = true;
}

void WyomingSession::AddAudio(const WyomingEvent& event) {
  if (!hearing_) return;
  audio_ += event.payload;
  const double seconds = static_cast<double>(audio_.size()) / 2 / channels_ / rate_hz_;
  if (seconds <= kLongestSeconds) return;
  hearing_ = false;
  audio_.clear();
  Fail(fmt::format("more than {} seconds of audio", kLongestSeconds), "too_long");
}

void WyomingSession::HearAudio() {
  if (!std::exchange(hearing_, false)) return;
  const ServedWorkflowPtr workflow = Workflow();
  if (workflow == nullptr || !workflow->speaks())
    return Fail("this server has no ears (--text-only)", "no_ears");
  Audio audio;
  audio.rate_hz = rate_hz_;
  const std::vector<float> samples = FromPcm16Bytes(audio_);
  audio_ = {};
  const auto channels = static_cast<size_t>(channels_);
  audio.samples.reserve(samples.size() / channels);
  for (size_t i = 0; i + channels <= samples.size(); i += channels) {
    const float sum = channels == 1 ? samples[i] : (samples[i] + samples[i + 1]) / 2;
    audio.samples.push_back(sum);
  }
  services_.scheduler->Post(
      {.blocks = true, .what = "audio of a Wyoming client"},
      [workflow, audio = std::move(audio)](std::stop_token) {
        return HearSamples(*workflow->deployment, audio);
      },
      [self = shared_from_this(), workflow, work = services_.work->Begin()](Result<std::string> text) {
        if (!text) return self->Fail(text.error().message, "not_heard");
        self->send_(
            {"transcript", {{"text", *text}, {"language", workflow->deployment->workflow().language}}});
      });
}

void WyomingSession::SpeakSentences(const std::string& more, bool all) {
  unspoken_ += more;
  if (unspoken_.size() > kMaxText) all = true;
  const size_t end = all ? unspoken_.size() : EndOfSentences(unspoken_);
  std::string text = unspoken_.substr(0, end);
  unspoken_.erase(0, end);
  const bool last = all && !streaming_;
  if (last || !IsBlank(text)) Speak(std::move(text), voice_, last);
}

void WyomingSession::Speak(std::string text, std::string voice, bool last_of_stream) {
  const ServedWorkflowPtr workflow = Workflow();
  if (workflow == nullptr || !workflow->speaks())
    return Fail("this server has no voice (--text-only)", "no_voice");
  const bool blank = IsBlank(text);
  services_.scheduler->Post(
      {.strand = speaking_, .blocks = true, .what = "a text of a Wyoming client"},
      [workflow, text = std::move(text), voice = std::move(voice)](std::stop_token) -> Result<std::string> {
        if (IsBlank(text)) return std::string();
        return SpeakToBytes(*workflow->deployment, text, voice, "pcm");
      },
      [self = shared_from_this(), last_of_stream, blank,
       work = services_.work->Begin()](Result<std::string> audio) {
        if (!audio) return self->Fail(audio.error().message, "not_spoken");
        if (!blank || !last_of_stream) {
          self->send_({"audio-start", AudioFormat()});
          for (size_t at = 0; at < audio->size(); at += kPieceBytes)
            self->send_({"audio-chunk", AudioFormat(), audio->substr(at, kPieceBytes)});
          self->send_({"audio-stop"});
        }
        if (last_of_stream) self->send_({"synthesize-stopped"});
      });
}

void WyomingSession::Recognize(const WyomingEvent& event) {
  std::string text;
  JsonFields fields(event.data);
  fields.Require("text", fields.Text("text", &text, kMaxText));
  if (const auto done = fields.Done(true); !done) return Fail(done.error().message, "invalid");
  const ServedWorkflowPtr workflow = Workflow();
  // Kept by its own completion.
  const std::shared_ptr<Understander> understander =
      workflow->deployment->NewUnderstander(*services_.scheduler);
  understander->Begin({}, {}, {});
  std::vector<Transcript::Hypothesis> said{{text}};
  understander->Commit(
      std::move(said), kMeaningWithin,
      [self = shared_from_this(), understander, workflow, text,
       work = services_.work->Begin()](Result<Understanding> understood) {
        if (!understood) return self->Fail(understood.error().message, "not_understood");
        const ToolCall& call = understood->calls.front().call;
        if (call.name == workflow->deployment->workflow().unclear_tool)
          return self->send_({"not-recognized", {{"text", text}}});
        Json entities = Json::array();
        for (const auto& [name, value] : call.arguments.items())
          entities.push_back({{"name", name}, {"value", value}});
        self->send_({"intent", {{"name", call.name}, {"entities", std::move(entities)}, {"text", text}}});
      });
}

void WyomingSession::Handle(const WyomingEvent& event) {
  std::string text;
  std::string conversation;
  JsonFields fields(event.data);
  fields.Require("text", fields.Text("text", &text, kMaxText));
  if (const Json* context = fields.Object("context"))
    JsonFields(*context).Text("conversation_id", &conversation, 200);
  if (const auto done = fields.Done(true); !done) return Fail(done.error().message, "invalid");
  if (conversation.empty()) conversation = own_conversation_;
  const std::string session = services_.conversations->Find(conversation);
  session.empty() ? BeginAndSay(conversation, text) : Say(conversation, session, text, true);
}

void WyomingSession::BeginAndSay(const std::string& conversation, const std::string& text) {
  const ServedWorkflowPtr workflow = Workflow();
  Caller caller = workflow->caller;
  caller.channel = "text";
  services_.sessions->Begin(
      workflow, kOwner, nullptr, std::move(caller), "",
      [self = shared_from_this(), conversation, text](const TextSessions::Answer& answer) {
        if (!answer) return self->Fail(answer.error().detail, "busy");
        const std::string session = answer->at("id");
        self->services_.conversations->Set(conversation, session);
        self->Say(conversation, session, text, false);
      });
}

void WyomingSession::Say(const std::string& conversation, const std::string& session, const std::string& text,
                         bool may_begin) {
  services_.sessions->Say(
      session, kOwner, text,
      [self = shared_from_this(), conversation, text, may_begin](const TextSessions::Answer& answer) {
        if (!answer) {
          const bool over = answer.error().status == 404 || answer.error().status == 409;
          if (over && may_begin) return self->BeginAndSay(conversation, text);
          return self->Fail(answer.error().detail, "not_handled");
        }
        const Json& turn = answer->at("turn");
        const Json& understood = turn.at("understood");
        const std::string unclear = self->Workflow()->deployment->workflow().unclear_tool;
        const bool clear = understood.is_null() || understood.at("calls").empty() ||
                           understood.at("calls").front().at("name") != unclear;
        self->send_(
            {clear ? "handled" : "not-handled",
             {{"text", turn.at("reply").at("text")}, {"context", {{"conversation_id", conversation}}}}});
      });
}

}  // namespace sotto

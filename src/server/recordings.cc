#include "server/recordings.h"

#include <sys/stat.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "base/log.h"
#include "base/mapped_file.h"
#include "base/unique_id.h"
#include "base/utc.h"
#include "server/metrics.h"
#include "server/webhooks.h"

namespace sotto {

// A recording as the folder keeps it.
struct KeptRecording : RecordingFacts {
  std::weak_ptr<CallRecording> running;
};

namespace {

using std::chrono::seconds;

constexpr seconds kFinishedWithin{3};
constexpr double kRate = CallRecording::kRateHz;

int64_t UnixSeconds(const Clock& clock) {
  return std::chrono::duration_cast<seconds>(clock.WallNow().time_since_epoch()).count();
}

std::string StampOf(int64_t unix_s) {
  return UtcStamp(std::chrono::system_clock::time_point(seconds(unix_s)));
}

Json SilencedJson(const std::vector<CallRecording::Silenced>& silenced) {
  Json list = Json::array();
  for (const auto& one : silenced)
    list.push_back({static_cast<double>(one.from_ms) / 1000, static_cast<double>(one.to_ms) / 1000});
  return list;
}

Json ViewOf(const std::string& id, const KeptRecording& kept) {
  const auto running = kept.running.lock();
  Json view = {{"id", id},
               {"session", kept.about.session},
               {"workflow", kept.about.workflow},
               {"channel", kept.about.channel},
               {"began", StampOf(kept.began_s)},
               {"keep_until", StampOf(kept.keep_until_s())},
               {"state", "ready"},
               {"complete", kept.complete},
               {"seconds", static_cast<double>(kept.frames) / kRate},
               {"rate_hz", CallRecording::kRateHz},
               {"silenced", SilencedJson(kept.silenced)},
               {"lost_seconds", static_cast<double>(kept.lost_frames) / kRate}};
  if (kept.ready) return view;
  view["state"] = running != nullptr && running->paused() ? "paused" : "recording";
  if (running == nullptr) return view;
  view["seconds"] = static_cast<double>(running->milliseconds()) / 1000;
  view["silenced"] = SilencedJson(running->silenced());
  return view;
}

}  // namespace

struct Recordings::Shared {
  Services services;
  std::filesystem::path folder;
  mutable std::mutex mutex;
  std::condition_variable finished;
  size_t unfinished = 0;                            // guarded by mutex
  bool closed = false;                              // guarded by mutex: the services have gone
  std::map<std::string, KeptRecording> recordings;  // guarded by mutex

  std::filesystem::path Sound(const std::string& id) const { return folder / (id + ".wav"); }
  std::filesystem::path Facts(const std::string& id) const { return folder / (id + ".json"); }

  Result<void> Keep(const std::string& id, const KeptRecording& kept) const {
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(Facts(id), ToJson(kept).dump() + "\n"));
    return chmod(Facts(id).c_str(), S_IRUSR | S_IWUSR) == 0
               ? Result<void>{}
               : MakeError(ErrorCode::kIo, "cannot keep {} from others", Facts(id).string());
  }

  void Ready(const std::string& id, const CallRecording::Outcome& outcome) {
    KeptRecording kept;
    {
      const std::lock_guard lock(mutex);
      if (closed) return;
      KeptRecording& entry = recordings[id];
      entry.ready = true;
      entry.complete = outcome.error.empty();
      entry.frames = outcome.frames;
      entry.lost_frames = outcome.lost_frames;
      entry.silenced = outcome.silenced;
      kept = entry;
    }
    if (const auto written = Keep(id, kept); !written)
      Log().error("a recording: {}", written.error().message);
    if (!outcome.error.empty()) Log().error("recording {}: {}", id, outcome.error);
    const std::lock_guard lock(mutex);
    if (!closed) Tell(id, kept, outcome.error.empty() ? "ready" : "failed");
    --unfinished;
    finished.notify_all();
  }
  void Tell(const std::string& id, const KeptRecording& kept, std::string_view result) const {
    double silenced_s = 0;
    for (const auto& one : kept.silenced) silenced_s += static_cast<double>(one.to_ms - one.from_ms) / 1000;
    services.metrics->Recorded(kept.about.workflow, result, static_cast<double>(kept.frames) / kRate,
                               silenced_s, static_cast<double>(kept.lost_frames) / kRate);
    if (services.webhooks == nullptr) return;
    const Json view = ViewOf(id, kept);
    services.webhooks->Tell("recording.ready", {{"recording", id},
                                                {"session", kept.about.session},
                                                {"workflow", kept.about.workflow},
                                                {"channel", kept.about.channel},
                                                {"seconds", view["seconds"]},
                                                {"complete", kept.complete},
                                                {"keep_until", view["keep_until"]}});
  }

  Result<void> Read() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (entry.path().extension() != ".json") continue;
      const std::string id = entry.path().stem();
      auto facts = ReadRecordingFacts(entry.path());
      if (!facts) {
        Log().error("a recording is left as it is: {}", facts.error().message);
        continue;
      }
      KeptRecording kept{*std::move(facts), {}};
      if (!kept.ready) {
        const auto repaired = RepairWav(Sound(id));
        if (!repaired) {
          Log().error("a recording cannot be repaired: {}", repaired.error().message);
          continue;
        }
        kept.ready = true;
        kept.complete = false;
        kept.frames = *repaired;
        SOTTO_RETURN_IF_ERROR(Keep(id, kept));
        Tell(id, kept, "repaired");
      }
      recordings[id] = std::move(kept);
    }
    if (error) return MakeError(ErrorCode::kIo, "cannot read {}: {}", folder.string(), error.message());
    return {};
  }
  bool Remove(const std::string& id) {
    {
      const std::lock_guard lock(mutex);
      const auto found = recordings.find(id);
      if (found == recordings.end() || !found->second.ready) return false;
      recordings.erase(found);
    }
    std::error_code error;
    // The sound first: facts without it are nobody's, sound without facts would stay for ever.
    std::filesystem::remove(Sound(id), error);
    if (error) Log().error("cannot delete {}: {}", Sound(id).string(), error.message());
    std::filesystem::remove(Facts(id), error);
    return true;
  }
};

Result<std::unique_ptr<Recordings>> Recordings::Open(const Services& services, std::filesystem::path folder) {
  auto shared = std::make_shared<Shared>();
  shared->services = services;
  shared->folder = std::move(folder);
  std::error_code error;
  std::filesystem::create_directories(shared->folder, error);
  if (error)
    return MakeError(ErrorCode::kIo, "cannot make the folder of recordings {}: {}", shared->folder.string(),
                     error.message());
  if (chmod(shared->folder.c_str(), S_IRWXU) != 0)
    return MakeError(
        ErrorCode::kIo,
        "cannot keep the folder of recordings {} from others: it should belong to who runs the server",
        shared->folder.string());
  SOTTO_RETURN_IF_ERROR(shared->Read());
  return std::unique_ptr<Recordings>(new Recordings(std::move(shared)));
}

Recordings::~Recordings() {
  std::unique_lock lock(shared_->mutex);
  shared_->finished.wait_for(lock, kFinishedWithin, [this] { return shared_->unfinished == 0; });
  shared_->closed = true;
}

Result<std::shared_ptr<CallRecording>> Recordings::Begin(const About& about) {
  const std::string id = UniqueId();
  KeptRecording kept;
  kept.about = about;
  kept.began_s = UnixSeconds(*shared_->services.clock);
  SOTTO_RETURN_IF_ERROR(shared_->Keep(id, kept));
  SOTTO_ASSIGN_OR_RETURN(WavFile file, WavFile::Create(shared_->Sound(id), CallRecording::kRateHz));
  auto recording = std::make_shared<CallRecording>(
      id, std::move(file), *shared_->services.scheduler,
      [weak = std::weak_ptr(shared_), id](const CallRecording::Outcome& outcome) {
        // Without anybody who knows the folder it is found, and finished, by the next who opens it.
        if (const auto shared = weak.lock()) shared->Ready(id, outcome);
      });
  kept.running = recording;
  const std::lock_guard lock(shared_->mutex);
  shared_->recordings[id] = std::move(kept);
  ++shared_->unfinished;
  return recording;
}

std::optional<Json> Recordings::Find(const std::string& id) const {
  const std::lock_guard lock(shared_->mutex);
  const auto found = shared_->recordings.find(id);
  if (found == shared_->recordings.end()) return std::nullopt;
  return ViewOf(id, found->second);
}

Json Recordings::List(const std::string& session) const {
  std::vector<std::pair<int64_t, Json>> views;
  {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& [id, kept] : shared_->recordings) {
      if (session.empty() || kept.about.session == session)
        views.emplace_back(kept.began_s, ViewOf(id, kept));
    }
  }
  std::stable_sort(views.begin(), views.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  Json list = Json::array();
  for (auto& [began, view] : views) list.push_back(std::move(view));
  return {{"recordings", std::move(list)}};
}

std::filesystem::path Recordings::FileOf(const std::string& id) const {
  const std::lock_guard lock(shared_->mutex);
  const auto found = shared_->recordings.find(id);
  return found == shared_->recordings.end() || !found->second.ready ? std::filesystem::path()
                                                                    : shared_->Sound(id);
}

std::optional<TurnSound> Recordings::SoundOfTurn(const LabelItem& item) const {
  const std::lock_guard lock(shared_->mutex);
  const KeptRecording* last = nullptr;
  std::filesystem::path file;
  for (const auto& [id, kept] : shared_->recordings) {
    if (!IsOfCall(item, kept) || (last != nullptr && kept.began_s <= last->began_s)) continue;
    last = &kept;
    file = shared_->Sound(id);
  }
  if (last == nullptr || !last->ready) return std::nullopt;
  return SoundOf(item, *last, std::move(file));
}

std::shared_ptr<CallRecording> Recordings::Running(const std::string& id) const {
  const std::lock_guard lock(shared_->mutex);
  const auto found = shared_->recordings.find(id);
  return found == shared_->recordings.end() || found->second.ready ? nullptr : found->second.running.lock();
}

bool Recordings::Delete(const std::string& id) {
  if (!shared_->Remove(id)) return false;
  shared_->services.metrics->RecordingDeleted("asked");
  return true;
}

void Recordings::Sweep() {
  const int64_t now = UnixSeconds(*shared_->services.clock);
  std::vector<std::string> over;
  {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& [id, kept] : shared_->recordings) {
      if (kept.ready && kept.keep_until_s() <= now) over.push_back(id);
    }
  }
  for (const std::string& id : over) {
    if (shared_->Remove(id)) shared_->services.metrics->RecordingDeleted("time");
  }
}

}  // namespace sotto

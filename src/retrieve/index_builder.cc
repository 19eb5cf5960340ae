#include "retrieve/index_builder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "core/json.h"
#include "document/reader.h"
#include "retrieve/access_rules.h"
#include "retrieve/index_sources.h"
#include "retrieve/term_counts.h"
#include "retrieve/vector_file.h"

namespace sotto {
namespace {

constexpr size_t kMostSpaceRows = 20'000;  // that the space is learned from
constexpr double kMostNewShare = 0.1;      // of passages, until it is learned anew

// Held until it is destroyed.
class BuildLock {
 public:
  static Result<BuildLock> Take(const std::filesystem::path& index) {
    BuildLock lock;
    const std::filesystem::path path = index / "lock";
    lock.file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock.file_ < 0) return MakeError(ErrorCode::kIo, "{}: cannot be written", path.string());
    if (flock(lock.file_, LOCK_EX | LOCK_NB) != 0) {
      return MakeError(ErrorCode::kUnavailable, "{}: somebody else is building this index", index.string());
    }
    return lock;
  }
  ~BuildLock() {
    if (file_ >= 0) close(file_);
  }
  BuildLock(BuildLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  BuildLock& operator=(BuildLock&&) = delete;

 private:
  BuildLock() = default;
  int file_ = -1;
};

struct KnownDocument {
  int64_t id = 0;
  std::string hash;
  uint64_t size = 0;
  int64_t changed = 0;
};

std::string TitleText(const std::string& title, const std::vector<std::string>& headings) {
  std::string text = title;
  for (const std::string& heading : headings) text += "\n" + heading;
  return text;
}

class Builder {
 public:
  Builder(const std::filesystem::path& from, const std::filesystem::path& index, const IndexOptions& options,
          TermReader reader)
      : from_(from), index_(index), options_(options), terms_(std::move(reader)), counts_(terms_) {}

  Result<IndexReport> Run() {
    const TimePoint began = clock_.Now();
    if (!options_.access.empty()) {
      SOTTO_ASSIGN_OR_RETURN(access_, AccessRules::Read(options_.access));
    }
    size_t skipped = 0;
    SOTTO_ASSIGN_OR_RETURN(std::vector<IndexSource> sources, FindSources(from_, index_, &skipped));
    if (skipped > 0) Tell(fmt::format("{}: {} files that are no documents are left out", from_.string(), skipped));
    SOTTO_RETURN_IF_ERROR(OpenGenerations());
    SOTTO_RETURN_IF_ERROR(CopyUnchanged(sources));
    SOTTO_RETURN_IF_ERROR(ReadSources(sources));
    report_.documents = report_.added + report_.changed + report_.unchanged;
    report_.removed = known_.size() - report_.unchanged - report_.changed - failed_known_;
    report_.read_s = Milliseconds(clock_.Now() - began) / 1000;
    const TimePoint read = clock_.Now();
    SOTTO_RETURN_IF_ERROR(CountTerms());
    SOTTO_RETURN_IF_ERROR(WriteTerms());
    SOTTO_RETURN_IF_ERROR(Publish());
    report_.learn_s = Milliseconds(clock_.Now() - read) / 1000;
    return report_;
  }

 private:
  void Tell(const std::string& line) const {
    if (options_.tell) options_.tell(line);
  }
  void Progress(std::string_view stage, size_t done, size_t total) const {
    if (options_.progress) options_.progress(stage, done, total);
  }
  static std::string SpaceName() { return fmt::format("{}/{}", kSpaceId, kSpaceSize); }

  Result<void> OpenGenerations() {
    uint64_t number = 1;
    if (const auto current = CurrentGeneration(index_)) {
      old_folder_ = *current;
      const std::string digits = current->filename().string().substr(2);
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
      ++number;
      SOTTO_RETURN_IF_ERROR(OpenOld());
    }
    folder_ = index_ / fmt::format("g-{:06}", number);
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
    std::filesystem::create_directories(folder_, error);
    if (error) return MakeError(ErrorCode::kIo, "{}: {}", folder_.string(), error.message());
    SOTTO_ASSIGN_OR_RETURN(auto database, Database::Open(folder_ / "index.db", Database::Mode::kCreate));
    database_.emplace(std::move(database));
    // Nobody reads it before it is complete and on the disk.
    SOTTO_RETURN_IF_ERROR(database_->Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"));
    SOTTO_RETURN_IF_ERROR(database_->Execute(kIndexSchema));
    if (old_) {
      SOTTO_ASSIGN_OR_RETURN(Statement attach, database_->Prepare("ATTACH ? AS old"));
      SOTTO_RETURN_IF_ERROR(attach.Bind(1, old_->path()).Run());
    }
    return database_->Execute("BEGIN");
  }

  // Nothing of the old one is used where it was made by other rules.
  Result<void> OpenOld() {
    auto database = Database::Open(old_folder_ / "index.db", Database::Mode::kRead);
    if (!database) {
      Tell(database.error().message + "; everything is read anew");
      return {};
    }
    const auto is = [&](std::string_view key, const std::string& wanted) {
      const auto value = ReadMeta(*database, key);
      return value && *value == wanted;
    };
    if (!is("format", std::to_string(kIndexFormat)) || !is("terms", terms_.id()) || !is("space", SpaceName()) ||
        !is("chunk_tokens", std::to_string(options_.chunks.max_tokens)) || options_.fresh) {
      if (!options_.fresh) Tell(index_.string() + " was made by other rules; everything is read anew");
      return {};
    }
    SOTTO_ASSIGN_OR_RETURN(Statement all, database->Prepare("SELECT id, name, hash, size, changed FROM documents"));
    while (true) {
      SOTTO_ASSIGN_OR_RETURN(const bool row, all.Step());
      if (!row) break;
      known_[all.Text(1)] = {all.Integer(0), all.Text(2), static_cast<uint64_t>(all.Integer(3)), all.Integer(4)};
      next_document_ = std::max(next_document_, all.Integer(0) + 1);
    }
    old_.emplace(*std::move(database));
    return {};
  }

  Result<void> CopyUnchanged(std::vector<IndexSource>& sources) {
    if (!old_) return {};
    SOTTO_ASSIGN_OR_RETURN(Statement document,
                           database_->Prepare("INSERT INTO documents SELECT id, name, hash, size, ?2, title, media_type, "
                                              "pages, ?3 FROM old.documents WHERE id = ?1"));
    SOTTO_ASSIGN_OR_RETURN(
        Statement chunks,
        database_->Prepare("INSERT INTO chunks (document, begin, page, headings, units, text) SELECT document, begin, "
                           "page, headings, units, text FROM old.chunks WHERE document = ?1 ORDER BY id"));
    std::vector<IndexSource> rest;
    for (IndexSource& source : sources) {
      const auto known = known_.find(source.name);
      bool same = known != known_.end() && known->second.size == source.size;
      if (same && source.file.empty()) same = known->second.hash == source.hash;
      if (same && !source.file.empty() && known->second.changed != source.changed) {
        const auto bytes = ReadDocumentBytes(source.file, options_.documents.limits.max_bytes);
        same = bytes && Sha256(*bytes) == known->second.hash;
      }
      if (!same) {
        rest.push_back(std::move(source));
        continue;
      }
      SOTTO_RETURN_IF_ERROR(document.Bind(1, known->second.id)
                                .Bind(2, source.changed)
                                .Bind(3, std::string_view(access_.GroupsOf(source.name)))
                                .Run());
      SOTTO_RETURN_IF_ERROR(chunks.Bind(1, known->second.id).Run());
      ++report_.unchanged;
    }
    sources = std::move(rest);
    SOTTO_ASSIGN_OR_RETURN(Statement count, database_->Prepare("SELECT count(*) FROM chunks"));
    SOTTO_ASSIGN_OR_RETURN(const bool row, count.Step());
    if (row) unchanged_chunks_ = static_cast<size_t>(count.Integer(0));
    return {};
  }

  struct Read {
    std::string hash;
    std::optional<Result<Document>> document;
  };

  // Batches of files on `readers` threads, each with a process that reads.
  Result<void> ReadSources(std::vector<IndexSource>& sources) {
    const auto n_readers = static_cast<size_t>(std::max(1, options_.readers));
    std::vector<std::unique_ptr<DocumentReader>> readers;
    for (size_t i = 0; i < n_readers; ++i) readers.push_back(std::make_unique<DocumentReader>(options_.documents));
    constexpr size_t kBatch = 64;
    for (size_t begin = 0; begin < sources.size(); begin += kBatch) {
      const size_t end = std::min(begin + kBatch, sources.size());
      std::vector<Read> batch(end - begin);
      std::atomic<size_t> next{begin};
      const auto work = [&](size_t reader) {
        for (size_t i = next++; i < end; i = next++) ReadOne(sources[i], *readers[reader], batch[i - begin]);
      };
      {
        std::vector<std::jthread> threads;
        for (size_t i = 1; i < n_readers; ++i) threads.emplace_back(work, i);
        work(0);
      }
      for (size_t i = begin; i < end; ++i) {
        SOTTO_RETURN_IF_ERROR(Take(sources[i], batch[i - begin]));
        Progress("reading", i + 1, sources.size());
      }
    }
    return {};
  }

  void ReadOne(const IndexSource& source, DocumentReader& reader, Read& read) const {
    if (source.file.empty()) {
      read.hash = source.hash;
      read.document = ParseDocument(source.row, source.name + ".md", options_.documents);
      return;
    }
    read.document = reader.Read(source.file);
    if (!*read.document) return;
    const auto bytes = ReadDocumentBytes(source.file, options_.documents.limits.max_bytes);
    if (!bytes) {
      read.document = tl::unexpected<Error>(bytes.error());  // removed while it was read
      return;
    }
    read.hash = Sha256(*bytes);
  }

  Result<void> Take(const IndexSource& source, const Read& read) {
    const auto known = known_.find(source.name);
    if (!*read.document) {
      Tell(read.document->error().message);
      ++report_.failed;
      failed_known_ += known != known_.end() ? 1 : 0;
      return {};
    }
    const Document& document = **read.document;
    for (const std::string& note : document.notes) Tell(source.name + ": " + note);
    const int64_t id = known != known_.end() ? known->second.id : next_document_++;
    ++(known != known_.end() ? report_.changed : report_.added);
    SOTTO_ASSIGN_OR_RETURN(Statement add,
                           database_->Prepare("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    SOTTO_RETURN_IF_ERROR(add.Bind(1, id)
                              .Bind(2, std::string_view(source.name))
                              .Bind(3, std::string_view(read.hash))
                              .Bind(4, static_cast<int64_t>(source.size))
                              .Bind(5, source.changed)
                              .Bind(6, std::string_view(document.title))
                              .Bind(7, std::string_view(document.media_type))
                              .Bind(8, static_cast<int64_t>(document.n_pages))
                              .Bind(9, std::string_view(access_.GroupsOf(source.name)))
                              .Run());
    return AddChunks(id, document);
  }

  Result<void> AddChunks(int64_t id, const Document& document) {
    SOTTO_ASSIGN_OR_RETURN(Statement add,
                           database_->Prepare("INSERT INTO chunks (document, begin, page, headings, units, text) VALUES "
                                              "(?, ?, ?, ?, ?, ?)"));
    for (const Chunk& chunk : CutDocument(document, options_.chunks)) {
      Json units = Json::array();
      for (const Unit& unit : chunk.units) {
        units.push_back(Json::array({unit.offset - chunk.offset, unit.length, unit.page, unit.headings,
                                     static_cast<int>(unit.kind)}));
      }
      const std::string headings = Json(chunk.headings).dump(-1, ' ', false, Json::error_handler_t::replace);
      SOTTO_RETURN_IF_ERROR(add.Bind(1, id)
                                .Bind(2, static_cast<int64_t>(chunk.offset))
                                .Bind(3, static_cast<int64_t>(chunk.page))
                                .Bind(4, std::string_view(headings))
                                .Bind(5, std::string_view(units.dump()))
                                .Bind(6, std::string_view(document.text).substr(chunk.offset, chunk.length))
                                .Run());
    }
    return {};
  }

  Result<void> CountTerms() {
    SOTTO_ASSIGN_OR_RETURN(Statement count, database_->Prepare("SELECT count(*) FROM chunks"));
    SOTTO_ASSIGN_OR_RETURN(bool row, count.Step());
    const auto total = static_cast<size_t>(row ? count.Integer(0) : 0);
    SOTTO_ASSIGN_OR_RETURN(Statement all,
                           database_->Prepare("SELECT c.id, c.text, c.headings, d.title, c.document FROM chunks c JOIN "
                                              "documents d ON d.id = c.document ORDER BY c.id"));
    while (true) {
      SOTTO_ASSIGN_OR_RETURN(row, all.Step());
      if (!row) break;
      if (static_cast<size_t>(all.Integer(0)) != counts_.n_chunks() + 1)
        return MakeError(ErrorCode::kCorrupt, "{}: passage ids have a gap at {}", database_->path(), all.Integer(0));
      SOTTO_ASSIGN_OR_RETURN(const Json headings, ParseJson(all.Text(2), database_->path()));
      // What stands above its first unit; the others stand in it.
      std::vector<std::string> above;
      if (headings.is_array() && !headings.empty()) above = headings[0].get<std::vector<std::string>>();
      counts_.Add(all.View(1), TitleText(all.Text(3), above));
      documents_of_.push_back(static_cast<uint32_t>(all.Integer(4)));
      if (counts_.n_chunks() % 256 == 0) Progress("counting", counts_.n_chunks(), total);
    }
    report_.chunks = counts_.n_chunks();
    report_.terms = counts_.terms().size();
    return {};
  }

  // The old space goes on where little is new; else one is learned.
  Result<TermSpace> Space(const SparseRows& rows, const std::vector<size_t>& columns) {
    const size_t n_new = counts_.n_chunks() - unchanged_chunks_;
    if (old_ && static_cast<double>(n_new) <= kMostNewShare * static_cast<double>(counts_.n_chunks())) {
      TermSpace space;
      space.size = kSpaceSize;
      space.vectors.assign(rows.n_columns * kSpaceSize, 0.0f);
      SOTTO_ASSIGN_OR_RETURN(Statement read, old_->Prepare("SELECT vector FROM terms WHERE term = ?"));
      for (size_t i = 0; i < columns.size(); ++i) {
        if (columns[i] == SIZE_MAX) continue;
        SOTTO_ASSIGN_OR_RETURN(const bool there, read.Bind(1, std::string_view(counts_.terms()[i])).Step());
        if (!there) continue;
        const std::vector<float> vector = FromBytes<float>(read.View(0));
        if (vector.size() == kSpaceSize)
          std::copy(vector.begin(), vector.end(),
                    space.vectors.begin() + static_cast<std::ptrdiff_t>(columns[i] * kSpaceSize));
        SOTTO_RETURN_IF_ERROR(read.Step());
      }
      return space;
    }
    report_.new_space = true;
    const auto progress = [&](double share) {
      Progress("learning", static_cast<size_t>(share * 100), 100);
    };
    TermSpace fitted = rows.size() <= kMostSpaceRows ? FitTermSpace(rows, kSpaceSize, 1, progress)
                                                     : FitTermSpace(Sample(rows), kSpaceSize, 1, progress);
    if (fitted.size == kSpaceSize) return fitted;
    // A small corpus: the rest of the numbers is 0.
    TermSpace space;
    space.size = kSpaceSize;
    space.vectors.assign(rows.n_columns * kSpaceSize, 0.0f);
    for (size_t i = 0; i < rows.n_columns; ++i)
      for (size_t k = 0; k < fitted.size; ++k) space.vectors[i * kSpaceSize + k] = fitted.vectors[i * fitted.size + k];
    return space;
  }

  static SparseRows Sample(const SparseRows& rows) {
    SparseRows sample;
    sample.n_columns = rows.n_columns;
    const double step = static_cast<double>(rows.size()) / static_cast<double>(kMostSpaceRows);
    for (size_t i = 0; i < kMostSpaceRows; ++i) {
      const auto row = rows.row(static_cast<size_t>(static_cast<double>(i) * step));
      sample.entries.insert(sample.entries.end(), row.begin(), row.end());
      sample.begins.push_back(sample.entries.size());
    }
    return sample;
  }

  Result<void> WriteTerms() {
    std::vector<size_t> columns;
    const SparseRows rows = counts_.Rows(columns);
    SOTTO_ASSIGN_OR_RETURN(const TermSpace space, Space(rows, columns));
    SOTTO_ASSIGN_OR_RETURN(Statement add, database_->Prepare("INSERT INTO terms VALUES (?, ?, ?)"));
    for (size_t i = 0; i < columns.size(); ++i) {
      std::string_view vector("");
      if (columns[i] != SIZE_MAX) {
        vector = AsBytes(std::span<const float>(space.vectors.data() + columns[i] * kSpaceSize, kSpaceSize));
      }
      SOTTO_RETURN_IF_ERROR(add.Bind(1, std::string_view(counts_.terms()[i]))
                                .Bind(2, AsBytes(std::span<const Posting>(counts_.postings(i))))
                                .Bind(3, vector)
                                .Run());
      if (i % 1024 == 0) Progress("writing", i, columns.size());
    }
    SOTTO_RETURN_IF_ERROR(VectorFile::Write(folder_ / "vectors.faiss", ProjectRows(rows, space), kSpaceSize));
    const auto put = [&](std::string_view key, std::string_view value) { return WriteMeta(*database_, key, value); };
    SOTTO_RETURN_IF_ERROR(put("format", std::to_string(kIndexFormat)));
    SOTTO_RETURN_IF_ERROR(put("terms", terms_.id()));
    SOTTO_RETURN_IF_ERROR(put("language", terms_.language()));
    SOTTO_RETURN_IF_ERROR(put("space", SpaceName()));
    SOTTO_RETURN_IF_ERROR(put("chunk_tokens", std::to_string(options_.chunks.max_tokens)));
    SOTTO_RETURN_IF_ERROR(put("from", from_.string()));
    SOTTO_RETURN_IF_ERROR(put("lengths", AsBytes(std::span<const float>(counts_.lengths()))));
    return put("documents_of", AsBytes(std::span<const uint32_t>(documents_of_)));
  }

  Result<void> Publish() {
    SOTTO_RETURN_IF_ERROR(database_->Execute("COMMIT"));
    if (old_) SOTTO_RETURN_IF_ERROR(database_->Execute("DETACH old"));
    old_.reset();
    database_.reset();
    for (const char* name : {"index.db", "vectors.faiss"}) {
      const int file = open((folder_ / name).c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0 || fsync(file) != 0) {
        if (file >= 0) close(file);
        return MakeError(ErrorCode::kIo, "{}: cannot be written", (folder_ / name).string());
      }
      close(file);
    }
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(index_ / "current", folder_.filename().string() + "\n"));
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(index_, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("g-") && entry.path() != folder_) std::filesystem::remove_all(entry.path(), ignored);
    }
    return {};
  }

  const std::filesystem::path from_, index_;
  const IndexOptions& options_;
  const SystemClock clock_;
  const TermReader terms_;
  TermCounts counts_;
  AccessRules access_;
  IndexReport report_;
  std::filesystem::path old_folder_, folder_;
  std::optional<Database> old_, database_;
  std::map<std::string, KnownDocument> known_;
  std::vector<uint32_t> documents_of_;
  int64_t next_document_ = 1;
  size_t unchanged_chunks_ = 0;
  size_t failed_known_ = 0;
};

}  // namespace

Result<void> CheckIndexFolder(const std::filesystem::path& index) {
  std::error_code error;
  if (!std::filesystem::exists(index, error)) return {};
  if (!std::filesystem::is_directory(index, error))
    return MakeError(ErrorCode::kInvalidArgument, "{}: a file; an index is a folder", index.string());
  for (const auto& entry : std::filesystem::directory_iterator(index, error)) {
    const std::string name = entry.path().filename().string();
    if (name == "current" || name == "lock" || name.starts_with("g-")) continue;
    return MakeError(ErrorCode::kInvalidArgument, "{}: holds '{}', so it is no index; give an empty folder",
                     index.string(), name);
  }
  return {};
}

Result<IndexReport> BuildIndex(const std::filesystem::path& from, const std::filesystem::path& index,
                               const IndexOptions& options) {
  SOTTO_RETURN_IF_ERROR(CheckIndexFolder(index));
  std::error_code error;
  if (!std::filesystem::exists(from, error))
    return MakeError(ErrorCode::kNotFound, "{}: no such folder or file", from.string());
  std::filesystem::create_directories(index, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", index.string(), error.message());
  SOTTO_ASSIGN_OR_RETURN(const BuildLock lock, BuildLock::Take(index));
  SOTTO_ASSIGN_OR_RETURN(TermReader terms, TermReader::Create(options.language));
  return Builder(from, index, options, std::move(terms)).Run();
}

}  // namespace sotto

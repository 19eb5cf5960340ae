#include "extract/folder_processor.h"

#include <algorithm>
#include <vector>

#include "base/mapped_file.h"
#include "base/sha256.h"

namespace sotto {
namespace {

constexpr const char* kDoneSchema =
    "CREATE TABLE IF NOT EXISTS done (hash TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, "
    "at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))) STRICT";

}  // namespace

FolderProcessor::FolderProcessor(std::filesystem::path from, std::filesystem::path out, ExtractSchema schema,
                                 ProcessOptions options, Database database)
    : from_(std::move(from)),
      out_(std::move(out)),
      schema_(std::move(schema)),
      options_(std::move(options)),
      database_(std::move(database)) {
  options_.documents.words = true;
  reader_ = std::make_unique<DocumentReader>(options_.documents);
}

Result<FolderProcessor> FolderProcessor::Open(const std::filesystem::path& from,
                                              const std::filesystem::path& out, ExtractSchema schema,
                                              ProcessOptions options) {
  std::error_code error;
  if (!std::filesystem::is_directory(from, error))
    return MakeError(ErrorCode::kNotFound, "{}: no such folder", from.string());
  if (std::filesystem::equivalent(from, out, error))
    return MakeError(ErrorCode::kInvalidArgument, "{}: results go to a folder of their own", out.string());
  for (const char* status : {"straight_through", "review", "failed"}) {
    std::filesystem::create_directories(out / status, error);
    if (error) return MakeError(ErrorCode::kIo, "{}: {}", (out / status).string(), error.message());
  }
  if (!options.move.empty()) std::filesystem::create_directories(options.move, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", options.move.string(), error.message());
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(out / "done.db", Database::Mode::kCreate));
  SOTTO_RETURN_IF_ERROR(database.Execute(kDoneSchema));
  return FolderProcessor(from, out, std::move(schema), std::move(options), std::move(database));
}

Result<void> FolderProcessor::Store(const std::string& hash, const std::string& name,
                                    const std::string& status, const Json& json) {
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(out_ / status / (hash + ".json"),
                                            json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"));
  SOTTO_ASSIGN_OR_RETURN(
      Statement add, database_.Prepare("INSERT OR REPLACE INTO done (hash, name, status) VALUES (?, ?, ?)"));
  return add.Bind(1, std::string_view(hash))
      .Bind(2, std::string_view(name))
      .Bind(3, std::string_view(status))
      .Run();
}

void FolderProcessor::Move(const std::filesystem::path& file, const std::string& hash) {
  if (options_.move.empty()) return;
  std::error_code error;
  std::filesystem::path to = options_.move / file.filename();
  if (std::filesystem::exists(to, error))
    to = options_.move / (hash.substr(0, 12) + "-" + file.filename().string());
  std::filesystem::rename(file, to, error);
  if (error && options_.tell) options_.tell(fmt::format("{}: not moved: {}", file.string(), error.message()));
}

Result<bool> FolderProcessor::Process(const std::filesystem::path& file, ProcessReport& report) {
  if (!LooksLikeDocument(file)) return false;
  const auto bytes = ReadDocumentBytes(file, options_.documents.limits.max_bytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return false;
  // What is too large to be read is told apart by its name.
  const std::string hash = bytes ? Sha256(*bytes) : Sha256(file.string());
  SOTTO_ASSIGN_OR_RETURN(Statement known, database_.Prepare("SELECT status FROM done WHERE hash = ?"));
  SOTTO_ASSIGN_OR_RETURN(const bool there, known.Bind(1, std::string_view(hash)).Step());
  if (there) {
    ++report.known;
    Move(file, hash);
    return true;
  }
  const auto document = bytes ? reader_->Read(file) : Result<Document>(tl::unexpected<Error>(bytes.error()));
  const std::string name = file.lexically_relative(from_).generic_string();
  std::string status = "failed";
  Json json{{"document", name}, {"hash", hash}};
  if (document) {
    status = Extract(*document, json);
    json["document"] = name;
  } else {
    if (document.error().code == ErrorCode::kNotFound) return false;  // removed while it was read
    json["status"] = "failed";
    json["error"] = document.error().message;
    if (options_.tell) options_.tell(document.error().message);
  }
  SOTTO_RETURN_IF_ERROR(Store(hash, name, status, json));
  ++(status == "failed" ? report.failed : status == "review" ? report.review : report.straight_through);
  Move(file, hash);
  return true;
}

// What comes of a document that was read, into `json`; the status.
std::string FolderProcessor::Extract(const Document& document, Json& json) const {
  const ExtractSchema* schema = &schema_;
  if (options_.classify) {
    const DocumentClass kind = options_.classify(document.text);
    json["class"] = {{"label", kind.label.empty() ? Json() : Json(kind.label)},
                     {"confidence", kind.confidence}};
    const auto found = options_.schemas.find(kind.label);
    if (found == options_.schemas.end()) {
      json["status"] = "review";
      json["why"] = {kind.label.empty() ? "no class that is sure enough"
                                        : fmt::format("class '{}' has no schema", kind.label)};
      return "review";
    }
    schema = &found->second;
  }
  const Extraction extraction = ExtractFields(document, *schema);
  json.update(ToJson(extraction));
  return extraction.straight_through ? "straight_through" : "review";
}

Result<ProcessReport> FolderProcessor::RunOnce() {
  ProcessReport report;
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(from_, error))
    if (entry.is_regular_file(error)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const bool done, Process(file, report));
    (void)done;
  }
  return report;
}

}  // namespace sotto

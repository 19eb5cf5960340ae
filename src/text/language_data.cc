#include "text/language_data.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "text/compiled_languages.h"
#include "text/list_file.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr std::string_view kLists[] = {"talk.txt", "consent.txt", "acts.txt", "requests.txt"};
constexpr std::string_view kWords = "words.txt";
constexpr std::string_view kOpposites = "opposites.txt";
constexpr std::string_view kModels[] = {"consent.model", "requests.model"};

// Which list of the data a section of a file is.
std::map<std::string, PhraseList*, std::less<>> Sections(LanguageData& data, std::string_view file) {
  if (file == "talk.txt") {
    return {{"fillers", &data.fillers},
            {"please", &data.please},
            {"polite", &data.polite},
            {"address", &data.address},
            {"now", &data.now},
            {"backchannels", &data.backchannels},
            {"backchannels or answers", &data.backchannels_or_answers},
            {"references", &data.references},
            {"idioms", &data.idioms},
            {"joins", &data.joins},
            {"alternatives", &data.alternatives},
            {"each", &data.each},
            {"means", &data.means},
            {"shares", &data.shares},
            {"parts", &data.parts},
            {"relative", &data.relative},
            {"undoing", &data.undoing}};
  }
  if (file == "consent.txt") {
    return {{"yes", &data.yes},
            {"asides", &data.asides},
            {"plain yes", &data.plain_yes},
            {"go ahead", &data.go_ahead},
            {"hearsay", &data.hearsay},
            {"no order", &data.no_order},
            {"leads", &data.leads},
            {"weak leads", &data.weak_leads},
            {"objects", &data.objects},
            {"determiners", &data.determiners},
            {"prepositions", &data.prepositions},
            {"after values", &data.after_values},
            {"vetoes", &data.vetoes},
            {"acts of leaving", &data.acts_of_leaving},
            {"wait", &data.wait},
            {"drop", &data.drop},
            {"questions", &data.questions},
            {"later", &data.later},
            {"no", &data.no},
            {"unsure", &data.unsure},
            {"change", &data.change}};
  }
  if (file == "acts.txt") {
    return {{"reading", &data.reading},
            {"money", &data.money},
            {"access", &data.access},
            {"commitments", &data.commitments}};
  }
  return {{"clause breaks", &data.clause_breaks},
          {"reasons", &data.reasons},
          {"interjections", &data.interjections},
          {"requests", &data.requests},
          {"harmless", &data.harmless},
          {"negated", &data.negated},
          {"negated anywhere", &data.negated_anywhere},
          {"withdrawn", &data.withdrawn},
          {"over", &data.over},
          {"how to", &data.how_to},
          {"asked", &data.asked},
          {"hypothetical", &data.hypothetical},
          {"reported", &data.reported},
          {"done before", &data.done_before},
          {"delayed", &data.delayed},
          {"deadlines", &data.deadlines},
          {"day markers", &data.day_markers},
          {"conditional", &data.conditional},
          {"negations", &data.negations},
          {"negation ends", &data.negation_ends},
          {"bare negations", &data.bare_negations}};
}

// "transfer, move / transferred, moved / transfer"
Result<ActWords> ParseAct(std::string_view line) {
  ActWords act;
  std::vector<std::string>* parts[] = {&act.verbs, &act.past, &act.nouns};
  size_t part = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] != ',' && line[i] != '/') continue;
    std::string word = NormaliseSpoken(line.substr(begin, i - begin));
    if (!word.empty()) parts[part]->push_back(std::move(word));
    begin = i + 1;
    if (i < line.size() && line[i] == '/' && ++part == std::size(parts)) break;
  }
  if (part != 2 || act.verbs.empty()) {
    return MakeError(ErrorCode::kCorrupt, "an act is 'verbs / past forms / nouns', not \"{}\"", line);
  }
  return act;
}

Result<void> ParseLists(LanguageData& data, const LanguageFile& file, std::string_view source) {
  const auto sections = Sections(data, file.name);
  const bool has_acts = file.name == "acts.txt";
  PhraseList* list = nullptr;  // null: [acts]
  const auto section = [&](std::string_view name) -> Result<void> {
    const auto found = sections.find(name);
    list = found == sections.end() ? nullptr : found->second;
    if (list != nullptr || (has_acts && name == "acts")) return {};
    std::string known = has_acts ? "acts" : "";
    for (const auto& [other, unused] : sections) known += (known.empty() ? "" : ", ") + other;
    return MakeError(ErrorCode::kCorrupt, "no section [{}]; there are {}", name, known);
  };
  const auto line = [&](std::string_view phrase) -> Result<void> {
    if (list != nullptr) return list->Add(phrase);
    SOTTO_ASSIGN_OR_RETURN(ActWords act, ParseAct(phrase));
    for (const std::string& verb : act.verbs) data.act_verbs.AddWords(verb);
    for (const std::string& past : act.past) data.act_pasts.AddWords(past);
    data.acts.push_back(std::move(act));
    return {};
  };
  return ReadListFile(file.text, fmt::format("{}/{}", source, file.name), {section, line});
}

Result<std::string> ReadAll(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", path.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace

Result<WordList> WordList::Parse(std::string_view text, std::string_view source) {
  WordList list;
  list.text_ = text;
  std::string_view before;
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    ++number;
    if (!line.empty() && line.front() != '#') {
      if (line <= before) {
        return MakeError(ErrorCode::kCorrupt,
                         "{}:{}: '{}' does not come after '{}': the words must be sorted", source, number,
                         line, before);
      }
      before = line;
      list.begins_.push_back(static_cast<uint32_t>(begin));
    }
    begin = end + 1;
  }
  return list;
}

bool WordList::Contains(std::string_view word) const {
  const auto at = [&](uint32_t begin) {
    const std::string_view rest = std::string_view(text_).substr(begin);
    return rest.substr(0, rest.find('\n'));
  };
  const auto found =
      std::lower_bound(begins_.begin(), begins_.end(), word,
                       [&](uint32_t begin, std::string_view value) { return at(begin) < value; });
  return found != begins_.end() && at(*found) == word;
}

Result<std::shared_ptr<const LanguageData>> ParseLanguage(std::string_view code,
                                                          std::span<const LanguageFile> files,
                                                          std::string_view source, bool models) {
  auto data = std::make_shared<LanguageData>();
  data->code = code;
  const auto find = [&](std::string_view name) -> Result<LanguageFile> {
    for (const LanguageFile& file : files) {
      if (file.name == name) return file;
    }
    return MakeError(ErrorCode::kNotFound, "language '{}': no {} in {}", code, name, source);
  };
  for (const std::string_view name : kLists) {
    SOTTO_ASSIGN_OR_RETURN(const LanguageFile file, find(name));
    SOTTO_RETURN_IF_ERROR(ParseLists(*data, file, source));
  }
  // These may be missing.
  for (const auto& [name, list] :
       {std::pair{kWords, &data->words}, std::pair{kOpposites, &data->opposites}}) {
    if (const auto file = find(name)) {
      SOTTO_ASSIGN_OR_RETURN(*list, WordList::Parse(file->text, fmt::format("{}/{}", source, name)));
    }
  }
  if (!models) return data;
  SentenceModel* parsed[] = {&data->consent_model, &data->request_model};
  for (size_t i = 0; i < std::size(kModels); ++i) {
    SOTTO_ASSIGN_OR_RETURN(const LanguageFile file, find(kModels[i]));
    SOTTO_ASSIGN_OR_RETURN(*parsed[i],
                           SentenceModel::Parse(file.text, fmt::format("{}/{}", source, kModels[i])));
  }
  return data;
}

Result<std::shared_ptr<const LanguageData>> ReadLanguage(const std::filesystem::path& folder, bool models) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    return MakeError(ErrorCode::kNotFound, "no language folder {}", folder.string());
  }
  std::vector<std::string> texts;
  std::vector<std::string_view> names;
  const auto read = [&](std::string_view name) -> Result<void> {
    SOTTO_ASSIGN_OR_RETURN(std::string text, ReadAll(folder / name));
    texts.push_back(std::move(text));
    names.push_back(name);
    return {};
  };
  for (const std::string_view name : kLists) SOTTO_RETURN_IF_ERROR(read(name));
  for (const std::string_view name : {kWords, kOpposites})
    if (std::filesystem::exists(folder / name, ignored)) SOTTO_RETURN_IF_ERROR(read(name));
  if (models) {
    for (const std::string_view name : kModels) SOTTO_RETURN_IF_ERROR(read(name));
  }
  std::vector<LanguageFile> files;
  for (size_t i = 0; i < names.size(); ++i) files.push_back({names[i], texts[i]});
  const std::filesystem::path name = folder.filename().empty() ? folder.parent_path() : folder;
  return ParseLanguage(name.filename().string(), files, folder.string(), models);
}

Result<std::shared_ptr<const LanguageData>> LanguageFor(std::string_view code) {
  // Parsed once; a compiled-in language that does not parse is a mistake in its files.
  static const auto languages = [] {
    std::map<std::string, Result<std::shared_ptr<const LanguageData>>, std::less<>> parsed;
    for (const CompiledLanguage& language : CompiledLanguages()) {
      parsed.emplace(language.code, ParseLanguage(language.code, language.files,
                                                  "src/text/languages/" + std::string(language.code)));
    }
    return parsed;
  }();
  const auto found = languages.find(code);
  if (found != languages.end()) return found->second;
  std::string known;
  for (const std::string& other : LanguageCodes()) known += (known.empty() ? "" : ", ") + other;
  return MakeError(ErrorCode::kNotFound, "no language '{}'; there are: {}", code, known);
}

std::vector<std::string> LanguageCodes() {
  std::vector<std::string> codes;
  for (const CompiledLanguage& language : CompiledLanguages()) codes.emplace_back(language.code);
  return codes;
}

}  // namespace sotto

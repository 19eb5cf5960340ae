// Images of text by tesseract. A page that reads badly is turned until it reads better: upside down, then sideways.
#include "document/builder.h"

#ifdef SOTTO_TESSERACT
#include <leptonica/allheaders.h>
#include <tesseract/baseapi.h>
#endif

#include <memory>
#include <vector>

namespace sotto {

#ifdef SOTTO_TESSERACT
namespace {

constexpr int kReadsWell = 70;  // tesseract's mean confidence, 0..100
constexpr int kMostPixels = 60'000'000;

struct DestroyPix {
  void operator()(Pix* image) const { pixDestroy(&image); }
};
using PixPtr = std::unique_ptr<Pix, DestroyPix>;

// One a process: its model takes longer to read than a page.
struct TextReader {
  tesseract::TessBaseAPI api;
  std::string languages;
};

Result<TextReader*> OpenTextReader(const std::string& languages) {
  static TextReader reader;
  if (reader.languages == languages) return &reader;
  reader.languages.clear();
  if (reader.api.Init(nullptr, languages.c_str(), tesseract::OEM_LSTM_ONLY) != 0) {
    return MakeError(ErrorCode::kNotFound,
                     "tesseract has no language '{}'; Debian: apt-get install tesseract-ocr-{}", languages,
                     languages);
  }
  reader.api.SetVariable("debug_file", "/dev/null");
  reader.api.SetPageSegMode(tesseract::PSM_AUTO);
  reader.languages = languages;
  return &reader;
}

struct ReadPage {
  std::vector<std::pair<Block::Kind, std::vector<DocumentBuilder::PlacedWord>>> blocks;
  int confidence = 0;
  size_t words = 0;
};

ReadPage ReadImage(tesseract::TessBaseAPI& api, Pix* image, double points_a_pixel) {
  ReadPage page;
  api.SetImage(image);
  if (api.Recognize(nullptr) != 0) return page;
  page.confidence = api.MeanTextConf();
  const std::unique_ptr<tesseract::ResultIterator> at(api.GetIterator());
  if (at == nullptr) return page;
  do {
    const std::unique_ptr<char[]> text(at->GetUTF8Text(tesseract::RIL_WORD));
    if (text == nullptr || text[0] == '\0' || at->Confidence(tesseract::RIL_WORD) < 20) continue;
    int left = 0, top = 0, right = 0, bottom = 0;
    if (!at->BoundingBox(tesseract::RIL_WORD, &left, &top, &right, &bottom)) continue;
    if (page.blocks.empty() || at->IsAtBeginningOf(tesseract::RIL_PARA))
      page.blocks.push_back({Block::Kind::kParagraph, {}});
    page.blocks.back().second.push_back(
        {text.get(),
         {left * points_a_pixel, top * points_a_pixel, right * points_a_pixel, bottom * points_a_pixel},
         at->IsAtBeginningOf(tesseract::RIL_TEXTLINE)});
    ++page.words;
  } while (at->Next(tesseract::RIL_WORD));
  return page;
}

Result<void> Recognise(PixPtr image, int dpi, int number, DocumentBuilder& builder) {
  SOTTO_ASSIGN_OR_RETURN(TextReader * reader, OpenTextReader(builder.options().languages));
  const double points = 72.0 / dpi;
  const auto read = [&](Pix* turned) {
    pixSetResolution(turned, dpi, dpi);
    return ReadImage(reader->api, turned, points);
  };
  ReadPage best = read(image.get());
  int turned = 0;
  for (const int quarters : {2, 1, 3}) {
    if ((best.confidence >= kReadsWell && best.words > 0) || builder.LateBy(0.6)) break;
    const PixPtr other(pixRotateOrth(image.get(), quarters));
    if (other == nullptr) break;
    if (ReadPage page = read(other.get()); page.words > 0 && page.confidence > best.confidence + 5) {
      best = std::move(page);
      turned = quarters;
    }
  }
  reader->api.Clear();
  if (turned != 0)
    builder.Note(fmt::format("page {} was turned by {} degrees to be read", number, 90 * turned));
  if (best.words > 0 && best.confidence < 50)
    builder.Note(fmt::format("page {} reads badly (confidence {} of 100)", number, best.confidence));
  builder.document().recognised = true;
  for (const auto& [kind, words] : best.blocks) builder.AddWords(kind, words, number);
  return {};
}

}  // namespace

bool CanRecognise() { return true; }

Result<void> RecognisePage(const PageImage& image, int page, DocumentBuilder& builder) {
  PixPtr pix(pixCreate(image.width, image.height, 8));
  if (pix == nullptr)
    return MakeError(ErrorCode::kOutOfRange, "{}: page {} is too large", builder.name(), page);
  for (int y = 0; y < image.height; ++y) {
    const unsigned char* row = image.gray + static_cast<ptrdiff_t>(y) * image.stride;
    l_uint32* line = pixGetData(pix.get()) + static_cast<ptrdiff_t>(y) * pixGetWpl(pix.get());
    for (int x = 0; x < image.width; ++x) SET_DATA_BYTE(line, x, row[x]);
  }
  return Recognise(std::move(pix), image.dpi, page, builder);
}

Result<void> ParseScan(std::string_view bytes, DocumentBuilder& builder) {
  if (!builder.options().scans) {
    return MakeError(ErrorCode::kUnsupported, "{}: an image, and images are not to be read", builder.name());
  }
  setMsgSeverity(L_SEVERITY_NONE);
  const auto* data = reinterpret_cast<const l_uint8*>(bytes.data());
  int format = 0, width = 0, height = 0;
  if (pixReadHeaderMem(data, bytes.size(), &format, &width, &height, nullptr, nullptr, nullptr) != 0 ||
      width <= 0 || height <= 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: a damaged image", builder.name());
  }
  if (static_cast<int64_t>(width) * height > kMostPixels) {
    return MakeError(ErrorCode::kOutOfRange, "{}: {} by {} pixels, more than the limit of {} million",
                     builder.name(), width, height, kMostPixels / 1'000'000);
  }
  builder.document().n_pages = 1;
  PixPtr pix(pixReadMem(data, bytes.size()));
  if (pix == nullptr) return MakeError(ErrorCode::kCorrupt, "{}: a damaged image", builder.name());
  PixPtr gray(pixConvertTo8(pix.get(), 0));
  if (gray == nullptr) return MakeError(ErrorCode::kCorrupt, "{}: a damaged image", builder.name());
  const int dpi = pixGetXRes(pix.get()) >= 70 ? pixGetXRes(pix.get()) : 200;
  return Recognise(std::move(gray), dpi, 1, builder);
}

#else

bool CanRecognise() { return false; }

Result<void> RecognisePage(const PageImage&, int page, DocumentBuilder& builder) {
  return MakeError(ErrorCode::kUnsupported, "{}: page {} is an image; this build has no tesseract",
                   builder.name(), page);
}

Result<void> ParseScan(std::string_view, DocumentBuilder& builder) {
  return MakeError(ErrorCode::kUnsupported, "{}: an image; this build has no tesseract (libtesseract-dev)",
                   builder.name());
}

#endif

}  // namespace sotto

// Documents made byte by byte, for the tests of readers: pages of Helvetica, archives without compression.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sotto {

struct PdfText {
  double x = 0, y = 0;  // points from the page's top left corner
  std::string text;
  double size = 11;
};
using PdfPage = std::vector<PdfText>;

inline std::string PdfOf(const std::vector<std::string>& contents, const std::string& resources,
                         const std::string& trailer, const std::vector<std::string>& more) {
  std::vector<std::string> objects(2);
  std::string kids;
  for (const std::string& content : contents) {
    const size_t page = objects.size() + 1;
    kids += fmt::format("{} 0 R ", page);
    objects.push_back(
        fmt::format("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<<{}>>/Contents {} 0 R>>",
                    resources, page + 1));
    objects.push_back(fmt::format("<</Length {}>>stream\n{}\nendstream", content.size(), content));
  }
  objects[0] = "<</Type/Catalog/Pages 2 0 R>>";
  objects[1] = fmt::format("<</Type/Pages/Kids[{}]/Count {}>>", kids, contents.size());
  std::string out = "%PDF-1.4\n";
  std::vector<size_t> offsets;
  for (const std::string& object : more) objects.push_back(object);
  for (size_t i = 0; i < objects.size(); ++i) {
    offsets.push_back(out.size());
    out += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  const size_t start = out.size();
  out += fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (const size_t offset : offsets) out += fmt::format("{:010} 00000 n \n", offset);
  return out + fmt::format("trailer\n<</Size {}/Root 1 0 R{}>>\nstartxref\n{}\n%%EOF\n", objects.size() + 1,
                           trailer, start);
}

inline std::string MakePdf(const std::vector<PdfPage>& pages, const std::string& trailer = "") {
  std::vector<std::string> contents;
  for (const PdfPage& page : pages) {
    std::string content;
    for (const PdfText& line : page) {
      std::string text;
      for (const char c : line.text) {
        if (c == '(' || c == ')' || c == '\\') text += '\\';
        text += c;
      }
      content += fmt::format("BT /F1 {} Tf {} {} Td ({}) Tj ET\n", line.size, line.x, 792 - line.y, text);
    }
    contents.push_back(content);
  }
  return PdfOf(contents,
               "/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>>>",
               trailer, {});
}

// That nobody can open without a password.
inline std::string EncryptedPdf() {
  const std::string junk(64, '7');
  return MakePdf({{{72, 72, "secret"}}},
                 fmt::format("/Encrypt<</Filter/Standard/V 1/R 2/Length 40/P -4/O<{}>/U<{}>>>/ID[<00><00>]",
                             junk, junk));
}

// A page that is one gray image of 8 bits.
inline std::string ScannedPdf(const std::string& pixels, int width, int height) {
  const std::string image = fmt::format(
                                "<</Type/XObject/Subtype/Image/Width {}/Height "
                                "{}/ColorSpace/DeviceGray/BitsPerComponent 8/Length {}>>stream\n",
                                width, height, pixels.size()) +
                            pixels + "\nendstream";
  return PdfOf({"q 612 0 0 792 0 0 cm /I1 Do Q"}, "/XObject<</I1 5 0 R>>", "", {image});
}

inline uint32_t Crc32(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

// Files as a zip archive, not compressed. `claimed`: what the directory says of their size, 0: the truth.
inline std::string MakeZip(const std::vector<std::pair<std::string, std::string>>& files,
                           uint32_t claimed = 0) {
  const auto number = [](uint32_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
    return out;
  };
  std::string out;
  std::string directory;
  for (const auto& [name, data] : files) {
    const uint32_t size = claimed != 0 ? claimed : static_cast<uint32_t>(data.size());
    const std::string head = number(20, 2) + number(0, 2) + number(0, 2) + number(0, 4) +
                             number(Crc32(data), 4) + number(static_cast<uint32_t>(data.size()), 4) +
                             number(size, 4) + number(static_cast<uint32_t>(name.size()), 2) + number(0, 2);
    directory += "PK\x01\x02" + number(20, 2) + head + number(0, 2) + number(0, 2) + number(0, 2) +
                 number(0, 4) + number(static_cast<uint32_t>(out.size()), 4) + name;
    out += "PK\x03\x04" + head + name + data;
  }
  const auto count = static_cast<uint32_t>(files.size());
  return out + directory + "PK\x05\x06" + number(0, 4) + number(count, 2) + number(count, 2) +
         number(static_cast<uint32_t>(directory.size()), 4) + number(static_cast<uint32_t>(out.size()), 4) +
         number(0, 2);
}

inline std::string MakeDocx(const std::string& body) {
  return MakeZip({{"word/document.xml",
                   "<?xml version=\"1.0\"?><w:document "
                   "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">"
                   "<w:body>" +
                       body + "</w:body></w:document>"}});
}

}  // namespace sotto

// Feeds any bytes, plain and as gzip, to the reader of id lists, and its ids to the normalizers of
// declared id types: a kept form is the form of itself.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/id_list_reader.h"
#include "fuzz/memory_file.h"
#include "fuzz/require.h"
#include "index/id_fault.h"
#include "index/id_type.h"
#include "tests/testing/temporary_directory.h"

namespace {

using throng::cli::IdListOptions;
using throng::cli::IdListReader;
using throng::fuzz::Require;
using throng::index::IdFault;
using throng::index::IdNormalizer;
using throng::index::IdTypeDefinition;

constexpr size_t kIdsMax = 10'000;  // of one input: gzip makes many of a few bytes

void CheckForms(std::string_view id) {
  static const IdTypeDefinition kTypes[] = {
      {.id = 1, .name = "trim", .normalizers = {IdNormalizer::kTrim}},
      {.id = 2, .name = "hex", .normalizers = {IdNormalizer::kTrim, IdNormalizer::kLowercaseHex}},
      {.id = 3, .name = "phone", .normalizers = {IdNormalizer::kPhoneDigits}},
      {.id = 4, .name = "mail", .normalizers = {IdNormalizer::kTrim, IdNormalizer::kLowercase}},
  };
  std::string kept;
  std::string again;
  for (const IdTypeDefinition& type : kTypes) {
    const IdFault fault = throng::index::NormalizeInto(type, id, &kept);
    const absl::StatusOr<std::string> form = throng::index::NormalizeId(type, id);
    Require(form.ok() == (fault == IdFault::kNone), "two answers about one id", id);
    if (!form.ok()) continue;
    Require(*form == kept, "two forms of one id", id);
    Require(throng::index::NormalizeInto(type, kept, &again) == IdFault::kNone && again == kept,
            "a form that is not its own", id);
  }
}

// A name of gzip files for a path: it is the name that says what a file is.
std::string GzipName(const std::string& path) {
  static const auto* directory = new throng::testing::TemporaryDirectory();
  const std::string name = directory->File("list.gz");
  unlink(name.c_str());
  if (symlink(path.c_str(), name.c_str()) != 0) std::abort();
  return name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  constexpr char kDelimiters[] = {'\0', ',', ';', '\t'};
  constexpr const char* kColumns[] = {"", "2", "phone", "99999999999"};
  constexpr IdListOptions::Header kHeaders[] = {
      IdListOptions::Header::kFind, IdListOptions::Header::kYes, IdListOptions::Header::kNo};
  const IdListOptions options{.column = kColumns[data[0] / 4 % 4],
                              .delimiter = kDelimiters[data[0] % 4],
                              .header = kHeaders[data[0] / 16 % 3],
                              .id_type = "phone"};
  const throng::fuzz::MemoryFile file({reinterpret_cast<const char*>(data + 1), size - 1});
  const std::string path = data[0] >= 128 ? GzipName(file.path()) : file.path();
  uint64_t refused = 0;
  const auto reader = IdListReader::Open(path, options, [&](uint64_t, std::string_view why) {
    Require(!why.empty(), "refused for no reason");
    ++refused;
  });
  if (!reader.ok()) return 0;
  uint64_t rows = 0;
  while (rows < kIdsMax) {
    const absl::StatusOr<bool> more = (*reader)->Next();
    if (!more.ok() || !*more) break;
    ++rows;
    const std::string_view id = (*reader)->id();
    Require(!id.empty() && throng::cli::TrimId(id) == id, "an id with spaces around it", id);
    CheckForms(id);
  }
  Require((*reader)->findings().refused == refused, "refused rows are miscounted");
  return 0;
}

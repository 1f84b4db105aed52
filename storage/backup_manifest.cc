// The manifest of a backup <-> text; storage/FORMAT.md gives its lines.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "storage/backup.h"

namespace throng::storage {
namespace {

// Of manifests without crowds and with crowds: each is written in the oldest form that holds it.
constexpr std::string_view kFirstLine = "throng backup 1";
constexpr std::string_view kFirstLineOfCrowds = "throng backup 2";
constexpr size_t kDigestDigits = 32;

std::string DigestOfText(std::string_view text) {
  Digest digest;
  digest.Add(text);
  return digest.Hex();
}

// Takes words and lines off the front of a text; what does not fit makes it fail. Not thread-safe.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return rest_.empty(); }
  // Goes to the next line if it starts with `word`.
  bool StartLine(std::string_view word) {
    if (!ok_ || !rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  // Fails when the number is above `most`.
  uint64_t Number(uint64_t most = std::numeric_limits<uint64_t>::max()) {
    uint64_t number = 0;
    const std::string word = Word();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    ok_ = ok_ && error == std::errc() && end == word.data() + word.size() && number <= most;
    return ok_ ? number : 0;
  }
  std::string DigestWord() {
    std::string word = Word();
    ok_ = ok_ && word.size() == kDigestDigits;
    return word;
  }
  // What is left of the line.
  std::string Rest() {
    const size_t end = rest_.find('\n');
    ok_ = ok_ && rest_.starts_with(' ') && end != std::string_view::npos && end > 1;
    if (!ok_) return {};
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  void EndLine() {
    ok_ = ok_ && rest_.starts_with('\n');
    if (ok_) rest_.remove_prefix(1);
  }

 private:
  std::string Word() {
    ok_ = ok_ && rest_.starts_with(' ');
    if (!ok_) return {};
    rest_.remove_prefix(1);
    const size_t end = rest_.find_first_of(" \n");
    ok_ = end != std::string_view::npos;
    if (!ok_) return {};
    std::string word(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return word;
  }

  std::string_view rest_;
  bool ok_ = true;
};

absl::Status Damaged() {
  return absl::DataLossError("the manifest BACKUP is damaged: its checksum or its form is wrong");
}

bool HasCrowds(const BackupManifest& manifest) {
  return std::any_of(manifest.populations.begin(), manifest.populations.end(),
                     [](const PopulationDigest& population) { return !population.crowds.empty(); });
}

}  // namespace

std::string EncodeManifest(const BackupManifest& manifest) {
  std::string text =
      fmt::format("{}\ncreated {}\n", HasCrowds(manifest) ? kFirstLineOfCrowds : kFirstLine,
                  manifest.created_us);
  for (const BackupManifest::File& file : manifest.files) {
    text += fmt::format("file {} {} {}\n", file.bytes, file.digest, file.name);
  }
  for (const PopulationDigest& population : manifest.populations) {
    text +=
        fmt::format("population {} {} {} {} {} {}\n", population.id, population.data_version,
                    population.user_count, population.ids, population.universe, population.name);
    for (const auto& [tag, digest] : population.tags)
      text += fmt::format("tag {} {}\n", digest, tag);
    for (const auto& [crowd, digest] : population.crowds)
      text += fmt::format("crowd {} {}\n", digest, crowd);
  }
  return fmt::format("{}checksum {}\n", text, DigestOfText(text));
}

absl::StatusOr<BackupManifest> DecodeManifest(std::string_view text) {
  const size_t end = text.rfind("checksum ");
  if (end == std::string_view::npos) return Damaged();
  if (text.substr(end) != fmt::format("checksum {}\n", DigestOfText(text.substr(0, end)))) {
    return Damaged();
  }
  LineReader in(text.substr(0, end));
  if (!in.StartLine(kFirstLine) && !in.StartLine(kFirstLineOfCrowds)) {
    return absl::FailedPreconditionError("the backup is of another version: run a newer program");
  }
  in.EndLine();
  BackupManifest manifest;
  if (!in.StartLine("created")) return Damaged();
  manifest.created_us = static_cast<int64_t>(in.Number(std::numeric_limits<int64_t>::max()));
  in.EndLine();
  while (in.StartLine("file")) {
    BackupManifest::File& file = manifest.files.emplace_back();
    file.bytes = in.Number();
    file.digest = in.DigestWord();
    file.name = in.Rest();
    if (file.name.find('/') != std::string::npos || file.name.starts_with('.')) return Damaged();
  }
  while (in.StartLine("population")) {
    PopulationDigest& population = manifest.populations.emplace_back();
    population.id = static_cast<uint32_t>(in.Number(std::numeric_limits<uint32_t>::max()));
    population.data_version = in.Number();
    population.user_count = in.Number();
    population.ids = in.DigestWord();
    population.universe = in.DigestWord();
    population.name = in.Rest();
    while (in.StartLine("tag")) {
      std::string digest = in.DigestWord();
      population.tags[in.Rest()] = std::move(digest);
    }
    while (in.StartLine("crowd")) {
      std::string digest = in.DigestWord();
      population.crowds[in.Rest()] = std::move(digest);
    }
  }
  if (!in.ok() || !in.AtEnd()) return Damaged();
  return manifest;
}

}  // namespace throng::storage

#include "storage/high_water.h"

#include <charconv>
#include <limits>
#include <memory>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/envelope.h"
#include "storage/rocks_status.h"

namespace throng::storage {
namespace {

constexpr std::string_view kFirstLine = "throng high water 1\n";
constexpr size_t kFileBytesMax = 16 << 20;

std::string PathOf(const std::string& directory) {
  return fmt::format("{}/{}", directory, kHighWaterFile);
}

std::string ChecksumLine(std::string_view text) {
  return fmt::format("checksum {:016x}\n", Checksum(kHighWaterFile, 0, text));
}

// Takes `prefix` and a number off the front of `text`.
bool TakeNumber(std::string_view prefix, std::string_view* text, uint64_t* number) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

rocksdb::IOStatus WriteAndSync(rocksdb::FileSystem& file_system, const std::string& path,
                               const std::string& text) {
  const rocksdb::IOOptions options;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status =
      file_system.NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(text, options, nullptr);
  if (status.ok()) status = file->Fsync(options, nullptr);
  if (file != nullptr) {
    const rocksdb::IOStatus closed = file->Close(options, nullptr);
    if (status.ok()) status = closed;
  }
  return status;
}

}  // namespace

std::string EncodeHighWater(const HighWater& mark) {
  std::string text(kFirstLine);
  for (const auto& [population, version] : mark) {
    text += fmt::format("population {} version {}\n", population, version);
  }
  return text + ChecksumLine(text);
}

absl::StatusOr<HighWater> DecodeHighWater(std::string_view text) {
  const size_t last_line = text.rfind("checksum ");
  if (last_line == std::string_view::npos ||
      text.substr(last_line) != ChecksumLine(text.substr(0, last_line))) {
    return absl::DataLossError(fmt::format("the checksum of {} does not match", kHighWaterFile));
  }
  if (!text.starts_with(kFirstLine)) {
    return absl::FailedPreconditionError(
        fmt::format("{} was written by a newer version", kHighWaterFile));
  }
  HighWater mark;
  std::string_view rest = text.substr(kFirstLine.size(), last_line - kFirstLine.size());
  while (!rest.empty()) {
    uint64_t population = 0;
    uint64_t version = 0;
    if (!TakeNumber("population ", &rest, &population) ||
        !TakeNumber(" version ", &rest, &version) || !rest.starts_with('\n') ||
        population > std::numeric_limits<uint32_t>::max()) {
      return absl::DataLossError(fmt::format("{} cannot be read", kHighWaterFile));
    }
    rest.remove_prefix(1);
    mark[static_cast<uint32_t>(population)] = version;
  }
  return mark;
}

absl::Status WriteHighWater(rocksdb::FileSystem& file_system, const std::string& directory,
                            const HighWater& mark) {
  const std::string path = PathOf(directory);
  const std::string beside = path + ".new";
  const rocksdb::IOOptions options;
  rocksdb::IOStatus status = WriteAndSync(file_system, beside, EncodeHighWater(mark));
  if (status.ok()) status = file_system.RenameFile(beside, path, options, nullptr);
  std::unique_ptr<rocksdb::FSDirectory> folder;
  if (status.ok()) status = file_system.NewDirectory(directory, options, &folder, nullptr);
  if (status.ok()) status = folder->Fsync(options, nullptr);
  return FromRocks(status, fmt::format("write {}", path));
}

absl::StatusOr<std::optional<HighWater>> ReadHighWater(rocksdb::FileSystem& file_system,
                                                       const std::string& directory) {
  const std::string path = PathOf(directory);
  const rocksdb::IOOptions options;
  rocksdb::IOStatus status = file_system.FileExists(path, options, nullptr);
  if (status.IsNotFound()) return std::nullopt;
  uint64_t size = 0;
  if (status.ok()) status = file_system.GetFileSize(path, options, &size, nullptr);
  if (status.ok() && size > kFileBytesMax) {
    return absl::DataLossError(fmt::format("{} has {} bytes", path, size));
  }
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  if (status.ok()) {
    status = file_system.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  }
  std::vector<char> buffer(size);
  rocksdb::Slice text;
  if (status.ok()) status = file->Read(size, options, &text, buffer.data(), nullptr);
  THRONG_RETURN_IF_ERROR(FromRocks(status, fmt::format("read {}", path)));
  THRONG_ASSIGN_OR_RETURN(HighWater mark, DecodeHighWater({text.data(), text.size()}));
  return std::optional<HighWater>(std::move(mark));
}

}  // namespace throng::storage

#include "storage/erasure_ledger.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "rocksdb/file_system.h"
#include "storage/envelope.h"
#include "storage/file_copy.h"
#include "storage/file_system_hook.h"
#include "storage/rocks_status.h"

namespace throng::storage {
namespace {

constexpr std::string_view kFirstWords = "throng erasures 1";
constexpr size_t kKeyBytes = 32;
constexpr size_t kFileBytesMax = size_t{1} << 32;

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return text;
}

std::optional<std::string> Unhex(std::string_view text) {
  std::string bytes;
  if (text.size() % 2 != 0) return std::nullopt;
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t byte = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

// Words with the checksum of the line behind them.
std::string Line(std::string_view words) {
  return fmt::format("{} {:016x}\n", words, Checksum(kErasureLedgerFile, 0, words));
}

// The words of a line without its end; nullopt when the checksum is not theirs.
std::optional<std::vector<std::string_view>> WordsOf(std::string_view line) {
  const size_t end = line.rfind(' ');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view words = line.substr(0, end);
  if (line.substr(end + 1) != fmt::format("{:016x}", Checksum(kErasureLedgerFile, 0, words))) {
    return std::nullopt;
  }
  std::vector<std::string_view> all;
  for (size_t begin = 0; begin <= words.size();) {
    const size_t space = std::min(words.find(' ', begin), words.size());
    all.push_back(words.substr(begin, space - begin));
    begin = space + 1;
  }
  return all;
}

std::optional<uint64_t> NumberOf(std::string_view word) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

struct Entry {
  uint64_t number = 0;
  std::string population;
  IdDigest digest{};
};

class FileLedger final : public ErasureLedger {
 public:
  explicit FileLedger(const StoreOptions& options)
      : directory_(options.directory),
        path_(fmt::format("{}/{}", options.directory, kErasureLedgerFile)),
        files_(options.file_system != nullptr ? options.file_system->file_system
                                              : rocksdb::FileSystem::Default()) {}

  absl::Status Read() {
    index::MutexLock lock(mutex_);
    const rocksdb::IOStatus found = files_->FileExists(path_, {}, nullptr);
    if (found.IsNotFound()) return absl::OkStatus();
    THRONG_RETURN_IF_ERROR(FromRocks(found, "look for " + path_));
    std::string text;
    THRONG_RETURN_IF_ERROR(ReadFile(&text));
    return Parse(text);
  }

  absl::StatusOr<uint64_t> Append(std::string_view population, const std::vector<std::string>& ids,
                                  int64_t time_us, uint64_t followed) override {
    index::MutexLock lock(mutex_);
    THRONG_RETURN_IF_ERROR(MakeWhole());
    uint64_t number = std::max(end_, followed);
    std::string lines;
    std::vector<Entry> added;
    for (const std::string& id : ids) {
      const IdDigest digest = DigestOf(key_, population, id);
      added.push_back(
          {.number = ++number, .population = std::string(population), .digest = digest});
      const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
      lines += Line(fmt::format("erased {} {} {} {}", number, time_us, population, Hex(bytes)));
    }
    // Taken, whatever becomes of the write: a number is used once.
    end_ = number;
    THRONG_RETURN_IF_ERROR(AppendLines(lines));
    entries_.insert(entries_.end(), added.begin(), added.end());
    return number;
  }

  absl::Status Void(uint64_t last, uint64_t count) override {
    index::MutexLock lock(mutex_);
    Forget(last - count + 1, last);
    THRONG_RETURN_IF_ERROR(MakeWhole());
    return AppendLines(Line(fmt::format("void {} {}", last - count + 1, last)));
  }

  ErasedIds Missing(std::string_view population, uint64_t followed) const override {
    index::MutexLock lock(mutex_);
    std::set<IdDigest> digests;
    for (const Entry& entry : entries_) {
      if (entry.number > followed && entry.population == population) digests.insert(entry.digest);
    }
    return {std::string(population), key_, std::move(digests), std::max(end_, followed)};
  }

 private:
  absl::Status ReadFile(std::string* text) THRONG_REQUIRES(mutex_) {
    uint64_t size = 0;
    rocksdb::IOStatus status = files_->GetFileSize(path_, {}, &size, nullptr);
    if (status.ok() && size > kFileBytesMax) {
      return absl::DataLossError(fmt::format("{} has {} bytes", path_, size));
    }
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    if (status.ok()) status = files_->NewSequentialFile(path_, {}, &file, nullptr);
    text->resize(size);
    rocksdb::Slice read;
    if (status.ok()) status = file->Read(size, {}, &read, text->data(), nullptr);
    if (status.ok() && read.data() != text->data()) text->assign(read.data(), read.size());
    text->resize(read.size());
    return FromRocks(status, "read " + path_);
  }

  absl::Status Parse(std::string_view text) THRONG_REQUIRES(mutex_) {
    size_t number = 0;
    while (!text.empty()) {
      ++number;
      const size_t end = text.find('\n');
      const auto words = WordsOf(text.substr(0, end));
      // The first two lines came with the file's name.
      if (number > 2 && end == std::string_view::npos) {
        is_torn_ = true;  // the crash was faster than the line
        return absl::OkStatus();
      }
      if (number == 1 && text.starts_with("throng erasures ") && words.has_value() &&
          words->size() == 3 && (*words)[2] != "1") {
        return absl::FailedPreconditionError(
            fmt::format("{} was written by a newer version", path_));
      }
      if (end == std::string_view::npos || !words.has_value() || !TakeLine(number, *words)) {
        return absl::DataLossError(fmt::format("line {} of {} is damaged", number, path_));
      }
      kept_.append(text.substr(0, end + 1));
      text.remove_prefix(end + 1);
    }
    if (key_.empty()) return absl::DataLossError(fmt::format("{} has no key", path_));
    // What is kept is the file itself; only a torn one is written anew.
    kept_.clear();
    return absl::OkStatus();
  }

  bool TakeLine(size_t line, const std::vector<std::string_view>& words) THRONG_REQUIRES(mutex_) {
    if (line == 1) return words.size() == 3 && words[0] == "throng" && words[1] == "erasures";
    if (line == 2) {
      if (words.size() != 2 || words[0] != "key") return false;
      key_ = Unhex(words[1]).value_or("");
      return key_.size() == kKeyBytes;
    }
    if (words.size() == 5 && words[0] == "erased") {
      const std::optional<uint64_t> number = NumberOf(words[1]);
      const std::optional<std::string> digest = Unhex(words[4]);
      if (!number.has_value() || *number <= end_ || !digest.has_value()) return false;
      Entry entry{.number = *number, .population = std::string(words[3])};
      if (digest->size() != entry.digest.size()) return false;
      std::copy(digest->begin(), digest->end(), entry.digest.begin());
      entries_.push_back(std::move(entry));
      end_ = *number;
      return true;
    }
    if (words.size() != 3 || words[0] != "void") return false;
    const std::optional<uint64_t> first = NumberOf(words[1]);
    const std::optional<uint64_t> last = NumberOf(words[2]);
    if (!first.has_value() || !last.has_value() || *first > *last) return false;
    Forget(*first, *last);
    end_ = std::max(end_, *last);
    return true;
  }

  void Forget(uint64_t first, uint64_t last) THRONG_REQUIRES(mutex_) {
    std::erase_if(entries_, [=](const Entry& e) { return e.number >= first && e.number <= last; });
  }

  // A ledger with a key and without half a line.
  absl::Status MakeWhole() THRONG_REQUIRES(mutex_) {
    if (!key_.empty() && !is_torn_) return absl::OkStatus();
    std::string key = key_;
    std::string text = kept_;
    if (key.empty()) {
      key.resize(kKeyBytes);
      if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), kKeyBytes) != 1) {
        return absl::UnavailableError("the system gives no random bytes for a key");
      }
      text = Line(kFirstWords) + Line("key " + Hex(key));
    }
    const std::string beside = path_ + ".new";
    THRONG_RETURN_IF_ERROR(WriteBeside(beside, text));
    rocksdb::IOStatus status = files_->RenameFile(beside, path_, {}, nullptr);
    std::unique_ptr<rocksdb::FSDirectory> folder;
    if (status.ok()) status = files_->NewDirectory(directory_, {}, &folder, nullptr);
    if (status.ok()) status = folder->Fsync({}, nullptr);
    THRONG_RETURN_IF_ERROR(FromRocks(status, "write " + path_));
    key_ = std::move(key);
    kept_.clear();
    is_torn_ = false;
    return absl::OkStatus();
  }

  // Nobody else may read the key: the mode is set before it is written.
  absl::Status WriteBeside(const std::string& path, const std::string& text) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    rocksdb::IOStatus status = files_->NewWritableFile(path, {}, &file, nullptr);
    THRONG_RETURN_IF_ERROR(FromRocks(status, "write " + path));
    std::error_code error;
    using std::filesystem::perms;
    std::filesystem::permissions(path, perms::owner_read | perms::owner_write, error);
    if (error) {
      return absl::UnavailableError(
          fmt::format("cannot set the mode of {}: {}", path, error.message()));
    }
    return Finish(file.get(), text);
  }

  absl::Status AppendLines(const std::string& lines) THRONG_REQUIRES(mutex_) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const rocksdb::IOStatus status = files_->ReopenWritableFile(path_, {}, &file, nullptr);
    THRONG_RETURN_IF_ERROR(FromRocks(status, "write " + path_));
    const absl::Status written = Finish(file.get(), lines);
    if (written.ok()) return written;
    // Half a line may be there: the next write begins with the whole ones.
    std::string text;
    THRONG_RETURN_IF_ERROR(ReadFile(&text));
    kept_ = text.substr(0, text.rfind('\n') + 1);
    is_torn_ = true;
    return written;
  }

  absl::Status Finish(rocksdb::FSWritableFile* file, const std::string& text) {
    rocksdb::IOStatus status = file->Append(text, {}, nullptr);
    if (status.ok()) status = file->Fsync({}, nullptr);
    const rocksdb::IOStatus closed = file->Close({}, nullptr);
    return FromRocks(status.ok() ? closed : status, "write " + path_);
  }

  const std::string directory_;
  const std::string path_;
  const std::shared_ptr<rocksdb::FileSystem> files_;
  mutable index::Mutex mutex_;
  std::string key_ THRONG_GUARDED_BY(mutex_);  // empty: there is no file yet
  std::vector<Entry> entries_ THRONG_GUARDED_BY(mutex_);
  uint64_t end_ THRONG_GUARDED_BY(mutex_) = 0;  // the largest number used
  bool is_torn_ THRONG_GUARDED_BY(mutex_) = false;
  std::string kept_ THRONG_GUARDED_BY(mutex_);  // the whole lines of a torn file
};

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

bool ErasedIds::Contains(std::string_view id) const {
  return digests_.contains(DigestOf(key_, population_, id));
}

IdDigest DigestOf(std::string_view key, std::string_view population, std::string_view id) {
  std::string text(population);
  text.push_back('\0');
  text.append(id);
  IdDigest digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return digest;
}

absl::Status InstallErasureLedger(const std::string& from, const std::string& directory) {
  namespace fs = std::filesystem;
  const std::string path = fmt::format("{}/{}", directory, kErasureLedgerFile);
  const std::string copy = path + ".new";
  const std::string before = path + ".before";
  std::error_code error;
  const bool replaces = fs::exists(path, error);
  // The ledger that came with the backup is an earlier state of the one that is meant.
  if (replaces && !ReadWhole(from).starts_with(ReadWhole(path))) {
    return absl::FailedPreconditionError(fmt::format(
        "{} does not go on from the ledger of the backup: it is another server's", from));
  }
  const auto never = [] { return absl::OkStatus(); };
  absl::Status status = CopyFileSynced(from, copy, never).status();
  if (status.ok()) {
    fs::permissions(copy, fs::perms::owner_read | fs::perms::owner_write, error);
    if (!error && replaces) fs::rename(path, before, error);
    if (!error) fs::rename(copy, path, error);
    if (error) status = absl::UnavailableError(fmt::format("{}: {}", path, error.message()));
  }
  if (status.ok()) status = ErasureLedger::Open({.directory = directory}).status();
  if (!status.ok()) {
    fs::remove(copy, error);
    if (fs::exists(before, error)) {
      fs::rename(before, path, error);
    } else if (!replaces) {
      fs::remove(path, error);
    }
    return status;
  }
  fs::remove(before, error);
  return SyncDirectory(directory);
}

absl::StatusOr<std::unique_ptr<ErasureLedger>> ErasureLedger::Open(const StoreOptions& options) {
  auto ledger = std::make_unique<FileLedger>(options);
  THRONG_RETURN_IF_ERROR(ledger->Read());
  return std::unique_ptr<ErasureLedger>(std::move(ledger));
}

}  // namespace throng::storage

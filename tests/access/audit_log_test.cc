// The audit log: what is in it after which failures, and its lines as JSON.
#include "server/access/audit_log.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/error.h"
#include "nlohmann/json.hpp"
#include "server/access/json_line.h"
#include "tests/testing/temporary_directory.h"

namespace throng::access {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

class AuditLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<AuditLog> Open(uint64_t bytes_max = 1 << 20, uint32_t files_max = 0) {
    auto log = AuditLog::Open({.path = path_, .file_bytes_max = bytes_max, .files_max = files_max});
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? *std::move(log) : nullptr;
  }

  testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.File("audit");
};

TEST_F(AuditLogTest, IsAppendedToAcrossStarts) {
  EXPECT_TRUE(Open()->Append("{\"a\":1}").ok());
  EXPECT_TRUE(Open()->Append("{\"a\":2}").ok());
  EXPECT_EQ(ReadAll(path_), "{\"a\":1}\n{\"a\":2}\n");
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  ASSERT_EQ(stat((path_ + ".key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
}

TEST_F(AuditLogTest, FilesAreTurnedOverBySize) {
  const auto log = Open(/*bytes_max=*/10);
  for (const char* line : {"1234", "5678", "9", "longer than a whole file", "x"}) {
    EXPECT_TRUE(log->Append(line).ok());
  }
  EXPECT_EQ(ReadAll(path_ + ".1"), "1234\n5678\n");  // 10 bytes: at the limit
  EXPECT_EQ(ReadAll(path_ + ".2"), "9\n");
  EXPECT_EQ(ReadAll(path_ + ".3"), "longer than a whole file\n");
  EXPECT_EQ(ReadAll(path_), "x\n");
}

TEST_F(AuditLogTest, TheOldestFilesGoWhereTheyAreLimited) {
  for (int start = 0; start < 2; ++start) {
    const auto log = Open(/*bytes_max=*/3, /*files_max=*/2);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(log->Append(fmt::format("{}{}", start, i)).ok());
  }
  EXPECT_FALSE(Exists(path_ + ".3"));
  EXPECT_EQ(ReadAll(path_ + ".4"), "10\n");
  EXPECT_EQ(ReadAll(path_ + ".5"), "11\n");
  EXPECT_EQ(ReadAll(path_), "12\n");
}

TEST_F(AuditLogTest, LinesOfManyThreadsAreWhole) {
  {
    const auto log = Open(/*bytes_max=*/1'000);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log, i] {
        for (int j = 0; j < 200; ++j) EXPECT_TRUE(log->Append(fmt::format("{}-{}-end", i, j)).ok());
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::vector<int> next(4, 0);
  int lines = 0;
  std::vector<std::string> files;
  for (int n = 1; Exists(fmt::format("{}.{}", path_, n)); ++n) {
    files.push_back(fmt::format("{}.{}", path_, n));
  }
  files.push_back(path_);
  EXPECT_GT(files.size(), 5);
  for (const std::string& file : files) {
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line); ++lines) {
      const int thread = line[0] - '0';
      EXPECT_EQ(line, fmt::format("{}-{}-end", thread, next[thread]++));
    }
  }
  EXPECT_EQ(lines, 800);
}

// A file that is gone when it is to be turned over is begun anew.
TEST_F(AuditLogTest, AFileThatWasMovedAwayIsBegunAnew) {
  const auto log = Open(/*bytes_max=*/6);
  EXPECT_TRUE(log->Append("first").ok());
  ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".moved").c_str()), 0);
  EXPECT_TRUE(log->Append("second").ok());
  EXPECT_EQ(ReadAll(path_ + ".moved"), "first\n");
  EXPECT_EQ(ReadAll(path_), "second\n");
}

// A file may not grow beyond the process's limit: a disk that is full.
class LimitedFileSize {
 public:
  explicit LimitedFileSize(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~LimitedFileSize() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(AuditLogTest, AFullDiskRefusesTheLineAndLeavesNoHalf) {
  const auto log = Open();
  EXPECT_TRUE(log->Append("first").ok());
  {
    const LimitedFileSize full(10);
    const absl::Status status = log->Append("too long a line");
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(index::GetErrorDetail(status)->reason, "AUDIT_FAILED");
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  }
  EXPECT_EQ(log->lines_refused(), 1);
  EXPECT_TRUE(log->Append("next").ok());
  EXPECT_EQ(ReadAll(path_), "first\nnext\n");
}

TEST_F(AuditLogTest, ADeviceWithoutSpaceRefuses) {
  ASSERT_EQ(symlink("/dev/full", path_.c_str()), 0);
  const auto log = Open();
  const absl::Status status = log->Append("x");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("No space left"));
}

// No file can be opened while this lives.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest = dup(STDIN_FILENO);
    close(lowest);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest), .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

// The full file is put away, and the next one cannot be opened: what is there stays, and what the
// log must have is refused until it can.
TEST_F(AuditLogTest, ARotationWithoutANewFileLosesNothing) {
  auto opened = AuditLog::Open({.path = path_, .file_bytes_max = 10});
  ASSERT_TRUE(opened.ok()) << opened.status();
  AuditLog& log = **opened;
  ASSERT_TRUE(log.Append("12345678").ok());
  std::vector<absl::Status> refused;
  {
    // No expectation in here: the sanitizer of undefined behaviour opens a pipe to look at it.
    const NoMoreFiles none;
    for (int i = 0; i < 3; ++i) refused.push_back(log.Append("refused"));
  }
  for (const absl::Status& status : refused) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr("cannot open"));
  }
  EXPECT_EQ(log.lines_refused(), 3);
  ASSERT_TRUE(log.Append("abcdefgh").ok());
  ASSERT_TRUE(log.Append("ABCDEFGH").ok());
  const auto text = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(text(path_ + ".1"), "12345678\n");
  EXPECT_EQ(text(path_ + ".2"), "abcdefgh\n");
  EXPECT_EQ(text(path_), "ABCDEFGH\n");
}

TEST_F(AuditLogTest, APlaceThatCannotBeWrittenIsSaid) {
  const auto refused = AuditLog::Open({.path = directory_.File("none/audit")});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("none/audit"));
  std::ofstream(path_ + ".key") << "what is no key";
  const auto damaged = AuditLog::Open({.path = path_});
  EXPECT_EQ(damaged.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(damaged.status().message()), HasSubstr("audit.key"));
}

TEST_F(AuditLogTest, IdsAreHashedUnderAKeyOfTheLog) {
  std::string hash;
  {
    const auto log = Open();
    hash = log->HashId("u1");
    EXPECT_EQ(hash.size(), 32);
    EXPECT_NE(hash, log->HashId("u2"));
  }
  EXPECT_EQ(Open()->HashId("u1"), hash);  // the key stays
  EXPECT_EQ(*HashAuditedId(path_, "u1"), hash);
  const auto other = AuditLog::Open({.path = directory_.File("other")});
  EXPECT_NE((*other)->HashId("u1"), hash);
  EXPECT_FALSE(HashAuditedId(directory_.File("none"), "u1").ok());
}

TEST(JsonLineTest, IsJsonWhateverTheBytes) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  JsonLine line;
  line.Add("all", all);
  line.Add("bad",
           "a\xff"
           "b\xc3");
  line.Add("text", "\xe5\x8c\x97");
  line.Add("most", ~uint64_t{0});
  line.Add("none", std::vector<std::string>{});
  line.Add("some", std::vector<std::string>{"x", "y\"z"});
  const std::string text = std::move(line).Finish();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["all"], all);
  EXPECT_EQ(json["bad"],
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
  EXPECT_EQ(json["text"], "\xe5\x8c\x97");
  EXPECT_EQ(json["most"], ~uint64_t{0});
  EXPECT_FALSE(json.contains("none"));
  EXPECT_THAT(json["some"].get<std::vector<std::string>>(), ElementsAre("x", "y\"z"));
}

TEST(JsonLineTest, AnEmptyOneIsAnObject) { EXPECT_EQ(JsonLine().Finish(), "{}"); }

}  // namespace
}  // namespace throng::access

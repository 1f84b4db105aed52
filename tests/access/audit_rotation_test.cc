// Files of the audit log as systems have them: behind links, on file systems that cannot rename
// without replacing, and with a last line that a power loss tore.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/access/audit_log.h"
#include "tests/testing/temporary_directory.h"

namespace throng::access {
namespace {

using ::testing::HasSubstr;

int rename_error = 0;  // what renameat2 fails with; 0: it does not

}  // namespace
}  // namespace throng::access

// Stands before the C library's: a file system that has no such renaming.
extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned int flags) noexcept {
  if (throng::access::rename_error != 0) {
    errno = throng::access::rename_error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

namespace throng::access {
namespace {

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class AuditRotationTest : public ::testing::Test {
 protected:
  ~AuditRotationTest() override { rename_error = 0; }

  std::unique_ptr<AuditLog> Open(uint64_t bytes_max) {
    auto log = AuditLog::Open({.path = path_, .file_bytes_max = bytes_max});
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? *std::move(log) : nullptr;
  }
  void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.File("audit");
};

TEST_F(AuditRotationTest, FilesAreTurnedOverWhereNothingCanBeRenamedWithoutReplacing) {
  for (const int error : {EINVAL, ENOSYS}) {
    rename_error = error;
    const testing::TemporaryDirectory directory;
    const std::string path = directory.File("audit");
    const auto log = AuditLog::Open({.path = path, .file_bytes_max = 6});
    ASSERT_TRUE(log.ok()) << log.status();
    Write(path + ".2", "mine\n");  // by somebody, while the log is open
    for (const char* line : {"first", "second", "third"}) {
      EXPECT_TRUE((*log)->Append(line).ok()) << error;
    }
    EXPECT_EQ(TextOf(path + ".1"), "first\n");
    EXPECT_EQ(TextOf(path + ".2"), "mine\n") << "nothing is replaced";
    EXPECT_EQ(TextOf(path + ".3"), "second\n");
    EXPECT_EQ(TextOf(path), "third\n");
    EXPECT_EQ((*log)->lines_refused(), 0u);
  }
}

TEST_F(AuditRotationTest, AnotherFailureOfRenamingRefusesTheLine) {
  const auto log = Open(/*bytes_max=*/6);
  EXPECT_TRUE(log->Append("first").ok());
  rename_error = EACCES;
  const absl::Status status = log->Append("second");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot rename"));
  rename_error = 0;
  EXPECT_TRUE(log->Append("third").ok());
  EXPECT_EQ(TextOf(path_ + ".1"), "first\n");
  EXPECT_EQ(TextOf(path_), "third\n");
}

// Of a link the file behind it is turned over, beside itself, and the link leads to the newest.
TEST_F(AuditRotationTest, BehindALinkTheRealFileIsTurnedOver) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_.File("disk")));
  const std::string real = directory_.File("disk/log");
  for (int start = 0; start < 2; ++start) {  // at first the link leads to where nothing is
    if (start == 0) std::filesystem::create_symlink("disk/log", path_);
    const auto log = Open(/*bytes_max=*/6);
    EXPECT_TRUE(log->Append(start == 0 ? "first" : "third").ok());
    EXPECT_TRUE(log->Append(start == 0 ? "second" : "fourth").ok());
  }
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(TextOf(real + ".1"), "first\n");
  EXPECT_EQ(TextOf(real + ".2"), "second\n");
  EXPECT_EQ(TextOf(real + ".3"), "third\n");
  EXPECT_EQ(TextOf(real), "fourth\n");
  EXPECT_EQ(TextOf(path_), "fourth\n");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".1"));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".key"));  // as it was when links were turned over
}

TEST_F(AuditRotationTest, ALineThatWasTornStaysOnItsOwn) {
  Write(path_, "{\"a\":1}\n{\"a\":");
  {
    const auto log = Open(/*bytes_max=*/1 << 20);
    EXPECT_EQ(TextOf(path_), "{\"a\":1}\n{\"a\":");  // nothing is written until there is a line
    EXPECT_TRUE(log->Append("{\"a\":2}").ok());
    EXPECT_TRUE(log->Append("{\"a\":3}").ok());
  }
  EXPECT_EQ(TextOf(path_), "{\"a\":1}\n{\"a\":\n{\"a\":2}\n{\"a\":3}\n");
  EXPECT_TRUE(Open(/*bytes_max=*/1 << 20)->Append("{\"a\":4}").ok());
  EXPECT_EQ(TextOf(path_), "{\"a\":1}\n{\"a\":\n{\"a\":2}\n{\"a\":3}\n{\"a\":4}\n");
}

// The end of the torn line counts: 4 bytes, its end and 5 more are at the limit.
TEST_F(AuditRotationTest, ATornFileIsTurnedOverAtTheSameLength) {
  Write(path_, "torn");
  EXPECT_TRUE(Open(/*bytes_max=*/10)->Append("1234").ok());
  EXPECT_EQ(TextOf(path_), "torn\n1234\n");
  Write(path_, "torn");
  EXPECT_TRUE(Open(/*bytes_max=*/9)->Append("1234").ok());
  EXPECT_EQ(TextOf(path_ + ".1"), "torn");
  EXPECT_EQ(TextOf(path_), "1234\n");
}

TEST_F(AuditRotationTest, APlaceIsCheckedWithoutMakingAnything) {
  const auto check = [](const std::string& path) {
    return std::string(CheckAuditLog({.path = path}).message());
  };
  EXPECT_EQ(check(path_), "");
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".key"));
  EXPECT_THAT(check(directory_.File("none/audit")), HasSubstr("none/audit: No such file"));
  EXPECT_THAT(check(directory_.path()), HasSubstr("Is a directory"));
  EXPECT_TRUE(Open(/*bytes_max=*/6)->Append("first").ok());
  EXPECT_EQ(check(path_), "");
  EXPECT_EQ(TextOf(path_), "first\n");
  EXPECT_THAT(check(path_ + "/log"), HasSubstr("Not a directory"));
  Write(path_ + ".key", "what is no key");
  EXPECT_THAT(check(path_), HasSubstr("audit.key"));
}

}  // namespace
}  // namespace throng::access

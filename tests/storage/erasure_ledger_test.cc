#include "storage/erasure_ledger.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "storage/file_system_hook.h"
#include "tests/storage/store_world.h"
#include "tests/testing/fault_file_system.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

class ErasureLedgerTest : public ::testing::Test {
 protected:
  ErasureLedgerTest() { fs::create_directories(folder_.path("data")); }

  absl::StatusOr<std::unique_ptr<ErasureLedger>> Open(FileSystemHook* hook = nullptr) {
    return ErasureLedger::Open({.directory = folder_.path("data"), .file_system = hook});
  }
  std::string Path() const { return folder_.path("data/ERASED"); }
  std::string Read() const {
    std::ifstream in(Path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void Write(const std::string& text) const { std::ofstream(Path(), std::ios::binary) << text; }

  TemporaryFolder folder_;
};

TEST_F(ErasureLedgerTest, EntriesAreFollowedByNumberAndPopulation) {
  auto ledger = Open();
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_TRUE((*ledger)->Missing("default", 0).empty());
  EXPECT_FALSE(fs::exists(Path())) << "nothing was erased yet";
  EXPECT_EQ((*ledger)->Append("default", {"u1", "u2"}, 5, 0).value(), 2u);
  EXPECT_EQ((*ledger)->Append("owners", {"u3"}, 6, 0).value(), 3u);
  EXPECT_EQ((*ledger)->Append("default", {"u4"}, 7, 9).value(), 10u) << "behind what data followed";
  for (int round = 0; round < 2; ++round) {
    const ErasedIds all = (*ledger)->Missing("default", 0);
    EXPECT_TRUE(all.Contains("u1"));
    EXPECT_FALSE(all.Contains("u3")) << "of another population";
    EXPECT_EQ(all.end(), 10u);
    const ErasedIds some = (*ledger)->Missing("default", 2);
    EXPECT_FALSE(some.Contains("u2"));
    EXPECT_TRUE(some.Contains("u4"));
    EXPECT_TRUE((*ledger)->Missing("default", 10).empty());
    ledger = Open();
    ASSERT_TRUE(ledger.ok()) << ledger.status();
  }
  EXPECT_EQ(fs::status(Path()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(Read().find("u1"), std::string::npos) << "it holds no id";
}

TEST_F(ErasureLedgerTest, VoidEntriesNameNobody) {
  auto ledger = Open();
  ASSERT_TRUE((*ledger)->Append("default", {"u1", "u2", "u3"}, 5, 0).ok());
  ASSERT_TRUE((*ledger)->Void(3, 2).ok());
  for (int round = 0; round < 2; ++round) {
    const ErasedIds missing = (*ledger)->Missing("default", 0);
    EXPECT_TRUE(missing.Contains("u1"));
    EXPECT_FALSE(missing.Contains("u2"));
    EXPECT_EQ(missing.end(), 3u) << "their numbers stay taken";
    ledger = Open();
  }
}

TEST_F(ErasureLedgerTest, ALineCutShortIsDroppedAndAnyOtherDamageRefused) {
  ASSERT_TRUE((*Open())->Append("default", {"u1", "u2"}, 5, 0).ok());
  const std::string text = Read();
  const size_t last = text.rfind('\n', text.size() - 2) + 1;
  for (size_t size = last + 1; size < text.size(); ++size) {
    Write(text.substr(0, size));
    auto ledger = Open();
    ASSERT_TRUE(ledger.ok()) << size << ledger.status();
    EXPECT_TRUE((*ledger)->Missing("default", 0).Contains("u1"));
    EXPECT_FALSE((*ledger)->Missing("default", 0).Contains("u2"));
    ASSERT_TRUE((*ledger)->Append("default", {"u3"}, 6, 0).ok());
    auto again = Open();
    ASSERT_TRUE(again.ok()) << size << again.status();
    EXPECT_TRUE((*again)->Missing("default", 0).Contains("u1"));
    EXPECT_TRUE((*again)->Missing("default", 0).Contains("u3"));
  }
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] ^= 1;
    Write(damaged);
    EXPECT_FALSE(Open().ok()) << "byte " << i;
  }
}

TEST_F(ErasureLedgerTest, AFailedWriteIsRepairedByTheNextOne) {
  for (uint64_t n = 1; n <= 12; ++n) {
    fs::remove(Path());
    const auto files = std::make_shared<testing::FaultFileSystem>();
    FileSystemHook hook{.file_system = files};
    auto ledger = Open(&hook);
    ASSERT_TRUE((*ledger)->Append("default", {"u1"}, 5, 0).ok());
    files->FailFrom(n, 1, rocksdb::IOStatus::NoSpace());
    const auto second = (*ledger)->Append("default", {"u2"}, 5, 0);
    if (!second.ok()) {
      EXPECT_TRUE(absl::IsResourceExhausted(second.status())) << second.status();
      static_cast<void>((*ledger)->Void(2, 1));
    }
    files->Heal();
    ASSERT_TRUE((*ledger)->Append("default", {"u3"}, 5, 0).ok()) << n;
    auto again = Open();
    ASSERT_TRUE(again.ok()) << n << again.status();
    const ErasedIds missing = (*again)->Missing("default", 0);
    EXPECT_TRUE(missing.Contains("u1")) << n;
    EXPECT_TRUE(missing.Contains("u3")) << n;
    EXPECT_TRUE(missing.Contains("u2") || !second.ok()) << n;
  }
}

TEST_F(ErasureLedgerTest, IsInstalledWholeAndOnlyInPlaceOfAnEarlierState) {
  ASSERT_TRUE((*Open())->Append("default", {"u1"}, 5, 0).ok());
  fs::create_directories(folder_.path("restored"));
  ASSERT_TRUE(InstallErasureLedger(Path(), folder_.path("restored")).ok());
  const auto restored = ErasureLedger::Open({.directory = folder_.path("restored")});
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_TRUE((*restored)->Missing("default", 0).Contains("u1"));
  // Once it has grown it takes the place of the older one; another server's does not.
  ASSERT_TRUE((*Open())->Append("default", {"u2"}, 6, 1).ok());
  ASSERT_TRUE(InstallErasureLedger(Path(), folder_.path("restored")).ok());
  const auto contains = [&](std::string_view id) {
    const auto ledger = ErasureLedger::Open({.directory = folder_.path("restored")});
    return ledger.ok() && (*ledger)->Missing("default", 0).Contains(std::string(id));
  };
  EXPECT_TRUE(contains("u1"));
  EXPECT_TRUE(contains("u2"));
  fs::remove(Path());
  ASSERT_TRUE((*Open())->Append("default", {"u3"}, 7, 0).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(InstallErasureLedger(Path(), folder_.path("restored"))));
  EXPECT_TRUE(contains("u2"));
  EXPECT_FALSE(contains("u3"));
  fs::create_directories(folder_.path("other"));
  for (const char* text : {"", "something else", "something else\nand more\n"}) {
    Write(text);
    EXPECT_FALSE(InstallErasureLedger(Path(), folder_.path("other")).ok()) << text;
  }
  EXPECT_TRUE(fs::is_empty(folder_.path("other")));
}

}  // namespace
}  // namespace throng::storage

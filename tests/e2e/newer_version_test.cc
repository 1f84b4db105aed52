// A data directory that a newer version wrote, made by writing the next version's number into one.
#include <cstdint>
#include <string>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "storage/database.h"
#include "storage/keys.h"
#include "storage/store.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"
#include "tests/storage/raw_database.h"

namespace throng::e2e {
namespace {

TEST(NewerVersionTest, IsRefusedAndLeftAlone) {
  const testing::TemporaryDirectory directory;
  const std::string data = directory.File("data");
  uint64_t version = 0;
  {
    ServerProcess server(data);
    server.client().Ask({"tags", "create", "city", "--type", "CATEGORY"});
    version = server.client().DataVersion();
    EXPECT_EQ(server.Stop(), 0);
  }
  const storage::RawEntries entries = storage::ReadRaw(data);
  storage::RawEntries newer = entries;
  newer["meta"][storage::FormatKey()] = storage::EncodeFormat(storage::kFormatVersion + 1);
  storage::WriteRaw(data, newer);

  ExpectRefused(RunServer({"--data-dir", data, "--listen", "127.0.0.1:0"}), 1,
                {data, fmt::format("is of format version {}", storage::kFormatVersion + 1),
                 "run a newer program"});
  EXPECT_EQ(storage::ReadRaw(data), newer);

  storage::WriteRaw(data, entries);
  ServerProcess server(data);
  EXPECT_EQ(server.client().DataVersion(), version);
}

}  // namespace
}  // namespace throng::e2e

// Ports, directories, disks and command lines that cannot be used.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"

namespace throng::e2e {
namespace {

class BadPlaceTest : public LiveServerTest {
 protected:
  // One user, so that something is there to stay.
  void LoadOneUser() {
    Load(throng(), Write("users.csv", "user_id,city\n1,Paris\n"),
         Write("schema.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY")));
  }
};

TEST_F(BadPlaceTest, PortIsTaken) {
  LoadOneUser();
  ExpectRefused(RunServer({"--data-dir", File("other"), "--listen", server().address()}), 1,
                {server().address(), "in use"});
  EXPECT_EQ(throng().Count("city = 'Paris'"), 1);
}

TEST_F(BadPlaceTest, DataDirectoryIsLocked) {
  LoadOneUser();
  ExpectRefused(RunServer({"--data-dir", File("data"), "--listen", "127.0.0.1:0"}), 1,
                {File("data"), "another"});
  EXPECT_EQ(throng().Count("city = 'Paris'"), 1);
  EXPECT_EQ(server().Stop(), 0);
  ServerProcess again(File("data"));
  EXPECT_EQ(again.client().Count("city = 'Paris'"), 1);
}

TEST_F(BadPlaceTest, DataDirectoryIsSomethingElse) {
  ExpectRefused(RunServer({"--data-dir", Write("file", "x"), "--listen", "127.0.0.1:0"}), 1,
                {File("file")});
  EXPECT_EQ(ReadFile(File("file")), "x");
}

TEST_F(BadPlaceTest, AddressesThatCannotBeListenedOn) {
  ExpectRefused(RunServer({"--data-dir", File("other"), "--listen", "0.0.0.0:0"}), 2,
                {"0.0.0.0:0", "--insecure-listen-anywhere"});
  ExpectRefused(RunServer({"--data-dir", File("other"), "--listen", "127.0.0.1"}), 2,
                {"127.0.0.1"});
  ExpectRefused(RunServer({"--data-dir", File("other"), "--listen", "127.0.0.1:70000"}), 2,
                {"127.0.0.1:70000"});
  EXPECT_FALSE(FileExists(File("other")));
  ExpectRefused(RunServer({}), 2, {"--data-dir"});
  ExpectRefused(RunServer({"--data-dir", File("other"), "--colour"}), 2, {"--colour"});
}

// A file system of a few megabytes that only this process and its children see, so that it goes
// with them whatever happens.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path, int megabytes = 8) : path_(std::move(path)) {
    const std::string size = fmt::format("size={}m", megabytes);
    mkdir(path_.c_str(), 0700);
    const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         mount("tmpfs", path_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    if (!mounted) error_ = std::strerror(errno);
  }

  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  // So that the directory it is in can be removed.
  ~SmallDisk() {
    if (error_.empty()) umount2(path_.c_str(), MNT_DETACH);
  }

  // Why there is none; empty: there is one.
  const std::string& error() const { return error_; }
  void MakeReadOnly() {
    EXPECT_EQ(mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  }
  // Makes room.
  void Grow() { EXPECT_EQ(mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, "size=256m"), 0); }

 private:
  const std::string path_;
  std::string error_;
};

// `rows` users with numbers that do not compress.
std::string RandomNumbers(int rows) {
  std::string text = "user_id,a,b,c\n";
  uint64_t state = 1;
  const auto random = [&state] {
    state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    return static_cast<int64_t>(state >> 2);
  };
  for (int i = 0; i < rows; ++i) {
    text += fmt::format("{},{},{},{}\n", random(), random(), random(), random());
  }
  return text;
}

TEST_F(BadPlaceTest, DiskIsFull) {
  SmallDisk disk(File("disk"));
  if (!disk.error().empty()) GTEST_SKIP() << "cannot mount a small tmpfs: " << disk.error();
  constexpr int kRows = 400'000;
  constexpr int kBatchRows = 4'096;
  const std::string schema =
      Write("numbers.toml", "id_column = \"user_id\"\n" + Tag("a", "INTEGER") +
                                Tag("b", "INTEGER") + Tag("c", "INTEGER"));
  const std::string few = Write("few.csv", "user_id,a,b,c\n1,1,1,1\n2,2,2,2\n");
  const std::string many = Write("many.csv", RandomNumbers(kRows));
  uint64_t version = 0;
  int64_t users = 0;
  {
    ServerProcess full(File("disk/data"));
    const Throng client = full.client();
    Load(client, few, schema);
    const CommandResult result = client.Run({"load", many, "--schema", schema, "--no-check",
                                             "--batch-rows", std::to_string(kBatchRows)});
    ExpectRefused(result, 1, {"disk full", "rows were loaded before the failure"});
    // What was acknowledged is there and can be read; nothing is there in part.
    version = client.DataVersion();
    users = client.Count("all()");
    EXPECT_GE(users, 2);
    EXPECT_LT(users, kRows);
    EXPECT_EQ((users - 2) % kBatchRows, 0) << users;
    EXPECT_EQ(client.Count("a = 1"), 1);
    EXPECT_EQ(client.Count("exists(c)"), users);
    // It stays so, however often it is tried.
    ExpectRefused(client.Run({"load", few, "--schema", schema}), 1, {"disk full"});
    EXPECT_EQ(client.DataVersion(), version);
    EXPECT_EQ(full.Stop(), 0);
  }
  disk.Grow();
  ServerProcess again(File("disk/data"));
  EXPECT_EQ(again.client().DataVersion(), version);
  EXPECT_EQ(again.client().Count("all()"), users);
  Load(again.client(), many, schema);
  EXPECT_EQ(again.client().Count("exists(c)"), kRows + 2);
}

// Whether `throng ping --writes` comes to exit with `exit_code`.
bool WritesBecome(const Throng& client, int exit_code) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    if (client.Run({"ping", "--writes"}).exit_code == exit_code) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

TEST_F(BadPlaceTest, WritesGoOnWhenThereIsRoomAgain) {
  SmallDisk disk(File("disk"), 32);
  if (!disk.error().empty()) GTEST_SKIP() << "cannot mount a small tmpfs: " << disk.error();
  const std::string schema =
      Write("numbers.toml", "id_column = \"user_id\"\n" + Tag("a", "INTEGER") +
                                Tag("b", "INTEGER") + Tag("c", "INTEGER"));
  const std::string few = Write("few.csv", "user_id,a,b,c\n1,1,1,1\n2,2,2,2\n");
  const std::string ballast = Write("disk/ballast", std::string(28 << 20, 'x'));
  ServerProcess server(File("disk/data"));
  const Throng client = server.client();
  Load(client, few, schema);
  EXPECT_TRUE(WritesBecome(client, 0));
  ExpectRefused(client.Run({"load", Write("many.csv", RandomNumbers(400'000)), "--schema", schema,
                            "--no-check", "--batch-rows", "4096"}),
                1, {"disk full", File("disk/data")});
  const uint64_t version = client.DataVersion();
  const int64_t users = client.Count("all()");
  EXPECT_EQ((users - 2) % 4096, 0) << users;
  EXPECT_LT(users, 400'000);

  EXPECT_TRUE(WritesBecome(client, 1));
  ExpectRefused(client.Run({"ping", "--writes"}), 1, {"refuses writes"});
  ExpectRefused(client.Run({"load", few, "--schema", schema}), 1, {"disk full"});
  EXPECT_EQ(client.Run({"ping"}).exit_code, 0);
  ExpectCounts(client, {{"a = 1", 1}, {"exists(c)", users}});
  EXPECT_EQ(client.DataVersion(), version);

  std::filesystem::remove(ballast);
  EXPECT_TRUE(WritesBecome(client, 0)) << server.process().error_output();
  ExpectCounts(client, {{"all()", users}, {"exists(c)", users}});
  Load(client, Write("three.csv", "user_id,a,b,c\n3,3,3,3\n"), schema);
  ExpectCounts(client, {{"all()", users + 1}, {"a = 3", 1}});
  EXPECT_EQ(server.Stop(), 0);
  ServerProcess again(File("disk/data"));
  ExpectCounts(again.client(),
               {{"all()", users + 1}, {"exists(c)", users + 1}, {"a in (1, 3)", 2}});
  EXPECT_EQ(again.client().DataVersion(), version + 1);
}

TEST_F(BadPlaceTest, DiskIsReadOnly) {
  SmallDisk disk(File("disk"));
  if (!disk.error().empty()) GTEST_SKIP() << "cannot mount a small tmpfs: " << disk.error();
  ServerProcess(File("disk/data")).Stop();
  disk.MakeReadOnly();
  for (const std::string& directory : {File("disk/data"), File("disk/new")}) {
    ExpectRefused(RunServer({"--data-dir", directory, "--listen", "127.0.0.1:0"}), 1,
                  {directory, "Read-only file system"});
  }
}

TEST_F(BadPlaceTest, ExportsToAFullDiskLeaveNoFile) {
  const SmallDisk disk(File("disk"));
  if (!disk.error().empty()) GTEST_SKIP() << "cannot mount a small tmpfs: " << disk.error();
  std::string rows = "user_id,wide\n";
  for (int i = 0; i < 30'000; ++i) rows += fmt::format("{},{:0>1000}\n", i, i % 10);
  Load(throng(), Write("many.csv", rows),
       Write("wide.toml", "id_column = \"user_id\"\n" + Tag("wide", "CATEGORY")));
  const std::string file = File("disk/crowd.csv");
  ExpectRefused(throng().Run({"export", "all()", "-o", file, "--format", "csv", "--tags", "wide"}),
                1, {file, "o space left"});
  EXPECT_EQ(NamesIn(File("disk")), std::vector<std::string>());
}

TEST_F(BadPlaceTest, ServerIsNotRunning) {
  const std::string address = server().address();
  EXPECT_EQ(server().Stop(), 0);
  const Throng nobody(address);
  ExpectRefused(nobody.Run({"count", "all()"}), 1, {address, "cannot be reached"});
  ExpectRefused(nobody.Run({"ping"}), 1, {address});
  ExpectRefused(nobody.Run({"ping", "--wait", "300ms"}), 1, {address});
  ExpectRefused(nobody.Run({"export", "all()", "-o", File("x.txt")}), 1, {address});
  EXPECT_FALSE(FileExists(File("x.txt")));
  ExpectRefused(
      nobody.Run({"load", Write("users.csv", "user_id,city\n1,Paris\n"), "--schema",
                  Write("schema.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY"))}),
      1, {address});
  Json error = nobody.Run({"count", "all()", "--json"}).json()["error"];
  EXPECT_EQ(error["code"], "UNAVAILABLE") << error;
}

TEST_F(BadPlaceTest, WrongUsage) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"cuont", "all()"}, "cuont"},
      {{"count"}, "EXPR is missing"},
      {{"count", "all()", "--colour"}, "--colour"},
      {{"count", "all()", "--at", "noon"}, "noon"},
      {{"count", "all()", "--file", "x"}, "not both"},
      {{"count", "--file", File("absent.txt")}, "absent.txt"},
      {{"count", "all()", "--timeout", "soon"}, "soon"},
      {{"load", "x.csv"}, "--schema"},
      {{"insight", "all()"}, "--by"},
      {{"export", "all()"}, "-o"},
      {{"export", "all()", "-o", File("x"), "--format", "xml"}, "xml"},
      {{"export", "all()", "-o", File("x"), "--format", "txt", "--tags", "city"}, "csv or ndjson"},
      {{"members", "all()", "--page-size", "many"}, "many"},
      {{"tags", "create", "x"}, "--type"},
      {{"tags", "create", "x", "--type", "TEXT"}, "TEXT"},
      {{"tags", "update", "city"}, "nothing to update"},
      {{"format", File("absent.json")}, "absent.json"},
      {{"format", Write("not.json", "[1]")}, "JSON object"},
  };
  for (const auto& [arguments, word] : cases) {
    const CommandResult result = throng().Run(arguments);
    ExpectRefused(result, 2, {"error: ", word});
    EXPECT_EQ(result.output, "") << result;
    std::vector<std::string> with_json = arguments;
    with_json.push_back("--json");
    const CommandResult in_json = throng().Run(with_json);
    EXPECT_EQ(in_json.exit_code, 2) << in_json;
    EXPECT_EQ(in_json.json()["error"]["reason"], "USAGE") << in_json;
    EXPECT_EQ(in_json.error_output, "") << in_json;
  }
  EXPECT_FALSE(FileExists(File("x")));
}

TEST_F(BadPlaceTest, ExportsReplaceNothingUnasked) {
  LoadOneUser();
  const std::string file = Write("crowd.txt", "precious\n");
  ExpectRefused(throng().Run({"export", "all()", "-o", file}), 2, {file, "exists", "--force"});
  EXPECT_EQ(ReadFile(file), "precious\n");
  // Nor does one that fails, asked or not.
  ExpectRefused(throng().Run({"export", "x = 1", "-o", file, "--force"}), 1,
                {"there is no tag \"x\""});
  EXPECT_EQ(ReadFile(file), "precious\n");
  EXPECT_EQ(throng().Run({"export", "all()", "-o", file, "--force"}).exit_code, 0);
  EXPECT_EQ(ReadFile(file), "1\n");
  ExpectRefused(throng().Run({"export", "all()", "-o", File("absent/crowd.txt")}), 2,
                {File("absent/crowd.txt")});
  ExpectRefused(throng().Run({"export", "all()", "-o", File(""), "--force"}), 2, {"regular file"});
  for (const std::string& name : NamesIn(File(""))) {
    EXPECT_EQ(name.find(".partial"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace throng::e2e

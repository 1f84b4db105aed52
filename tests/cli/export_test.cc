#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/export_format.h"
#include "cli/output_file.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A directory of the test's own, and a server with an export of three users in two frames.
class ExportTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "throng_export_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    v1::ExportMembersResponse first;
    first.mutable_info()->set_data_version(42);
    first.mutable_info()->set_exact(true);
    first.mutable_info()->mutable_engine_time()->set_nanos(5000);
    first.set_total(3);
    first.add_numbers(7);
    first.add_numbers(18446744073709551615U);
    v1::ExportMembersResponse second;
    second.add_ids("u,\"8\"");
    second.set_complete(true);
    server_.export_frames = {first, second};
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Columns "city" and "labels" and "views" and "vip".
  void AddColumns() {
    const std::vector<std::vector<std::string>> first = {
        {"Bei\"jing", ""}, {"a|b", ""}, {"5", ""}, {"true", ""}};
    const std::vector<std::vector<std::string>> second = {
        {"x\ny"}, {"c\\|d|e\\\\"}, {"-6"}, {"false"}};
    for (const auto& values : first) {
      v1::ExportColumn* column = server_.export_frames[0].add_columns();
      for (const std::string& value : values) column->add_values(value);
    }
    for (const auto& values : second) {
      v1::ExportColumn* column = server_.export_frames[1].add_columns();
      for (const std::string& value : values) column->add_values(value);
    }
    const std::pair<const char*, v1::TagType> tags[] = {{"city", v1::TAG_TYPE_CATEGORY},
                                                        {"labels", v1::TAG_TYPE_LABELS},
                                                        {"views", v1::TAG_TYPE_INTEGER},
                                                        {"vip", v1::TAG_TYPE_FLAG}};
    for (const auto& [name, type] : tags) {
      server_.tags["populations/default/tags/" + std::string(name)].set_type(type);
    }
  }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  // Names in the directory.
  std::vector<std::string> Listing() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  FakeServer server_;
  std::string directory_;
};

TEST_F(ExportTest, WritesIdsALine) {
  const CliRun run = server_.Run({"export", "views > 3", "-o", Path("crowd.txt")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadFile(Path("crowd.txt")), "7\n18446744073709551615\nu,\"8\"\n");
  EXPECT_EQ(run.out, "3 users, 29 bytes in " + Path("crowd.txt") +
                         "\ndata version 42, 5.0 us in the engine\n");
  EXPECT_EQ(Listing(), std::vector<std::string>{"crowd.txt"});
  EXPECT_EQ(server_.export_request.selection().expression(), "views > 3");
  EXPECT_FALSE(server_.export_request.roaring());
}

TEST_F(ExportTest, FileHasTheModeOfAnyNewFile) {
  const mode_t mask = umask(027);
  const CliRun run = server_.Run({"export", "x", "-o", Path("crowd.txt")});
  umask(mask);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  struct stat file = {};
  ASSERT_EQ(stat(Path("crowd.txt").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0640U);
}

TEST_F(ExportTest, QuotesCsv) {
  AddColumns();
  const CliRun run = server_.Run({"export", "x", "-o", Path("crowd.csv"), "--format", "csv",
                                  "--tags", "city,labels", "--tags", "views,vip"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadFile(Path("crowd.csv")),
            "user_id,city,labels,views,vip\n"
            "7,\"Bei\"\"jing\",a|b,5,true\n"
            "18446744073709551615,,,,\n"
            "\"u,\"\"8\"\"\",\"x\ny\",c\\|d|e\\\\,-6,false\n");
}

TEST_F(ExportTest, WritesTypedNdjson) {
  AddColumns();
  const CliRun run = server_.Run({"export", "x", "-o", Path("crowd.ndjson"), "--format", "ndjson",
                                  "--tags", "city,labels,views,vip"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(
      ReadFile(Path("crowd.ndjson")),
      R"({"user_id":"7","city":"Bei\"jing","labels":["a","b"],"views":5,"vip":true})"
      "\n"
      R"({"user_id":"18446744073709551615","city":null,"labels":[],"views":null,"vip":false})"
      "\n"
      R"({"user_id":"u,\"8\"","city":"x\u000ay","labels":["c|d","e\\"],"views":-6,"vip":false})"
      "\n");
  std::istringstream lines(ReadFile(Path("crowd.ndjson")));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

TEST_F(ExportTest, WritesBitmapParts) {
  server_.export_frames[0].clear_numbers();
  server_.export_frames[0].set_roaring(std::string("\0\1\2", 3));
  server_.export_frames[1].clear_ids();
  server_.export_frames[1].set_roaring("\xff");
  const CliRun run =
      server_.Run({"export", "x", "-o", Path("crowd.roaring"), "--format", "roaring", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadFile(Path("crowd.roaring")), std::string("\0\1\2\xff", 4));
  EXPECT_TRUE(server_.export_request.roaring());
  EXPECT_EQ(run.out, "{\"count\":3,\"data_version\":42,\"file\":\"" + Path("crowd.roaring") +
                         "\",\"bytes\":4,\"engine_us\":5}\n");
}

TEST_F(ExportTest, WritesToStandardOutput) {
  const CliRun run = server_.Run({"export", "x", "-o", "-"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "7\n18446744073709551615\nu,\"8\"\n");
  EXPECT_EQ(run.err, "3 users, 29 bytes in all\ndata version 42, 5.0 us in the engine\n");
}

TEST_F(ExportTest, RefusesToReplaceUnlessForced) {
  std::ofstream(Path("crowd.txt")) << "old";
  CliRun run = server_.Run({"export", "x", "-o", Path("crowd.txt")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.err, "error: " + Path("crowd.txt") + " exists: --force replaces it\n");
  EXPECT_EQ(ReadFile(Path("crowd.txt")), "old");
  run = server_.Run({"export", "x", "-o", Path("crowd.txt"), "--force"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadFile(Path("crowd.txt")), "7\n18446744073709551615\nu,\"8\"\n");
  EXPECT_EQ(Listing(), std::vector<std::string>{"crowd.txt"});
}

TEST_F(ExportTest, KeepsASymbolicLinkAndReplacesWhatItPointsTo) {
  std::ofstream(Path("real.txt")) << "old";
  std::filesystem::create_symlink("real.txt", Path("link.txt"));
  const CliRun run = server_.Run({"export", "x", "-o", Path("link.txt"), "--force"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link.txt")));
  EXPECT_EQ(ReadFile(Path("real.txt")), "7\n18446744073709551615\nu,\"8\"\n");
}

TEST_F(ExportTest, RefusesWhatIsNotAFile) {
  CliRun run = server_.Run({"export", "x", "-o", directory_, "--force"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.err.find("is not a regular file"), std::string::npos) << run.err;
  run = server_.Run({"export", "x", "-o", Path("none/crowd.txt")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.err.find("No such file or directory"), std::string::npos) << run.err;
}

TEST_F(ExportTest, LeavesNoFileWhenTheStreamBreaksOff) {
  server_.export_frames.pop_back();
  CliRun run = server_.Run({"export", "x", "-o", Path("crowd.txt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: the export broke off: the server did not send its last frame\n");
  EXPECT_TRUE(Listing().empty());

  server_.export_end = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too much");
  run = server_.Run({"export", "x", "-o", Path("crowd.txt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: too much\n");
  EXPECT_TRUE(Listing().empty());
}

TEST_F(ExportTest, KeepsTheOldFileWhenTheStreamBreaksOff) {
  std::ofstream(Path("crowd.txt")) << "old";
  server_.export_frames.pop_back();
  const CliRun run = server_.Run({"export", "x", "-o", Path("crowd.txt"), "--force"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(ReadFile(Path("crowd.txt")), "old");
  EXPECT_EQ(Listing(), std::vector<std::string>{"crowd.txt"});
}

TEST_F(ExportTest, RefusesAnotherNumberOfUsersThanAnnounced) {
  server_.export_frames[0].set_total(4);
  const CliRun run = server_.Run({"export", "x", "-o", Path("crowd.txt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: the export has 3 users, but the server announced 4\n");
  EXPECT_TRUE(Listing().empty());
}

TEST_F(ExportTest, RefusesFramesThatDoNotFit) {
  AddColumns();
  server_.export_frames[1].mutable_columns(2)->clear_values();
  CliRun run = server_.Run(
      {"export", "x", "-o", Path("c.csv"), "--format", "csv", "--tags", "city,labels,views,vip"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: a column of the export has 0 values for 1 rows\n");
  run = server_.Run({"export", "x", "-o", Path("c.csv"), "--format", "csv", "--tags", "city"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: a frame of the export has 4 columns instead of 1\n");
  EXPECT_TRUE(Listing().empty());
}

TEST_F(ExportTest, ReportsAnUnknownTagOfNdjson) {
  const CliRun run = server_.Run(
      {"export", "x", "-o", Path("c"), "--format", "ndjson", "--tags", "nope", "--json"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(run.out)["error"]["code"], "NOT_FOUND");
  EXPECT_TRUE(Listing().empty());
}

TEST_F(ExportTest, RefusesFlagsThatDoNotFit) {
  const std::vector<std::vector<std::string>> cases = {
      {"export", "x"},
      {"export", "x", "-o", Path("c"), "--format", "pdf"},
      {"export", "x", "-o", Path("c"), "--tags", "city"},
      {"export", "x", "-o", Path("c"), "--format", "roaring", "--tags", "city"},
      {"export", "x", "-o", Path("c"), "--format", "csv", "--tags", "city,"},
      {"export", "x", "-o", Path("c"), "--format", "ndjson", "--tags", "user_id"},
      {"export", "x", "-o", "-", "--json"},
  };
  for (const auto& arguments : cases) {
    EXPECT_EQ(server_.Run(arguments).exit_code, 2) << testing::PrintToString(arguments);
  }
  EXPECT_TRUE(Listing().empty());
}

TEST_F(ExportTest, FullDiskIsAnErrorAndLeavesNothing) {
  // Standard output stands in for the disk: /dev/full refuses every byte.
  const int saved = dup(STDOUT_FILENO);
  ASSERT_NE(freopen("/dev/full", "w", stdout), nullptr);
  absl::StatusOr<std::unique_ptr<OutputFile>> file = OutputFile::Create("-", false);
  absl::Status status = file.status();
  if (status.ok()) status = (*file)->Append("x");
  if (status.ok()) status = (*file)->Commit();
  dup2(saved, STDOUT_FILENO);
  close(saved);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status.ToString();
}

TEST_F(ExportTest, FileThatComesUpMeanwhileIsNotReplaced) {
  absl::StatusOr<std::unique_ptr<OutputFile>> file = OutputFile::Create(Path("c"), false);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  ASSERT_TRUE((*file)->Append("new").ok());
  std::ofstream(Path("c")) << "theirs";
  EXPECT_EQ((*file)->Commit().code(), absl::StatusCode::kAlreadyExists);
  file->reset();
  EXPECT_EQ(ReadFile(Path("c")), "theirs");
  EXPECT_EQ(Listing(), std::vector<std::string>{"c"});
}

TEST(ExportEncoderTest, RefusesFramesOutOfOrder) {
  ExportEncoder encoder(ExportFormat::kText, "user_id", {});
  std::string bytes;
  v1::ExportMembersResponse frame;
  frame.set_complete(true);
  EXPECT_TRUE(encoder.AppendFrame(frame, bytes).ok());
  EXPECT_TRUE(encoder.Finish().ok());
  EXPECT_EQ(encoder.AppendFrame(frame, bytes).code(), absl::StatusCode::kDataLoss);

  ExportEncoder mixed(ExportFormat::kText, "user_id", {});
  v1::ExportMembersResponse both;
  both.add_ids("a");
  both.add_numbers(1);
  EXPECT_EQ(mixed.AppendFrame(both, bytes).code(), absl::StatusCode::kDataLoss);

  ExportEncoder bitmap(ExportFormat::kRoaring, "user_id", {});
  v1::ExportMembersResponse rows;
  rows.add_ids("a");
  EXPECT_EQ(bitmap.AppendFrame(rows, bytes).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace throng::cli

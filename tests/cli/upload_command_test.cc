// `throng crowd upload`, `uploads` and `unmatched`: what is sent of a messy file, what is printed,
// and what is refused before anything is sent.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/json_output.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"
#include "tests/cli/file_fixture.h"
#include "throng/v1/upload.grpc.pb.h"

namespace throng::cli {
namespace {

// Keeps what was sent and answers what it is told.
class FakeUploads final : public v1::UploadService::Service {
 public:
  using Context = grpc::ServerContext;
  grpc::Status UploadIds(Context*, grpc::ServerReader<v1::UploadIdsRequest>* reader,
                         v1::Upload* response) override {
    v1::UploadIdsRequest request;
    while (reader->Read(&request)) {
      if (request.has_header()) header = request.header();
      if (request.has_end()) ended_with = static_cast<int64_t>(request.end().id_count());
      for (const uint64_t number : request.ids().numbers().values()) {
        ids.push_back(std::to_string(number));
      }
      const v1::TextColumn& texts = request.ids().texts();
      uint32_t begin = 0;
      for (const uint32_t end : texts.ends()) {
        ids.push_back(texts.data().substr(begin, end - begin));
        begin = end;
      }
    }
    *response = upload;
    return failure;
  }
  grpc::Status ListUploads(Context*, const v1::ListUploadsRequest* request,
                           v1::ListUploadsResponse* response) override {
    name = request->parent();
    *response->add_uploads() = upload;
    return failure;
  }
  grpc::Status ListUnmatched(Context*, const v1::ListUnmatchedRequest* request,
                             grpc::ServerWriter<v1::ListUnmatchedResponse>* writer) override {
    name = request->name();
    for (const v1::ListUnmatchedResponse& frame : frames) writer->Write(frame);
    return failure;
  }

  grpc::Status failure;
  v1::Upload upload;
  std::vector<v1::ListUnmatchedResponse> frames;
  v1::UploadHeader header;
  std::vector<std::string> ids;
  int64_t ended_with = -1;
  std::string name;
};

class UploadCommandTest : public ::testing::Test {
 protected:
  UploadCommandTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&fake_);
    server_ = builder.BuildAndStart();
    fake_.upload.set_name("populations/default/crowds/vip/uploads/3");
    fake_.upload.mutable_version()->set_version(3);
    fake_.upload.mutable_version()->set_current_count(1'234);
    fake_.upload.mutable_version()->set_added(12);
    fake_.upload.set_mode(v1::UPLOAD_MODE_REPLACE);
    fake_.upload.set_received(5);
    fake_.upload.set_matched(2);
    fake_.upload.set_unknown(1);
    fake_.upload.set_duplicate(1);
    fake_.upload.set_invalid(1);
    v1::RefusedId& sample = *fake_.upload.add_samples();
    sample.set_position(2);
    sample.set_reason("NOT_HEX");
    sample.set_text("zz\x1b[2J");
    v1::ListUnmatchedResponse& frame = fake_.frames.emplace_back();
    frame.add_unknown("a,b");
    *frame.add_invalid() = sample;
    frame.mutable_invalid(0)->set_text("say \"hi\"");
    fake_.frames.emplace_back().set_complete(true);
  }

  CliRun Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--server", fmt::format("127.0.0.1:{}", port_), "crowd"});
    return RunThrong(arguments);
  }
  using Texts = std::vector<std::string>;

  TemporaryDirectory files_;
  FakeUploads fake_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(UploadCommandTest, AMessyFileIsSentCleanAndReported) {
  const std::string file = files_.Write("vip.csv",
                                        "\xEF\xBB\xBF"
                                        "name;hash\r\nA; AB01 \r\nB;\"ZZ\"\r\n;\r\nC;ab02\r\n");
  const CliRun run =
      Run({"upload", "vip", file, "--id-type", "sha256", "--column", "hash", "--mode", "add",
           "--keep-unknown", "--folder", "lists", "--request-id", "r1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(fake_.ids, (Texts{"AB01", "ZZ", "ab02"})) << "the server knows the form of the type";
  EXPECT_EQ(fake_.ended_with, 3);
  EXPECT_EQ(fake_.header.crowd(), "populations/default/crowds/vip");
  EXPECT_EQ(fake_.header.id_type(), "sha256");
  EXPECT_EQ(fake_.header.mode(), v1::UPLOAD_MODE_ADD);
  EXPECT_TRUE(fake_.header.keep_unknown());
  EXPECT_EQ(fake_.header.create().folder(), "lists");
  EXPECT_EQ(fake_.header.request_id(), "r1");
  EXPECT_NE(run.out.find("version 3: 1,234 users, 12 came, 0 went"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("the first line, \"hash\", taken as a header, a byte order mark, lines "
                         "that end in CRLF, quotes, 1 ids with spaces around them, 1 empty rows"),
            std::string::npos)
      << run.out;
  EXPECT_NE(run.err.find(file + ":3: 'zz\\u{1b}[2J': NOT_HEX"), std::string::npos) << run.err;
}

TEST_F(UploadCommandTest, LinesThatEndInCrAreSentAndReported) {
  const std::string file = files_.Write("mac.txt", "phone\r138\r139\r");
  const CliRun run = Run({"upload", "vip", file});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(fake_.ids, (Texts{"138", "139"}));
  EXPECT_EQ(fake_.ended_with, 2);
  EXPECT_NE(run.out.find("lines that end in CR alone"), std::string::npos) << run.out;
}

TEST_F(UploadCommandTest, AFileWithoutIdsChangesNothing) {
  const std::string unread = "no id of the file could be read: nothing was changed";
  const std::string empty = "--allow-empty";
  struct Case {
    std::string content;
    Texts flags;
    std::string message;  // empty: it is sent
  };
  const Case cases[] = {
      {"138\r139\n", {}, unread},
      {"\"138\n139\"\n", {}, unread},
      {"phone\n1.38E+10\n\xff\n", {}, unread},
      {"1.38E+10\n", {"--mode", "add"}, unread},
      {"1.38E+10\n", {"--allow-empty"}, unread},
      {"1.38E+10\n", {"--dry-run"}, unread},
      {"", {}, empty},
      {"\n \n", {}, empty},
      {"phone\n", {}, empty},
      {"", {"--dry-run"}, empty},
      {"", {"--allow-empty"}, ""},
      {"phone\n\n", {"--allow-empty"}, ""},
      {"", {"--mode", "add"}, ""},
      {"", {"--mode", "remove"}, ""},
  };
  for (const Case& c : cases) {
    Texts arguments = {"upload", "vip", files_.Write("ids.txt", c.content)};
    arguments.insert(arguments.end(), c.flags.begin(), c.flags.end());
    fake_.ended_with = -1;
    const CliRun run = Run(arguments);
    EXPECT_EQ(run.exit_code, c.message.empty() ? 0 : 1) << c.content << run.err;
    EXPECT_EQ(fake_.ended_with, c.message.empty() ? 0 : -1) << c.content;
    EXPECT_NE(run.err.find(c.message), std::string::npos) << c.content << run.err;
  }
  EXPECT_TRUE(fake_.ids.empty());
}

TEST_F(UploadCommandTest, HashesInUpperCaseThatAreUnknownGetANote) {
  const std::string upper(64, 'A');
  struct Case {
    std::string content;
    uint64_t unknown;
    uint64_t hashes;
    bool has_note;
  };
  const Case cases[] = {
      {upper + "\n" + upper + "\n17\n", 1, 2, true},
      {upper + "\n" + upper + "\n17\n", 0, 2, false},
      {upper + "\n" + upper + "\n" + upper + "\n" + upper + "\n", 1, 4, false},
      {std::string(64, 'a') + "\n", 1, 0, false},
  };
  for (const Case& c : cases) {
    fake_.upload.set_unknown(c.unknown);
    const std::string file = files_.Write("hashes.txt", c.content);
    const CliRun run = Run({"upload", "vip", file});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    const std::string part = fmt::format("{} hashes with upper-case letters", c.hashes);
    EXPECT_EQ(run.out.find(part) != std::string::npos, c.hashes > 0) << run.out;
    EXPECT_EQ(run.err.find("lowercase-hex") != std::string::npos, c.has_note) << run.err;
    const CliRun json_run = RunThrong(
        {"--server", fmt::format("127.0.0.1:{}", port_), "--json", "crowd", "upload", "vip", file});
    const Json json = Json::parse(json_run.out);
    EXPECT_EQ(json["file"]["upper_case_hashes"], c.hashes);
    EXPECT_EQ(json["file"]["note"].is_string(), c.has_note) << json_run.out;
    EXPECT_EQ(json_run.err.find("lowercase-hex"), std::string::npos) << json_run.err;
  }
}

TEST_F(UploadCommandTest, GzipAndNumbersAndNoCreate) {
  const std::string file = files_.Write("ids.gz", Gzip("1\n2\n18446744073709551615\n"));
  const CliRun run = Run({"upload", "vip", file, "--no-create", "--dry-run"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(fake_.ids, (Texts{"1", "2", "18446744073709551615"}));
  EXPECT_FALSE(fake_.header.has_create());
  EXPECT_TRUE(fake_.header.validate_only());
}

TEST_F(UploadCommandTest, ManyIdsGoInFrames) {
  std::string content;
  for (int i = 0; i < 50'000; ++i) content += fmt::format("user-{}\n", i);
  const CliRun run = Run({"upload", "vip", files_.Write("ids.txt", content)});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(fake_.ids.size(), 50'000u);
  EXPECT_EQ(fake_.ids.back(), "user-49999");
  EXPECT_EQ(fake_.ended_with, 50'000);
}

TEST_F(UploadCommandTest, UnmatchedIdsAreWrittenToAFile) {
  const std::string file = files_.Write("ids.txt", "id\na,b\n");
  const std::string left = files_.Path("left.csv");
  const CliRun run = Run({"upload", "vip", file, "--delimiter", "tab", "--unmatched", left});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(fake_.name, "populations/default/crowds/vip/uploads/3");
  EXPECT_EQ(ReadFile(left), "id,reason,line\n\"a,b\",UNKNOWN,\n\"say \"\"hi\"\"\",NOT_HEX,\n")
      << "only one id was sent: the place of the second is not known";
  EXPECT_EQ(Run({"upload", "vip", file, "--delimiter", "tab", "--unmatched", left}).exit_code, 2)
      << "it is there";
  const CliRun again = Run({"unmatched", "vip", "3"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, ReadFile(left));
  fake_.frames.pop_back();
  EXPECT_EQ(Run({"unmatched", "vip", "3"}).exit_code, 1) << "cut short";
}

TEST_F(UploadCommandTest, JsonHasNumbersAndTheFile) {
  const std::string file = files_.Write("ids.txt", "id\n 17\n\n");
  const CliRun run = RunThrong(
      {"--server", fmt::format("127.0.0.1:{}", port_), "--json", "crowd", "upload", "vip", file});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["upload"], 3);
  EXPECT_EQ(json["received"], 5);
  EXPECT_EQ(json["file"]["header"], "id");
  EXPECT_EQ(json["file"]["trimmed"], 1);
  EXPECT_EQ(json["file"]["empty_rows"], 1);
  EXPECT_EQ(json["version"]["current_count"], 1'234);
  EXPECT_EQ(json["samples"][0]["reason"], "NOT_HEX");
  const CliRun list = RunThrong(
      {"--server", fmt::format("127.0.0.1:{}", port_), "--json", "crowd", "uploads", "vip"});
  EXPECT_EQ(Json::parse(list.out)["uploads"][0]["mode"], "REPLACE");
  EXPECT_NE(Run({"uploads", "vip"}).out.find("REPLACE"), std::string::npos);
}

TEST_F(UploadCommandTest, BadFilesAndFailuresAreReported) {
  EXPECT_EQ(Run({"upload", "vip", files_.Path("nowhere")}).exit_code, 2);
  const CliRun columns = Run({"upload", "vip", files_.Write("two.csv", "a,b\n1,2\n")});
  EXPECT_EQ(columns.exit_code, 2);
  EXPECT_NE(columns.err.find("--column"), std::string::npos);
  EXPECT_EQ(fake_.ended_with, -1) << "nothing was sent";
  EXPECT_EQ(Run({"upload", "vip"}).exit_code, 2);
  EXPECT_EQ(Run({"upload", "vip", "-", "--mode", "move"}).exit_code, 2);
  // A file that breaks in the middle never gets its end.
  std::string broken = "id\n1\n\"2\n";
  EXPECT_EQ(Run({"upload", "vip", files_.Write("broken.csv", broken)}).exit_code, 1);
  EXPECT_EQ(fake_.ended_with, -1);
  v1::ErrorDetail detail;
  detail.set_reason("CROWD_FROZEN");
  fake_.failure = MakeStatus(grpc::StatusCode::FAILED_PRECONDITION, "it is frozen", detail);
  const CliRun refused = Run({"upload", "vip", files_.Write("ok.txt", "1\n")});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("it is frozen"), std::string::npos);
}

}  // namespace
}  // namespace throng::cli

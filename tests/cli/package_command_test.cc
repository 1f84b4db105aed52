// `throng package`: what is asked, what is printed, and a download that is cut and gone on with.
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/file_digest.h"
#include "cli/json_output.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"
#include "tests/testing/temporary_directory.h"
#include "throng/v1/package.grpc.pb.h"

namespace throng::cli {
namespace {

v1::PackageManifest ManifestOf(const std::string& bytes) {
  FileDigest digest;
  digest.Add(bytes);
  v1::PackageManifest manifest;
  manifest.mutable_spec()->set_crowd("populations/default/crowds/spring");
  manifest.mutable_spec()->set_version(7);
  manifest.mutable_spec()->set_id_type("phone");
  manifest.mutable_spec()->set_format(v1::PACKAGE_FORMAT_TXT);
  manifest.set_total(5);
  manifest.mutable_counts()->set_users(3);
  manifest.mutable_counts()->set_without_id(2);
  manifest.mutable_counts()->set_rows(4);
  manifest.set_data_version(99);
  v1::PackageFile* file = manifest.add_files();
  file->set_name("part.txt");
  file->set_bytes(bytes.size());
  file->set_rows(4);
  file->set_sha256(digest.Hex());
  return manifest;
}

v1::Package Ready() {
  v1::Package package;
  package.set_name("populations/default/packages/20240315-100000-0001");
  package.set_state(v1::PACKAGE_STATE_READY);
  *package.mutable_manifest() = ManifestOf("1\n2\n");
  *package.mutable_spec() = package.manifest().spec();
  package.set_file_count(1);
  package.set_file_prefix("part");
  package.set_directory("/srv/out/default/20240315-100000-0001");
  package.set_total(5);
  *package.mutable_counts() = package.manifest().counts();
  package.set_bytes(4);
  package.mutable_create_time()->set_seconds(1'710'496'800);
  return package;
}

// Streams `parts`, each with the token of its number, from behind the one the token says.
class FakePackages final : public v1::PackageService::Service {
 public:
  using Context = grpc::ServerContext;
  grpc::Status ExportPackage(Context*, const v1::ExportPackageRequest* request,
                             grpc::ServerWriter<v1::ExportPackageResponse>* writer) override {
    exported.push_back(*request);
    std::string all;
    for (const std::string& part : parts) all += part;
    v1::ExportPackageResponse frame;
    *frame.mutable_start() = ManifestOf("");
    writer->Write(frame);
    const size_t first = request->resume_token().empty() ? 0 : std::stoul(request->resume_token());
    for (size_t i = first; i < parts.size(); ++i) {
      if (i == cut_before) return {cut_code, "the server went away"};
      frame.Clear();
      frame.set_data(parts[i]);
      frame.set_resume_token(std::to_string(i + 1));
      writer->Write(frame);
    }
    frame.Clear();
    *frame.mutable_manifest() = ManifestOf(damages ? all + "x" : all);
    if (!breaks_off) writer->Write(frame);
    return failure;
  }
  grpc::Status CreatePackage(Context*, const v1::CreatePackageRequest* request,
                             v1::Package* response) override {
    create = *request;
    *response = Ready();
    if (waits_for > 0) response->set_state(v1::PACKAGE_STATE_QUEUED);
    return failure;
  }
  grpc::Status GetPackage(Context*, const v1::GetPackageRequest* request,
                          v1::Package* response) override {
    name = request->name();
    *response = Ready();
    response->set_state(--waits_for > 0 ? v1::PACKAGE_STATE_RUNNING : end_state);
    return failure;
  }
  grpc::Status ListPackages(Context*, const v1::ListPackagesRequest* request,
                            v1::ListPackagesResponse* response) override {
    name = request->parent();
    *response->add_packages() = Ready();
    if (request->page_token().empty()) response->set_next_page_token("more");
    return failure;
  }
  grpc::Status CancelPackage(Context*, const v1::CancelPackageRequest* request,
                             v1::Package* response) override {
    name = request->name();
    *response = Ready();
    response->set_state(v1::PACKAGE_STATE_CANCELLED);
    return failure;
  }
  grpc::Status DeletePackage(Context*, const v1::DeletePackageRequest* request,
                             v1::DeletePackageResponse*) override {
    name = request->name();
    return failure;
  }

  std::vector<std::string> parts = {"138\n", "139\n137\n", "136\n"};
  size_t cut_before = 99;
  grpc::StatusCode cut_code = grpc::StatusCode::UNAVAILABLE;
  bool damages = false;
  bool breaks_off = false;
  int waits_for = 0;
  v1::PackageState end_state = v1::PACKAGE_STATE_READY;
  grpc::Status failure;
  std::vector<v1::ExportPackageRequest> exported;
  v1::CreatePackageRequest create;
  std::string name;
};

class PackageCommandTest : public ::testing::Test {
 protected:
  PackageCommandTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&fake_);
    server_ = builder.BuildAndStart();
    address_ = fmt::format("127.0.0.1:{}", port);
  }
  ~PackageCommandTest() override { server_->Shutdown(); }

  CliRun Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--server", address_, "package"});
    return RunThrong(arguments);
  }
  std::string Path(const std::string& name) const { return directory_.File(name); }
  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  bool Exists(const std::string& name) const { return std::filesystem::exists(Path(name)); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }

  testing::TemporaryDirectory directory_;
  FakePackages fake_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

TEST_F(PackageCommandTest, AFileIsWhole) {
  const CliRun run = Run({"export", "spring",       "--version", "7",     "--delta-from", "3",
                          "--side", "removed",      "--id-type", "phone", "--hash",       "sha256",
                          "--tags", "city,\"a,b\"", "--format",  "csv",   "--compress",   "zstd",
                          "-o",     Path("f")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Read("f"), "138\n139\n137\n136\n");
  EXPECT_FALSE(Exists("f.partial"));
  EXPECT_NE(run.out.find(fmt::format("3 users, 4 rows, 16 bytes in {}", Path("f"))),
            std::string::npos);
  EXPECT_NE(run.out.find("2 users have no phone"), std::string::npos);
  ASSERT_EQ(fake_.exported.size(), 1u);
  const v1::PackageSpec& spec = fake_.exported[0].spec();
  EXPECT_EQ(spec.crowd(), "populations/default/crowds/spring");
  EXPECT_EQ(spec.version(), 7u);
  EXPECT_EQ(spec.delta().from_version(), 3u);
  EXPECT_EQ(spec.delta().side(), v1::DiffCrowdVersionsRequest::SIDE_REMOVED);
  EXPECT_EQ(spec.id_type(), "phone");
  EXPECT_EQ(spec.hash(), v1::PACKAGE_HASH_SHA256);
  ASSERT_EQ(spec.tags_size(), 2);
  EXPECT_EQ(spec.tags(1), "a,b");
  EXPECT_EQ(spec.format(), v1::PACKAGE_FORMAT_CSV);
  EXPECT_EQ(spec.compression(), v1::PACKAGE_COMPRESSION_ZSTD);
}

TEST_F(PackageCommandTest, ACutDownloadGoesOn) {
  for (size_t cut = 1; cut < 3; ++cut) {
    const std::string name = fmt::format("f{}", cut);
    fake_.exported.clear();
    fake_.cut_before = cut;
    const CliRun first = Run({"export", "spring", "-o", Path(name)});
    EXPECT_EQ(first.exit_code, 1);
    EXPECT_NE(first.err.find("--resume"), std::string::npos);
    EXPECT_FALSE(Exists(name));
    // A kill leaves more than the place says.
    std::ofstream(Path(name + ".partial"), std::ios::app) << "garbage";
    fake_.cut_before = 99;
    const CliRun second = Run({"export", "spring", "-o", Path(name), "--resume"});
    EXPECT_EQ(second.exit_code, 0) << second.err;
    EXPECT_EQ(Read(name), "138\n139\n137\n136\n");
    EXPECT_FALSE(Exists(name + ".partial"));
    EXPECT_FALSE(Exists(name + ".partial.resume"));
    ASSERT_EQ(fake_.exported.size(), 2u);
    EXPECT_EQ(fake_.exported[1].resume_token(), std::to_string(cut));
  }
}

TEST_F(PackageCommandTest, ARefusalIsNotGoneOnWith) {
  fake_.cut_before = 1;
  fake_.cut_code = grpc::StatusCode::FAILED_PRECONDITION;
  const CliRun run = Run({"export", "spring", "-o", Path("f")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err.find("--resume"), std::string::npos) << run.err;
}

TEST_F(PackageCommandTest, WhatIsThereIsNotGoneOnWithForAnother) {
  fake_.cut_before = 2;
  Run({"export", "spring", "-o", Path("f")});
  const CliRun other = Run({"export", "summer", "-o", Path("f"), "--resume"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("another package"), std::string::npos) << other.err;
  EXPECT_EQ(Read("f.partial"), "138\n139\n137\n") << "it is kept";
  Write("f.partial.resume", "{");
  EXPECT_EQ(Run({"export", "spring", "-o", Path("f"), "--resume"}).exit_code, 2);
  // Without --resume it begins again.
  fake_.cut_before = 99;
  EXPECT_EQ(Run({"export", "spring", "-o", Path("f")}).exit_code, 0);
  EXPECT_EQ(Read("f"), "138\n139\n137\n136\n");
  // With nothing to go on with it begins, too.
  EXPECT_EQ(Run({"export", "spring", "-o", Path("g"), "--resume"}).exit_code, 0);
  EXPECT_EQ(Read("g"), "138\n139\n137\n136\n");
}

TEST_F(PackageCommandTest, WhatIsDamagedIsNoFile) {
  fake_.damages = true;
  const CliRun damaged = Run({"export", "spring", "-o", Path("f")});
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_NE(damaged.err.find("not what was sent"), std::string::npos);
  EXPECT_FALSE(Exists("f"));
  EXPECT_FALSE(Exists("f.partial"));
  fake_.damages = false;
  fake_.breaks_off = true;
  const CliRun broken = Run({"export", "spring", "-o", Path("f")});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_NE(broken.err.find("broke off"), std::string::npos);
  EXPECT_FALSE(Exists("f"));
}

TEST_F(PackageCommandTest, UsageIsCheckedFirst) {
  Write("there", "x");
  EXPECT_EQ(Run({"export", "spring", "-o", Path("there")}).exit_code, 2);
  EXPECT_EQ(Read("there"), "x");
  EXPECT_EQ(Run({"export", "spring", "-o", "-", "--resume"}).exit_code, 2);
  EXPECT_EQ(Run({"export", "spring", "-o", "-", "--json"}).exit_code, 2);
  EXPECT_EQ(Run({"export", "spring"}).exit_code, 2);
  EXPECT_EQ(Run({"export", "spring", "-o", Path("f"), "--side", "added"}).exit_code, 2);
  EXPECT_EQ(Run({"export", "spring", "-o", Path("f"), "--format", "xml"}).exit_code, 2);
  EXPECT_EQ(Run({"export", "spring", "-o", Path("f"), "--delta-from", "4294967296"}).exit_code, 2);
  EXPECT_EQ(Run({}).exit_code, 2);
  EXPECT_TRUE(fake_.exported.empty());
  EXPECT_EQ(Run({"export", "spring", "-o", Path("there"), "--force"}).exit_code, 0);
  EXPECT_EQ(Read("there"), "138\n139\n137\n136\n");
  const CliRun to_stdout = Run({"export", "spring", "-o", "-"});
  EXPECT_EQ(to_stdout.out, "138\n139\n137\n136\n");
}

TEST_F(PackageCommandTest, JobsAreAskedForAndShown) {
  fake_.waits_for = 2;
  const CliRun created =
      Run({"create", "spring", "--files", "4", "--prefix", "ids", "--request-id", "r", "--wait"});
  EXPECT_EQ(created.exit_code, 0) << created.err;
  EXPECT_EQ(fake_.create.file_count(), 4u);
  EXPECT_EQ(fake_.create.file_prefix(), "ids");
  EXPECT_EQ(fake_.create.request_id(), "r");
  EXPECT_EQ(fake_.create.spec().format(), v1::PACKAGE_FORMAT_TXT);
  EXPECT_NE(created.out.find("3 of 5 users, 4 rows, 4 bytes"), std::string::npos) << created.out;
  EXPECT_NE(created.out.find("without id    2"), std::string::npos) << created.out;
  fake_.waits_for = 2;
  fake_.end_state = v1::PACKAGE_STATE_FAILED;
  EXPECT_EQ(Run({"create", "spring", "--wait"}).exit_code, 1);
  fake_.end_state = v1::PACKAGE_STATE_CUT;
  const CliRun got = Run({"get", "20240315-100000-0001"});
  EXPECT_EQ(fake_.name, "populations/default/packages/20240315-100000-0001");
  EXPECT_NE(got.out.find("cut"), std::string::npos);
  const CliRun listed = Run({"list"});
  EXPECT_NE(listed.out.find("20240315-100000-0001  ready  spring        7      3   5      4  "
                            "txt, phone\n20240315"),
            std::string::npos)
      << listed.out;
  const CliRun json = Run({"--json", "list"});
  const Json packages = Json::parse(json.out).at("packages");
  ASSERT_EQ(packages.size(), 2u);
  EXPECT_EQ(packages[0].at("state"), "ready");
  EXPECT_EQ(packages[0].at("counts").at("without_id"), 2);
  EXPECT_EQ(packages[0].at("manifest").at("files").at(0).at("rows"), 4);
  EXPECT_NE(Run({"cancel", "x"}).out.find("cancelled"), std::string::npos);
  EXPECT_EQ(Run({"delete", "x"}).out, "deleted x\n");
  EXPECT_EQ(fake_.name, "populations/default/packages/x");
  fake_.failure = {grpc::StatusCode::FAILED_PRECONDITION, "there is no directory for packages"};
  EXPECT_EQ(Run({"create", "spring"}).exit_code, 1);
  EXPECT_EQ(Run({"list"}).exit_code, 1);
}

}  // namespace
}  // namespace throng::cli

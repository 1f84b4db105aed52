// PackageService over the network: the real server, the real engine.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "server/service/status_mapping.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
#include "throng/v1/crowd.grpc.pb.h"
#include "throng/v1/package.grpc.pb.h"

namespace throng::service {
namespace {

constexpr const char* kParent = "populations/default";
constexpr const char* kSpring = "populations/default/crowds/spring";

// All frames of a stream.
struct Streamed {
  grpc::Status status;
  std::vector<v1::ExportPackageResponse> frames;
  std::string bytes;
};

class WholePackageTest : public WholeServerTest {
 protected:
  void SetUp() override {
    options_.package_directory = directory_.File("out");
    WholeServerTest::SetUp();
    packages_ = v1::PackageService::NewStub(channel_);
    MakeCrowd("spring", "views < 100");
  }

  void MakeCrowd(const std::string& name, const std::string& rule) {
    const auto crowds = v1::CrowdService::NewStub(channel_);
    v1::CreateCrowdRequest create;
    create.set_parent(kParent);
    create.set_crowd_id(name);
    create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
    create.mutable_crowd()->set_expression(rule);
    v1::Crowd crowd;
    grpc::ClientContext create_context;
    ASSERT_TRUE(crowds->CreateCrowd(&create_context, create, &crowd).ok());
    v1::RefreshCrowdRequest refresh;
    refresh.set_name(crowd.name());
    v1::RefreshedCrowd refreshed;
    grpc::ClientContext refresh_context;
    ASSERT_TRUE(crowds->RefreshCrowd(&refresh_context, refresh, &refreshed).ok());
  }
  static v1::PackageSpec Spec(v1::PackageFormat format = v1::PACKAGE_FORMAT_TXT) {
    v1::PackageSpec spec;
    spec.set_crowd(kSpring);
    spec.set_format(format);
    return spec;
  }
  Streamed Stream(const v1::PackageSpec& spec, const std::string& token = "") {
    v1::ExportPackageRequest request;
    *request.mutable_spec() = spec;
    request.set_resume_token(token);
    grpc::ClientContext context;
    const auto reader = packages_->ExportPackage(&context, request);
    Streamed streamed;
    v1::ExportPackageResponse frame;
    while (reader->Read(&frame)) {
      streamed.bytes += frame.data();
      streamed.frames.push_back(frame);
    }
    streamed.status = reader->Finish();
    return streamed;
  }
  template <typename Response, typename Request>
  grpc::Status Call(grpc::Status (v1::PackageService::Stub::*call)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return ((*packages_).*call)(&context, request, response);
  }
  v1::Package Await(const std::string& name) {
    v1::GetPackageRequest get;
    get.set_name(name);
    v1::Package package;
    while (Call(&Stub::GetPackage, get, &package).ok() &&
           (package.state() == v1::PACKAGE_STATE_QUEUED ||
            package.state() == v1::PACKAGE_STATE_RUNNING)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return package;
  }
  static void Expect(const grpc::Status& status, grpc::StatusCode code, const std::string& reason,
                     const std::string& field) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(DetailOf(status).reason(), reason) << status.error_message();
    EXPECT_EQ(DetailOf(status).field(), field) << status.error_message();
  }

  using Stub = v1::PackageService::Stub;
  std::unique_ptr<v1::PackageService::Stub> packages_;
};

TEST_F(WholePackageTest, AStreamHasItsManifestAtTheEnd) {
  v1::PackageSpec spec = Spec(v1::PACKAGE_FORMAT_CSV);
  spec.add_tags("views");
  const Streamed all = Stream(spec);
  ASSERT_TRUE(all.status.ok()) << all.status.error_message();
  std::string expected = "user_id,views\n";
  for (int id = 0; id < 100; ++id) expected += fmt::format("{0},{0}\n", id);
  EXPECT_EQ(all.bytes, expected);
  ASSERT_EQ(all.frames.size(), 3u);
  EXPECT_TRUE(all.frames[0].has_start());
  EXPECT_EQ(all.frames[0].start().total(), 100u);
  EXPECT_FALSE(all.frames[1].resume_token().empty());
  const v1::PackageManifest& manifest = all.frames[2].manifest();
  EXPECT_EQ(manifest.counts().rows(), 100u);
  EXPECT_EQ(manifest.spec().crowd(), kSpring);
  EXPECT_EQ(manifest.spec().version(), 1u);
  EXPECT_EQ(manifest.spec().id_type(), "user_id");
  EXPECT_EQ(manifest.definition(), "views < 100");
  ASSERT_EQ(manifest.files_size(), 1);
  EXPECT_EQ(manifest.files(0).bytes(), expected.size());
  EXPECT_EQ(manifest.files(0).name(), "part.csv");

  const Streamed rest = Stream(spec, all.frames[1].resume_token());
  ASSERT_TRUE(rest.status.ok()) << rest.status.error_message();
  EXPECT_EQ(rest.bytes, "");
  EXPECT_EQ(rest.frames.back().manifest().files(0).sha256(), manifest.files(0).sha256());
}

TEST_F(WholePackageTest, AJobWritesFiles) {
  v1::CreatePackageRequest create;
  *create.mutable_spec() = Spec();
  create.set_file_count(2);
  create.set_request_id("r");
  v1::Package package;
  ASSERT_TRUE(Call(&Stub::CreatePackage, create, &package).ok());
  v1::Package again;
  ASSERT_TRUE(Call(&Stub::CreatePackage, create, &again).ok());
  EXPECT_EQ(again.name(), package.name());
  const v1::Package ready = Await(package.name());
  EXPECT_EQ(ready.state(), v1::PACKAGE_STATE_READY) << ready.error();
  EXPECT_EQ(ready.total(), 100u);
  EXPECT_EQ(ready.counts().rows(), 100u);
  ASSERT_EQ(ready.manifest().files_size(), 2);
  EXPECT_EQ(ready.manifest().files(1).name(), "part-00002-of-00002.txt");
  EXPECT_EQ(ready.manifest().files(1).rows(), 50u);
  EXPECT_TRUE(ready.has_end_time());

  create.set_request_id("");
  ASSERT_TRUE(Call(&Stub::CreatePackage, create, &again).ok());
  Await(again.name());
  v1::ListPackagesRequest list;
  list.set_parent(kParent);
  list.set_page_size(1);
  v1::ListPackagesResponse page;
  ASSERT_TRUE(Call(&Stub::ListPackages, list, &page).ok());
  ASSERT_EQ(page.packages_size(), 1);
  EXPECT_EQ(page.packages(0).name(), ready.name());
  EXPECT_EQ(page.packages(0).manifest().counts().rows(), 100u);
  EXPECT_EQ(page.packages(0).manifest().files_size(), 0);
  list.set_page_token(page.next_page_token());
  ASSERT_TRUE(Call(&Stub::ListPackages, list, &page).ok());
  ASSERT_EQ(page.packages_size(), 1);
  EXPECT_EQ(page.packages(0).name(), again.name());
  EXPECT_EQ(page.next_page_token(), "");

  v1::CancelPackageRequest cancel;
  cancel.set_name(ready.name());
  Expect(Call(&Stub::CancelPackage, cancel, &package), grpc::StatusCode::FAILED_PRECONDITION,
         "PACKAGE_ENDED", "name");
  v1::DeletePackageRequest remove;
  remove.set_name(ready.name());
  v1::DeletePackageResponse removed;
  EXPECT_TRUE(Call(&Stub::DeletePackage, remove, &removed).ok());
  Expect(Call(&Stub::DeletePackage, remove, &removed), grpc::StatusCode::NOT_FOUND,
         "UNKNOWN_PACKAGE", "name");
}

TEST_F(WholePackageTest, WhatIsWrongIsSaidWithItsField) {
  const auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
  const auto refused = [&](void (*change)(v1::PackageSpec&), grpc::StatusCode code,
                           const std::string& reason, const std::string& field) {
    v1::PackageSpec spec = Spec();
    change(spec);
    const Streamed streamed = Stream(spec);
    Expect(streamed.status, code, reason, field);
    EXPECT_TRUE(streamed.frames.empty());
    v1::CreatePackageRequest create;
    *create.mutable_spec() = spec;
    v1::Package package;
    Expect(Call(&Stub::CreatePackage, create, &package), code, reason, field);
  };
  refused([](v1::PackageSpec& s) { s.clear_crowd(); }, invalid, "REQUIRED", "spec.crowd");
  refused([](v1::PackageSpec& s) { s.set_crowd("x"); }, invalid, "BAD_RESOURCE_NAME", "spec.crowd");
  refused([](v1::PackageSpec& s) { s.set_crowd("populations/x/crowds/spring"); },
          grpc::StatusCode::NOT_FOUND, "UNKNOWN_POPULATION", "spec.crowd");
  refused([](v1::PackageSpec& s) { s.clear_format(); }, invalid, "UNSPECIFIED", "spec.format");
  refused([](v1::PackageSpec& s) { s.set_format(static_cast<v1::PackageFormat>(6)); }, invalid,
          "UNSPECIFIED", "spec.format");
  refused([](v1::PackageSpec& s) { s.set_hash(static_cast<v1::PackageHash>(9)); }, invalid,
          "UNSPECIFIED", "spec.hash");
  refused([](v1::PackageSpec& s) { s.set_compression(static_cast<v1::PackageCompression>(9)); },
          invalid, "UNSPECIFIED", "spec.compression");
  refused([](v1::PackageSpec& s) { s.mutable_delta(); }, invalid, "UNSPECIFIED", "spec.delta.side");
  refused([](v1::PackageSpec& s) { s.add_tags("views"); }, invalid, "TAGS_WITHOUT_COLUMNS",
          "spec.tags");
  refused([](v1::PackageSpec& s) { s.set_version(7); }, grpc::StatusCode::NOT_FOUND,
          "UNKNOWN_VERSION", "spec.version");
  Expect(Stream(Spec(), "x").status, invalid, "BAD_RESUME_TOKEN", "resume_token");
  v1::GetPackageRequest get;
  get.set_name("populations/default/packages/../x");
  v1::Package package;
  Expect(Call(&Stub::GetPackage, get, &package), invalid, "BAD_RESOURCE_NAME", "name");
}

}  // namespace
}  // namespace throng::service

// UploadService over the network: the real server, the real engine.
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/service/status_mapping.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
#include "throng/v1/crowd.grpc.pb.h"
#include "throng/v1/upload.grpc.pb.h"

namespace throng::service {
namespace {

constexpr const char* kParent = "populations/default";

std::string NameOf(const std::string& crowd) { return fmt::format("{}/crowds/{}", kParent, crowd); }

// Users 0 to 999.
class WholeUploadTest : public WholeServerTest {
 protected:
  void SetUp() override {
    WholeServerTest::SetUp();
    uploads_ = v1::UploadService::NewStub(channel_);
    crowds_ = v1::CrowdService::NewStub(channel_);
  }

  static v1::UploadHeader HeaderOf(const std::string& crowd) {
    v1::UploadHeader header;
    header.set_crowd(NameOf(crowd));
    header.set_mode(v1::UPLOAD_MODE_REPLACE);
    header.mutable_create();
    return header;
  }
  static v1::UploadIdsRequest Header(const v1::UploadHeader& header) {
    v1::UploadIdsRequest request;
    *request.mutable_header() = header;
    return request;
  }
  static v1::UploadIdsRequest Numbers(const std::vector<uint64_t>& ids) {
    v1::UploadIdsRequest request;
    for (const uint64_t id : ids) request.mutable_ids()->mutable_numbers()->add_values(id);
    return request;
  }
  static v1::UploadIdsRequest Texts(const std::vector<std::string>& ids) {
    v1::UploadIdsRequest request;
    v1::TextColumn& texts = *request.mutable_ids()->mutable_texts();
    for (const std::string& id : ids) {
      texts.mutable_data()->append(id);
      texts.add_ends(static_cast<uint32_t>(texts.data().size()));
    }
    return request;
  }
  static v1::UploadIdsRequest End(uint64_t count) {
    v1::UploadIdsRequest request;
    request.mutable_end()->set_id_count(count);
    return request;
  }
  grpc::Status Send(const std::vector<v1::UploadIdsRequest>& requests, v1::Upload* upload) {
    grpc::ClientContext context;
    const auto stream = uploads_->UploadIds(&context, upload);
    for (const v1::UploadIdsRequest& request : requests) {
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
    return stream->Finish();
  }
  v1::Upload MustSend(const std::vector<v1::UploadIdsRequest>& requests) {
    v1::Upload upload;
    const grpc::Status status = Send(requests, &upload);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return upload;
  }
  void ExpectRefused(const std::vector<v1::UploadIdsRequest>& requests, grpc::StatusCode code,
                     const std::string& reason, const std::string& field) {
    v1::Upload upload;
    const grpc::Status status = Send(requests, &upload);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(DetailOf(status).reason(), reason) << status.error_message();
    EXPECT_EQ(DetailOf(status).field(), field) << status.error_message();
  }
  grpc::StatusCode GetCrowd(const std::string& crowd, v1::Crowd* response) {
    v1::GetCrowdRequest request;
    request.set_name(NameOf(crowd));
    grpc::ClientContext context;
    return crowds_->GetCrowd(&context, request, response).error_code();
  }

  std::unique_ptr<v1::UploadService::Stub> uploads_;
  std::unique_ptr<v1::CrowdService::Stub> crowds_;
};

TEST_F(WholeUploadTest, FramesOfBothKindsBecomeOneCrowd) {
  v1::UploadHeader header = HeaderOf("vip");
  header.mutable_create()->set_folder("lists");
  header.set_keep_unknown(true);
  header.set_request_id("r1");
  const std::vector<v1::UploadIdsRequest> requests{
      Header(header), Numbers({1, 2, 3, 5'000}), Texts({"3", "4", "nobody", "", "nobody"}), End(9)};
  const v1::Upload upload = MustSend(requests);
  EXPECT_EQ(upload.name(), NameOf("vip") + "/uploads/1");
  EXPECT_EQ(upload.crowd(), NameOf("vip"));
  EXPECT_EQ(upload.received(), 9u);
  EXPECT_EQ(upload.matched(), 4u);
  EXPECT_EQ(upload.duplicate(), 2u);
  EXPECT_EQ(upload.unknown(), 2u);
  EXPECT_EQ(upload.invalid(), 1u);
  EXPECT_EQ(upload.kept(), 2u);
  EXPECT_EQ(upload.version().version(), 1u);
  EXPECT_EQ(upload.version().added(), 4u);
  EXPECT_GT(upload.data_version(), upload.read_version());
  ASSERT_EQ(upload.samples_size(), 1);
  EXPECT_EQ(upload.samples(0).position(), 8u);
  EXPECT_EQ(upload.samples(0).reason(), "EMPTY_ID");
  EXPECT_EQ(Count("crowd('vip')").count(), 4u);
  v1::Crowd crowd;
  ASSERT_EQ(GetCrowd("vip", &crowd), grpc::StatusCode::OK);
  EXPECT_EQ(crowd.kind(), v1::CROWD_KIND_UPLOAD);
  EXPECT_EQ(crowd.folder(), "lists");

  v1::Upload again = MustSend(requests);
  EXPECT_EQ(again.name(), upload.name()) << "a retry";
  EXPECT_EQ(again.data_version(), upload.data_version());
  ExpectRefused({Header(header), Numbers({1}), End(1)}, grpc::StatusCode::INVALID_ARGUMENT,
                "REQUEST_ID_REUSED", "header.request_id");
}

// What was not found, then the user of one.
TEST_F(WholeUploadTest, WhatWasNotFoundIsListedAndLookedUpAgain) {
  v1::UploadHeader header = HeaderOf("vip");
  header.set_keep_unknown(true);
  const v1::Upload upload =
      MustSend({Header(header), Numbers({1, 5'000}), Texts({"nobody", "", "nobody"}), End(5)});
  v1::ListUnmatchedRequest list;
  list.set_name(upload.name());
  grpc::ClientContext context;
  const auto stream = uploads_->ListUnmatched(&context, list);
  v1::ListUnmatchedResponse all;
  for (v1::ListUnmatchedResponse frame; stream->Read(&frame);) all.MergeFrom(frame);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(all.complete());
  EXPECT_EQ(all.unknown_size(), 2);
  ASSERT_EQ(all.invalid_size(), 1);
  EXPECT_EQ(all.invalid(0).position(), 4u);
  ASSERT_TRUE(WriteUser("nobody").ok());
  v1::RefreshCrowdRequest refresh;
  refresh.set_name(NameOf("vip"));
  grpc::ClientContext refreshing;
  v1::RefreshedCrowd refreshed;
  ASSERT_TRUE(crowds_->RefreshCrowd(&refreshing, refresh, &refreshed).ok());
  EXPECT_EQ(refreshed.version().added(), 1u);
  v1::ListUploadsRequest listing;
  listing.set_parent(NameOf("vip"));
  grpc::ClientContext of_list;
  v1::ListUploadsResponse uploads;
  ASSERT_TRUE(uploads_->ListUploads(&of_list, listing, &uploads).ok());
  ASSERT_EQ(uploads.uploads_size(), 2);
  EXPECT_EQ(uploads.uploads(0).mode(), v1::UPLOAD_MODE_REFRESH);
  EXPECT_EQ(uploads.uploads(0).kept(), 1u);
  EXPECT_EQ(uploads.uploads(1).mode(), v1::UPLOAD_MODE_REPLACE);
  v1::GetUploadRequest get;
  get.set_name(NameOf("vip") + "/uploads/1");
  grpc::ClientContext of_get;
  v1::Upload got;
  ASSERT_TRUE(uploads_->GetUpload(&of_get, get, &got).ok());
  EXPECT_EQ(got.samples_size(), 1);
  get.set_name(NameOf("vip") + "/uploads/9");
  grpc::ClientContext of_none;
  EXPECT_EQ(DetailOf(uploads_->GetUpload(&of_none, get, &got)).reason(), "UNKNOWN_UPLOAD");
}

TEST_F(WholeUploadTest, AStreamThatBreaksOffChangesNothing) {
  const v1::UploadHeader header = HeaderOf("x");
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  ExpectRefused({Header(header), Numbers({1, 2})}, kInvalid, "UPLOAD_CUT_SHORT", "end");
  ExpectRefused({Header(header), Numbers({1, 2}), End(3)}, kInvalid, "UPLOAD_CUT_SHORT", "end");
  {
    grpc::ClientContext context;
    v1::Upload upload;
    const auto stream = uploads_->UploadIds(&context, &upload);
    ASSERT_TRUE(stream->Write(Header(header)));
    ASSERT_TRUE(stream->Write(Numbers({1, 2})));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  v1::Crowd crowd;
  EXPECT_EQ(GetCrowd("x", &crowd), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(MustSend({Header(header), Numbers({7}), End(1)}).version().version(), 1u);
}

TEST_F(WholeUploadTest, BadRequestsSayWhere) {
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  const v1::UploadHeader good = HeaderOf("x");
  ExpectRefused({Numbers({1})}, kInvalid, "BAD_UPLOAD_ORDER", "header");
  ExpectRefused({Header(good), Header(good)}, kInvalid, "BAD_UPLOAD_ORDER", "header");
  ExpectRefused({Header(good), v1::UploadIdsRequest()}, kInvalid, "REQUIRED", "kind");
  v1::UploadIdsRequest no_kind;
  no_kind.mutable_ids();
  ExpectRefused({Header(good), no_kind}, kInvalid, "REQUIRED", "ids.kind");
  v1::UploadIdsRequest torn = Texts({"ab"});
  torn.mutable_ids()->mutable_texts()->set_ends(0, 1);
  ExpectRefused({Header(good), torn, End(1)}, kInvalid, "BAD_TEXTS", "ids.texts");
  v1::UploadHeader header = good;
  header.set_crowd("vip");
  ExpectRefused({Header(header)}, kInvalid, "BAD_RESOURCE_NAME", "header.crowd");
  header = good;
  header.clear_mode();
  ExpectRefused({Header(header)}, kInvalid, "UNSPECIFIED", "header.mode");
  header = good;
  header.set_mode(v1::UPLOAD_MODE_REFRESH);
  ExpectRefused({Header(header)}, kInvalid, "UNSPECIFIED", "header.mode");
  header = good;
  header.mutable_create()->set_keep_last(101);
  v1::Upload upload;
  EXPECT_EQ(DetailOf(Send({Header(header)}, &upload)).field(), "header.create.keep_last");
  header = good;
  header.set_id_type("nope");
  ExpectRefused({Header(header)}, grpc::StatusCode::NOT_FOUND, "UNKNOWN_ID_TYPE", "header.id_type");
  header = good;
  header.clear_create();
  ExpectRefused({Header(header)}, grpc::StatusCode::NOT_FOUND, "UNKNOWN_CROWD", "header.crowd");
  header = good;
  header.set_crowd("populations/other/crowds/x");
  ExpectRefused({Header(header)}, grpc::StatusCode::NOT_FOUND, "UNKNOWN_POPULATION",
                "header.crowd");
  header = good;
  header.set_validate_only(true);
  const v1::Upload checked = MustSend({Header(header), Numbers({1, 4'000}), End(2)});
  EXPECT_EQ(checked.matched(), 1u);
  EXPECT_EQ(checked.name(), "");
  EXPECT_FALSE(checked.has_version());
  v1::Crowd crowd;
  EXPECT_EQ(GetCrowd("x", &crowd), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace throng::service

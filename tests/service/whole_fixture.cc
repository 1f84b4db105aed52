#include "tests/service/whole_fixture.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace throng::service {
namespace {

void SetBit(uint64_t bit, std::string* bits) {
  bits->resize(std::max(bits->size(), static_cast<size_t>(bit / 8 + 1)), '\0');
  (*bits)[bit / 8] = static_cast<char>((*bits)[bit / 8] | (1 << (bit % 8)));
}

const std::vector<std::string>& AllTags() {
  static const auto* tags =
      new std::vector<std::string>{"city", "likes", "rent", "views", "born", "seen", "graduate"};
  return *tags;
}

}  // namespace

void WholeServerTest::SetUp() {
  Start();
  MakeTags();
  LoadUsers();
}

void WholeServerTest::Start() {
  options_.directory = directory_.File("data");
  absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::Engine::Open(options_);
  ASSERT_TRUE(engine.ok()) << engine.status();
  engine_ = *std::move(engine);
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start("127.0.0.1:0", ServiceLimits(), &call_metrics_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  server_->Serve(engine_.get());
  channel_ = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                 grpc::InsecureChannelCredentials());
  populations_ = v1::PopulationService::NewStub(channel_);
  tags_ = v1::TagService::NewStub(channel_);
  users_ = v1::UserService::NewStub(channel_);
  selections_ = v1::SelectionService::NewStub(channel_);
  insights_ = v1::InsightService::NewStub(channel_);
  memberships_ = v1::MembershipService::NewStub(channel_);
}

void WholeServerTest::Stop() {
  server_.reset();
  engine_.reset();
}

grpc::Status WholeServerTest::WriteUser(const std::string& id) {
  v1::WriteUsersRequest request;
  request.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  request.add_users()->set_id(id);
  grpc::ClientContext context;
  v1::WriteUsersResponse response;
  return users_->WriteUsers(&context, request, &response);
}

grpc::Status WholeServerTest::CreateTag(const std::string& name, v1::TagType type, int scale) {
  v1::CreateTagRequest request;
  request.set_parent("populations/default");
  request.set_tag_id(name);
  request.mutable_tag()->set_type(type);
  request.mutable_tag()->set_scale(scale);
  grpc::ClientContext context;
  v1::Tag tag;
  return tags_->CreateTag(&context, request, &tag);
}

void WholeServerTest::MakeTags() {
  const v1::TagType types[] = {v1::TAG_TYPE_CATEGORY, v1::TAG_TYPE_LABELS, v1::TAG_TYPE_DECIMAL,
                               v1::TAG_TYPE_INTEGER,  v1::TAG_TYPE_DATE,   v1::TAG_TYPE_DATE_TIME,
                               v1::TAG_TYPE_FLAG};
  for (size_t i = 0; i < AllTags().size(); ++i) {
    const grpc::Status status =
        CreateTag(AllTags()[i], types[i], types[i] == v1::TAG_TYPE_DECIMAL ? 2 : 0);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
}

v1::ColumnBatch WholeServerTest::MakeBatch(uint64_t first, uint64_t rows, uint64_t number) {
  v1::ColumnBatch batch;
  batch.set_batch_number(number);
  for (const std::string& name : AllTags()) batch.add_columns()->set_tag(name);
  v1::TagColumn* city = batch.mutable_columns(0);
  for (const char* value : {"Tianjin", "Beijing"}) city->mutable_categories()->add_values(value);
  v1::LabelsColumn* likes = batch.mutable_columns(1)->mutable_labels();
  for (const char* value : {"a", "b"}) likes->add_values(value);
  city->mutable_clear_mask()->resize(rows / 8 + 1);
  batch.mutable_columns(6)->mutable_flags()->resize((rows + 7) / 8);
  city->mutable_clear_mask()->resize((rows + 7) / 8);
  for (uint64_t row = 0; row < rows; ++row) {
    const uint64_t id = first + row;
    batch.mutable_ids()->mutable_numbers()->add_values(id);
    city->mutable_categories()->add_codes(id % 3 == 0 ? 1 : 0);
    if (id % 10 == 0) SetBit(row, city->mutable_clear_mask());
    if (id % 2 == 0) {
      likes->add_codes(0);
      likes->add_codes(1);
    }
    likes->add_ends(static_cast<uint32_t>(likes->codes_size()));
    for (int column = 2; column < 5; ++column) {
      batch.mutable_columns(column)->mutable_integers()->add_values(static_cast<int64_t>(id));
    }
    batch.mutable_columns(5)->mutable_integers()->add_values(static_cast<int64_t>(id) * 1'000'000);
    if (id % 4 == 0) SetBit(row, batch.mutable_columns(6)->mutable_flags());
  }
  return batch;
}

v1::LoadHeader WholeServerTest::Header(v1::LoadMode mode, const std::vector<std::string>& tags) {
  v1::LoadHeader header;
  header.set_mode(mode);
  header.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  header.mutable_tags()->Assign(tags.begin(), tags.end());
  return header;
}

grpc::Status WholeServerTest::Load(const v1::LoadHeader& header,
                                   const std::vector<v1::ColumnBatch>& batches,
                                   v1::LoadSummary* summary) {
  grpc::ClientContext context;
  const auto stream = users_->Load(&context);
  v1::LoadRequest request;
  *request.mutable_header() = header;
  stream->Write(request);
  for (const v1::ColumnBatch& batch : batches) {
    *request.mutable_batch() = batch;
    stream->Write(request);
  }
  stream->WritesDone();
  v1::LoadResponse response;
  while (stream->Read(&response)) {
    if (response.has_summary()) *summary = response.summary();
  }
  return stream->Finish();
}

void WholeServerTest::LoadUsers() {
  v1::LoadSummary summary;
  const grpc::Status status =
      Load(Header(v1::LOAD_MODE_UPSERT, AllTags()),
           {MakeBatch(0, kUsers / 2, 1), MakeBatch(kUsers / 2, kUsers / 2, 2)}, &summary);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(summary.users_created(), kUsers);
  ASSERT_EQ(summary.rows(), kUsers);
}

v1::CountResponse WholeServerTest::Count(const std::string& expression, uint64_t read_version) {
  v1::CountRequest request;
  request.mutable_selection()->set_expression(expression);
  request.mutable_selection()->set_read_version(read_version);
  grpc::ClientContext context;
  v1::CountResponse response;
  const grpc::Status status = selections_->Count(&context, request, &response);
  EXPECT_TRUE(status.ok()) << expression << ": " << status.error_message();
  return response;
}

grpc::Status WholeServerTest::CountStatus(const v1::Selection& selection) {
  v1::CountRequest request;
  *request.mutable_selection() = selection;
  grpc::ClientContext context;
  v1::CountResponse response;
  return selections_->Count(&context, request, &response);
}

std::vector<v1::ExportMembersResponse> WholeServerTest::Export(
    const v1::ExportMembersRequest& request) {
  grpc::ClientContext context;
  const auto reader = selections_->ExportMembers(&context, request);
  std::vector<v1::ExportMembersResponse> frames;
  v1::ExportMembersResponse frame;
  while (reader->Read(&frame)) frames.push_back(frame);
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return frames;
}

}  // namespace throng::service
